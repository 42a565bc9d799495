// The keys that others seal mail to.

internal import MixCrypto
internal import WireFormat

/// What can be told of a mail key.
struct OwnKeyInfo: Hashable, Sendable {
    let name: String
    let created: Timestamp
    let publicKey: KEMPublicKey
}

extension Keyring {
    /// Our own keys, in the order in which they were made.
    func keys() throws -> [OwnKeyInfo] { try items.compactMap(\.mailKey).map { try $0.info } }

    /// The key called `name`; without a name the first one.
    /// - Throws: `KeyringError.unknown`.
    func key(_ name: String?) throws -> OwnKeyInfo? {
        let all = items.compactMap(\.mailKey)
        guard let name else { return try all.first?.info }
        guard let found = all.first(where: { $0.name == name }) else {
            throw KeyringError.unknown(what: "key", name, command: "nightjar key list")
        }
        return try found.info
    }

    /// Makes a key.
    /// - Throws: `KeyringError.badName`, `taken`.
    func makeKey(_ name: String, at now: Timestamp) throws -> OwnKeyInfo {
        let name = try EntryName.check(name, of: "a key")
        let key = OwnMailKey(name: name, created: Timestamp(seconds: now.seconds), seed: try .random())
        try change { items in
            guard !items.contains(where: { $0.mailKey?.name == name }) else {
                throw KeyringError.taken(what: "a key", name)
            }
            items.append(.mailKey(key))
        }
        return try key.info
    }

    /// Destroys a key: mail sealed to it can never be read again.
    func removeKey(_ name: String) throws {
        try change { items in
            guard items.contains(where: { $0.mailKey?.name == name }) else {
                throw KeyringError.unknown(what: "key", name, command: "nightjar key list")
            }
            items.removeAll { $0.mailKey?.name == name }
        }
    }

    /// Opens sealed mail with whichever of our keys it is for; nil if it is for none.
    func openMail(_ sealed: [UInt8]) throws -> (key: String, mail: [UInt8])? {
        for key in items.compactMap(\.mailKey) {
            do throws(CryptoError) {
                return (key.name, try MailSeal.open(sealed, with: try KEMPrivateKey(seed: key.seed.bytes)))
            } catch {
                guard error == .notAuthentic || error == .malformed else { throw error }
            }
        }
        return nil
    }
}

extension OwnMailKey {
    fileprivate var info: OwnKeyInfo {
        get throws {
            OwnKeyInfo(name: name, created: created, publicKey: try KEMPrivateKey(seed: seed.bytes).publicKey)
        }
    }
}
