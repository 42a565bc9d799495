// The file of an authority's offline identity key: the bare seed in a file of mode 0600, or the seed sealed under a
// passphrase.
//
//     bare   = seed 64
//     sealed = magic 16 | work 24 | nonce 12 | AES-256-GCM of the seed under the passphrase's key, aad = the 52 bytes before

internal import Daemon
internal import Foundation
internal import MixCrypto
internal import WireFormat

/// Reads and makes identity key files. An existing file is never replaced.
enum IdentityFile {
    static let magic = Array("nightjar id key\n".utf8)
    private static let headSize = magic.count + PasswordKey.size + SealedBox.nonceSize
    static let sealedSize = headSize + HybridSigningKey.seedSize + SealedBox.overhead

    /// Makes a file of mode 0600 with `key`.
    /// - Parameter passphrase: nil leaves the seed bare.
    static func create(
        _ path: String, key: HybridSigningKey, passphrase: borrowing SecretBytes?,
        using generator: inout some RandomNumberGenerator
    ) throws {
        guard let content = try seal(key, passphrase: passphrase, using: &generator) else {
            try key.withSeed { seed in
                try SecretFile.create(
                    path, SecretBytes(count: seed.count) { (copy) throws(Never) in copy.copyMemory(from: seed) })
            }
            return
        }
        var bytes = content
        try SecretFile.create(path, SecretBytes(moving: &bytes))
    }

    private static func seal(
        _ key: HybridSigningKey, passphrase: borrowing SecretBytes?, using generator: inout some RandomNumberGenerator
    ) throws -> [UInt8]? {
        switch passphrase {
        case .none: return nil
        case .some(let passphrase):
            let work = PasswordKey.new(protects: true, using: &generator)
            let nonce = generator.bytes(SealedBox.nonceSize)
            let head = magic + work.encoded + nonce
            let secret = try work.derive(passphrase)
            return try head
                + key.withSeed { try SealedBox.seal($0, key: secret, nonce: nonce, authenticating: head) }
        }
    }

    /// Whether the file at `path` needs a passphrase, judged by its size.
    static func isSealed(_ path: String) throws -> Bool {
        let attributes: [FileAttributeKey: Any]
        do { attributes = try FileManager.default.attributesOfItem(atPath: path) } catch {
            throw CommandFailure("there is no identity key \(path); make one with: nightjar-authority identity new")
        }
        switch (attributes[.size] as? NSNumber)?.intValue {
        case HybridSigningKey.seedSize: return false
        case sealedSize: return true
        default:
            throw CommandFailure(
                "\(path) is not an identity key: its size is neither \(HybridSigningKey.seedSize) nor \(sealedSize) bytes; "
                    + "name the file that `identity new` wrote, or restore it from its copy")
        }
    }

    /// The key in the file at `path`. The passphrase is asked for only if the file has one.
    static func load(_ path: String, passphrase: IdentityPassphrase) throws -> HybridSigningKey {
        guard try isSealed(path) else {
            return try HybridSigningKey(seed: SecretFile.read(path, count: HybridSigningKey.seedSize))
        }
        let content = try SecretFile.read(path, count: sealedSize).withBytes { Array($0) }
        guard content.starts(with: magic) else {
            throw CommandFailure("\(path) is not an identity key; name the file that `identity new` wrote")
        }
        let head = Array(content[..<headSize])
        do {
            let work = try PasswordKey(decoding: head[magic.count..<magic.count + PasswordKey.size])
            let secret = try work.derive(passphrase.given(for: path))
            return try HybridSigningKey(
                seed: SealedBox.openSecret(
                    Array(content[headSize...]), key: secret, nonce: Array(head.suffix(SealedBox.nonceSize)),
                    authenticating: head))
        } catch CryptoError.notAuthentic {
            throw CommandFailure(
                "the passphrase does not open the identity key \(path): it is wrong, or the file is damaged; try again",
                code: .refused)
        } catch CryptoError.malformed {
            throw CommandFailure("the identity key \(path) is damaged; restore it from its copy")
        }
    }
}
