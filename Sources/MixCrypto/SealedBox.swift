// AES-256-GCM, for what lies on disk and for sealed parts of messages.

internal import Crypto
internal import FoundationEssentials

/// AES-256-GCM with a 16-byte tag behind the ciphertext.
public enum SealedBox {
    /// Bytes that sealing adds.
    public static let overhead = 16
    /// Bytes of a nonce.
    public static let nonceSize = 12

    /// Ciphertext and tag of `plaintext`. A (key, nonce) pair must be used once.
    public static func seal(
        _ plaintext: UnsafeRawBufferPointer, key: SymmetricSecret, nonce: [UInt8], authenticating data: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(plaintext, using: key.key, nonce: AES.GCM.Nonce(data: nonce), authenticating: data)
            return [UInt8](unsafeUninitializedCapacity: plaintext.count + overhead) { buffer, count in
                box.ciphertext.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
                box.tag.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[plaintext.count...])
                        .copyMemory(from: $0)
                }
                count = plaintext.count + overhead
            }
        } catch {
            throw .malformed
        }
    }

    /// The plaintext of what `seal` made; `notAuthentic` if key, nonce, data or any byte differ.
    public static func open(
        _ sealed: UnsafeRawBufferPointer, key: SymmetricSecret, nonce: [UInt8], authenticating data: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= overhead, nonce.count == nonceSize else { throw .malformed }
        do {
            let split = sealed.count - overhead
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: nonce),
                ciphertext: UnsafeRawBufferPointer(rebasing: sealed[..<split]),
                tag: UnsafeRawBufferPointer(rebasing: sealed[split...]))
            return Array(try AES.GCM.open(box, using: key.key, authenticating: data))
        } catch {
            throw .notAuthentic
        }
    }

    /// As `open`, into locked memory; every copy on the way is wiped.
    public static func openSecret(
        _ sealed: [UInt8], key: SymmetricSecret, nonce: [UInt8], authenticating data: [UInt8] = []
    ) throws -> SecretBytes {
        guard sealed.count > overhead, nonce.count == nonceSize else { throw CryptoError.malformed }
        var plain: Data
        do {
            let split = sealed.count - overhead
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: nonce), ciphertext: sealed[..<split], tag: sealed[split...])
            plain = try AES.GCM.open(box, using: key.key, authenticating: data)
        } catch {
            throw CryptoError.notAuthentic
        }
        defer { plain.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
        return try SecretBytes(count: plain.count) { (buffer) throws(Never) in
            plain.withUnsafeBytes { buffer.copyMemory(from: $0) }
        }
    }

    /// `seal` for arrays.
    public static func seal(
        _ plaintext: [UInt8], key: SymmetricSecret, nonce: [UInt8], authenticating data: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        let result: Result<[UInt8], CryptoError> = plaintext.withUnsafeBytes { bytes in
            Result { () throws(CryptoError) in try seal(bytes, key: key, nonce: nonce, authenticating: data) }
        }
        return try result.get()
    }

    /// `open` for arrays.
    public static func open(
        _ sealed: [UInt8], key: SymmetricSecret, nonce: [UInt8], authenticating data: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        let result: Result<[UInt8], CryptoError> = sealed.withUnsafeBytes { bytes in
            Result { () throws(CryptoError) in try open(bytes, key: key, nonce: nonce, authenticating: data) }
        }
        return try result.get()
    }
}
