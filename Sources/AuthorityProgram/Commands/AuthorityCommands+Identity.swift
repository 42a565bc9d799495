// `identity`: the key that says who an authority is. It is made and used on a machine that is not on any network.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import WireFormat

extension AuthorityCommands {
    /// `identity new`: makes a key file and prints the public document.
    /// - Parameter passphrase: nil for a key file without one.
    public func newIdentity(_ path: String, passphrase: IdentityPassphrase?) throws {
        var generator = SystemRandomNumberGenerator()
        let key = try HybridSigningKey.generate()
        if let passphrase {
            try IdentityFile.create(path, key: key, passphrase: try passphrase.chosen(), using: &generator)
        } else {
            try IdentityFile.create(path, key: key, passphrase: nil, using: &generator)
        }
        try terminal.write(bytes: IdentityDocument(key: key.verificationKey).bytes)
        terminal.message("the identity key is in \(path): keep it offline, and keep a copy in another place")
        terminal.message("fingerprint \(Fingerprint.text(key.verificationKey.digest))")
        terminal.message("give the document above to the other authorities, and read the fingerprint to them yourself")
    }

    /// `identity show`: the public document of a key file, or what a public document holds.
    public func showIdentity(_ path: String, passphrase: IdentityPassphrase, json: Bool) throws {
        struct Report: Encodable {
            var fingerprint: String
            var hasPassphrase: Bool?
        }
        // A public document is longer than any key file.
        if let document = try? IdentityDocument(file: path) {
            if json { return try print(json: Report(fingerprint: document.key.digest.hex)) }
            return try print([("fingerprint", Fingerprint.text(document.key.digest))])
        }
        let isSealed = try IdentityFile.isSealed(path)
        let key = try IdentityFile.load(path, passphrase: passphrase).verificationKey
        if json { return try print(json: Report(fingerprint: key.digest.hex, hasPassphrase: isSealed)) }
        try terminal.write(bytes: IdentityDocument(key: key).bytes)
        terminal.message("fingerprint \(Fingerprint.text(key.digest))")
        if !isSealed { terminal.message("the key file has no passphrase: whoever gets it is this authority") }
    }
}
