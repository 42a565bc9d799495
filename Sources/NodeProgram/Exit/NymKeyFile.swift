// The public key of a nymserver, as its `init` writes it and `nightjar key export` writes keys.

internal import Daemon
internal import MixCrypto
internal import Sphinx

/// Reads `server.key`: armor around version 1, kind 1, the X-Wing key (1216 bytes) and its fingerprint (20 bytes).
enum NymKeyFile {
    static func read(_ path: String) throws -> KEMPublicKey {
        let text = String(decoding: try AtomicFile.read(path, limit: 64 << 10), as: UTF8.self)
        let blocks = Armor.decode(text, kind: .publicKey).blocks
        guard blocks.count == 1, blocks[0].count > 2, Array(blocks[0].prefix(2)) == [1, 1] else {
            throw Failure(path: path)
        }
        let bytes = blocks[0].dropFirst(2)
        guard let key = try? KEMPublicKey(bytes.prefix(KEM.publicKeySize)),
            key.fingerprint.bytes == Array(bytes.dropFirst(KEM.publicKeySize))
        else { throw Failure(path: path) }
        return key
    }

    struct Failure: Error, CustomStringConvertible {
        let path: String
        var description: String {
            "\(path) has no public key of a nymserver in it; copy the file server.key that nightjar-nymserver init wrote"
        }
    }
}
