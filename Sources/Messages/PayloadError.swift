/// Why the content of a payload is dropped; raw values are the names of the counters.
public enum PayloadError: String, Error, Hashable, Sendable, CaseIterable {
    /// Not 25,620 bytes.
    case wrongSize = "content-size"
    /// A version other than 1.
    case unknownVersion = "content-version"
    /// A kind that the format does not know.
    case unknownKind = "content-kind"
    /// A length that the kind does not allow.
    case wrongLength = "content-length"
    /// Padding or a reserved byte that is not zero.
    case nonZeroPadding = "content-padding"
    /// A part of a message of no bytes, or of more than the bound.
    case messageLength = "part-message-length"
    /// Group, groups, k, n or index that do not follow from the message's length.
    case inconsistentPart = "part-inconsistent"
    /// A share that is not as long as it must be.
    case shareSize = "part-share-size"
    /// A sealed part that its key does not open.
    case notAuthentic = "part-not-authentic"
}
