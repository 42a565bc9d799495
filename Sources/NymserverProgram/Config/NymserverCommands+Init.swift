// `init`: what a nymserver's machine begins with: a configuration, a data directory, keys, and the public key for the exits.

internal import Daemon
internal import Exits
internal import Foundation
internal import MixCrypto
internal import Sphinx

/// What `init` is told.
public struct NewNymserver: Sendable {
    public var domain: String?
    /// The operator's mail address.
    public var operatorAddress: String?
    /// The network file.
    public var network: String?
    public var dataDirectory: String?

    public init(
        domain: String? = nil, operatorAddress: String? = nil, network: String? = nil, dataDirectory: String? = nil
    ) {
        self.domain = domain
        self.operatorAddress = operatorAddress
        self.network = network
        self.dataDirectory = dataDirectory
    }
}

extension NymserverCommands {
    /// `init`: makes what is not there; what is there stays.
    /// - Returns: the public key's fingerprint, by which people compare it.
    @discardableResult
    public func initialize(_ path: String, _ new: NewNymserver) throws -> String {
        try ScaledClock.checkPlausible(now)
        if FileManager.default.fileExists(atPath: path) {
            try checkUnset(path, new)
        } else {
            try AtomicFile.write(text: try Self.configuration(new), to: path)
            terminal.message("wrote \(path); read it through before you start the server")
        }
        let settings = try NymserverSettings(configuration: path)
        let files = settings.files
        _ = try PrivateDirectory(settings.dataDirectory)
        _ = try PrivateDirectory(files.spool)
        if !FileManager.default.fileExists(atPath: files.key) {
            guard !FileManager.default.fileExists(atPath: files.database) else {
                throw CommandFailure(
                    """
                    \(files.database) is there, but not its key; put \(files.key) back, or move the database away with its -wal \
                    and -shm and run init again: all nyms are then gone
                    """)
            }
            // First, so that a crash between the two leaves a key that can be used.
            try AtomicFile.write(text: "", to: files.unusedKey)
            try SecretFile.create(files.key, .random(count: NymserverKeys.size))
        }
        let key = try files.loadKeys().request.publicKey
        try AtomicFile.write(text: PublicKeyArmor.text(key), to: files.publicKey)
        let fingerprint = "\(key.fingerprint)"
        try terminal.print("domain \(settings.domain)")
        try terminal.print("key \(fingerprint)")
        terminal.message(
            "the key is in \(files.publicKey); give that file to the operators of exits that serve the domain:")
        terminal.message("")
        terminal.message("[[exit.nym]]")
        terminal.message("domain = \"\(settings.domain)\"")
        terminal.message("deliver = \"lmtp:\(settings.lmtp)\"")
        terminal.message("key-file = \"/etc/nightjar-node/\(settings.domain).key\"")
        return fingerprint
    }

    /// What `init` was told must not differ from a configuration that is there already.
    private func checkUnset(_ path: String, _ new: NewNymserver) throws {
        let settings = try NymserverSettings(configuration: path)
        if let domain = new.domain, domain != settings.domain {
            throw CommandFailure(
                "\(path) is there already, for the domain \(settings.domain); nothing was changed", code: .usage)
        }
        let options = [
            ("--operator", new.operatorAddress), ("--network", new.network), ("--data-directory", new.dataDirectory),
        ]
        for (option, value) in options where value != nil {
            throw CommandFailure("\(path) is there already: change it there, and leave out \(option)", code: .usage)
        }
    }

    private static func configuration(_ new: NewNymserver) throws -> String {
        guard let domain = new.domain, let address = new.operatorAddress else {
            throw CommandFailure(
                "there is no configuration yet; to make one, give --domain DOMAIN and --operator ADDRESS", code: .usage)
        }
        guard (try? MailRecipient("nym@\(domain)"))?.host == domain else {
            throw CommandFailure("a domain is written in lower case, such as nym.example", code: .usage)
        }
        guard let recipient = try? MailRecipient(address), recipient.host != domain else {
            throw CommandFailure("the operator's address is a mail address at another domain", code: .usage)
        }
        var text = ConfigAudit.sample(ConfigFile.keys { _ = NymserverSettings.read($0) })
        func set(_ key: String, to value: String) { text = ConfigText.setting(key, to: value, in: text) }
        set("domain", to: domain)
        set("operator", to: address)
        set("hello", to: domain)
        let here = FileManager.default.currentDirectoryPath
        for (key, path) in [("network-file", new.network), ("data-directory", new.dataDirectory)] {
            if let path { set(key, to: path.hasPrefix("/") ? path : "\(here)/\(path)") }
        }
        return "# A Nightjar nymserver. Check this file with: nightjar-nymserver check-config\n" + text
    }
}

/// The public key as `nightjar key export` writes one.
///
///     version 1 u8 | X-Wing 1 u8 | key 1216 | the fingerprint's 20 bytes
enum PublicKeyArmor {
    static func text(_ key: KEMPublicKey) -> String {
        Armor.encode([1, 1] + key.bytes + key.fingerprint.bytes, kind: .publicKey)
    }
}
