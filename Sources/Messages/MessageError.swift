/// Why a message cannot be made or read.
public enum MessageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A body longer than the limit, in bytes.
    case bodyTooLarge(limit: Int)
    /// A version other than 1.
    case unknownVersion
    /// A flag that the format does not know.
    case unknownFlags
    /// Lengths that do not add up, or fewer bytes than they promise.
    case truncated
    /// More bytes than the lengths promise.
    case trailingBytes
    /// An envelope longer than any can be.
    case envelopeTooLarge
    /// An envelope that is refused.
    case envelope(EnvelopeError)
    /// A body that would inflate to more than 20 times its length and 64 KiB.
    case inflatesTooFar
    /// A compressed body that is not shorter than the body, is not what zlib makes, or is not of the length promised.
    case malformedCompression
    /// A record of another kind of format, such as a receipt, that is not well-formed.
    case malformedRecord
    /// zlib has no memory.
    case outOfMemory

    public var description: String {
        switch self {
        case .bodyTooLarge(let limit):
            "the message is too large: its body may have \(limit) bytes (\(limit >> 20) MiB); send a smaller one"
        case .envelope(let error): error.description
        case .unknownVersion: "the message is of a version that this program does not know; update the program"
        case .outOfMemory: "out of memory; try again later"
        case .unknownFlags, .truncated, .trailingBytes, .envelopeTooLarge, .inflatesTooFar, .malformedCompression,
            .malformedRecord:
            "the message is damaged; ask for it to be sent again"
        }
    }
}
