internal import Crypto
public import WireFormat

extension WireFormat.Digest {
    /// SHA-256 of `bytes`.
    public static func sha256(_ bytes: UnsafeRawBufferPointer) -> WireFormat.Digest {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        return hash.finalize().withUnsafeBytes { WireFormat.Digest(copying: $0) }
    }

    /// SHA-256 of `bytes`.
    public static func sha256(_ bytes: [UInt8]) -> WireFormat.Digest { bytes.withUnsafeBytes { sha256($0) } }

    /// SHA-256 of the UTF-8 of `text`.
    public static func sha256(_ text: String) -> WireFormat.Digest { sha256(Array(text.utf8)) }
}

/// SHA-256 over pieces.
public struct DigestBuilder: Sendable {
    private var hash = SHA256()
    public init() {}
    /// Takes more bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }
    /// Takes more bytes.
    public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { hash.update(bufferPointer: $0) } }
    /// The digest of all bytes so far.
    public func finish() -> WireFormat.Digest { hash.finalize().withUnsafeBytes { WireFormat.Digest(copying: $0) } }
}
