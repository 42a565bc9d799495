// Short-lived symmetric keys of the packet path. swift-crypto's own key storage wipes itself; a locked page for each
// of the twenty keys of a packet would cost more than the packet.

internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
public import WireFormat

/// A symmetric secret: a shared secret, or a key expanded from one. Wiped when the last reference goes; never printed.
public struct SymmetricSecret: Sendable {
    let key: SymmetricKey

    init(_ key: SymmetricKey) { self.key = key }

    /// Copies secret bytes in.
    public init(_ bytes: UnsafeRawBufferPointer) { key = SymmetricKey(data: bytes) }

    /// Copies secret bytes in.
    public init(_ bytes: borrowing SecretBytes) { key = bytes.withBytes { SymmetricKey(data: $0) } }

    /// Copies secret bytes in; the caller's array is not wiped.
    public init(copying bytes: some Collection<UInt8>) { key = SymmetricKey(data: Array(bytes)) }

    /// 32 bytes of the system's randomness.
    public static func random() -> SymmetricSecret { SymmetricSecret(SymmetricKey(size: .bits256)) }

    /// Lends the bytes.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try key.withUnsafeBytes(body) }

    /// HKDF-Expand with SHA-256 (RFC 5869 section 2.3), this secret as the pseudorandom key. `count` at most 8160 bytes.
    public func expand(info: some Sequence<UInt8>, count: Int) -> SymmetricSecret {
        SymmetricSecret(HKDF<SHA256>.expand(pseudoRandomKey: key, info: Array(info), outputByteCount: count))
    }

    /// The 32 bytes at `index * 32`, as a secret of their own.
    public func part(_ index: Int) -> SymmetricSecret {
        key.withUnsafeBytes { SymmetricSecret(SymmetricKey(data: UnsafeRawBufferPointer(rebasing: $0[index * 32..<index * 32 + 32]))) }
    }

    /// HKDF-SHA256 (RFC 5869), extract then expand, to `count` bytes.
    public func derive(salt: [UInt8], info: String, count: Int) -> SymmetricSecret {
        SymmetricSecret(HKDF<SHA256>.deriveKey(inputKeyMaterial: key, salt: salt, info: Array(info.utf8), outputByteCount: count))
    }

    /// HMAC-SHA256 under this key (32 bytes).
    public func mac(_ message: UnsafeRawBufferPointer) -> WireFormat.Digest {
        HMAC<SHA256>.authenticationCode(for: message, using: key).withUnsafeBytes { WireFormat.Digest(copying: $0) }
    }

    /// HMAC-SHA256 over two pieces in a row.
    public func mac(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> WireFormat.Digest {
        var hmac = HMAC<SHA256>(key: key)
        hmac.update(data: first)
        hmac.update(data: second)
        return hmac.finalize().withUnsafeBytes { WireFormat.Digest(copying: $0) }
    }

    /// XORs the AES-256-CTR stream (zero initial counter) onto `buffer`. A key must be used once.
    public func applyStream(to buffer: UnsafeMutableRawBufferPointer) {
        do {
            let nonce = try AES._CTR.Nonce(nonceBytes: Self.zeroCounter)
            let output = try AES._CTR.encrypt(UnsafeRawBufferPointer(buffer), using: key, nonce: nonce)
            output.withUnsafeBytes { buffer.copyMemory(from: $0) }
        } catch {
            // Only key sizes other than 16, 24 and 32 bytes fail, and those are ours.
            preconditionFailure("the stream key is 32 bytes")
        }
    }

    private static let zeroCounter = [UInt8](repeating: 0, count: 16)

    /// The first `count` bytes of the AES-256-CTR stream.
    public func stream(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { applyStream(to: $0) }
        return bytes
    }
}
