// Small secrets in the database: keys of segments and files, recipients' addresses. Each is sealed with AES-256-GCM
// under a key derived from the storage key, with a random nonce in front and its own place as authenticated data, so
// that rows cannot be exchanged.

internal import MixCrypto
internal import WireFormat

/// Seals and opens small values under the storage key.
struct StorageSeal: Sendable {
    private let key: SymmetricSecret
    private let naming: SymmetricSecret

    init(_ storageKey: SymmetricSecret) {
        key = storageKey.derive(salt: [], info: "nightjar/1 spool", count: 32)
        naming = storageKey.derive(salt: [], info: "nightjar/1 spool names", count: 32)
    }

    /// What a row is looked up by whose name shall not be on the disk.
    func hash(_ name: [UInt8]) -> Digest { name.withUnsafeBytes { naming.mac($0) } }

    func seal(_ bytes: [UInt8], as place: String) throws(CryptoError) -> [UInt8] {
        let result: Result<[UInt8], CryptoError> = bytes.withUnsafeBytes { bytes in
            Result { () throws(CryptoError) in try seal(bytes, as: place) }
        }
        return try result.get()
    }

    /// Nonce (12 bytes), ciphertext and tag (16 bytes).
    func seal(_ bytes: UnsafeRawBufferPointer, as place: String) throws(CryptoError) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let nonce = generator.bytes(SealedBox.nonceSize)
        return nonce + (try SealedBox.seal(bytes, key: key, nonce: nonce, authenticating: Array(place.utf8)))
    }

    /// What `seal` sealed for the same place.
    func open(_ sealed: [UInt8], as place: String) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= SealedBox.nonceSize + SealedBox.overhead else { throw .malformed }
        return try SealedBox.open(
            Array(sealed[SealedBox.nonceSize...]), key: key, nonce: Array(sealed[..<SealedBox.nonceSize]),
            authenticating: Array(place.utf8))
    }

    func seal(_ secret: SymmetricSecret, as place: String) throws(CryptoError) -> [UInt8] {
        let result: Result<[UInt8], CryptoError> = secret.withBytes { bytes in
            Result { () throws(CryptoError) in try seal(bytes, as: place) }
        }
        return try result.get()
    }

    func openSecret(_ sealed: [UInt8], as place: String) throws(CryptoError) -> SymmetricSecret {
        var bytes = try open(sealed, as: place)
        defer { bytes.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
        guard bytes.count == 32 else { throw .malformed }
        return bytes.withUnsafeBytes { SymmetricSecret($0) }
    }

    func seal(text: String, as place: String) throws(CryptoError) -> [UInt8] {
        try seal(Array(text.utf8), as: place)
    }
}
