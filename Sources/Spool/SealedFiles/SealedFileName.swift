internal import MixCrypto
public import WireFormat

/// The name of a file that holds a reassembled message: 16 random bytes.
public struct SealedFileName: FixedBytes {
    public static let byteCount = 16
    public var storage = Words16()
    public init() {}

    /// What the file's sealed key is bound to.
    var place: String { "file \(hex)" }
}

/// A file that is complete and on the disk, but that no delivery refers to yet. Unless one does by the time the spool
/// is opened again, the file is deleted then.
public struct FinishedFile: Sendable {
    public let name: SealedFileName
    /// Bytes of the content.
    public let length: Int
    let key: SymmetricSecret
}
