// `init`: what a pinger's machine begins with: a configuration, a data directory, the key that signs its reports, and the
// identity as which it uses the network.

internal import Daemon
internal import Directory
internal import Foundation
internal import MixCrypto
public import WireFormat

/// What `init` is told.
public struct NewPinger: Sendable {
    public var name: String?
    /// The network file.
    public var network: String?
    public var dataDirectory: String?
    public var outputDirectory: String?

    public init(
        name: String? = nil, network: String? = nil, dataDirectory: String? = nil, outputDirectory: String? = nil
    ) {
        self.name = name
        self.network = network
        self.dataDirectory = dataDirectory
        self.outputDirectory = outputDirectory
    }
}

extension PingerCommands {
    /// `init`: makes what is not there; what is there stays.
    /// - Returns: the digest of the key that signs reports, by which authorities know this pinger.
    @discardableResult
    public func initialize(_ path: String, _ new: NewPinger) throws -> Digest {
        try ScaledClock.checkPlausible(now)
        if FileManager.default.fileExists(atPath: path) {
            try checkUnset(path, new)
        } else {
            try AtomicFile.write(text: try Self.configuration(new), to: path)
            terminal.message("wrote \(path); read it through before you start the pinger")
        }
        let settings = try PingerSettings(configuration: path)
        let files = PingerFiles(directory: settings.dataDirectory)
        _ = try PrivateDirectory(settings.dataDirectory)
        if !FileManager.default.fileExists(atPath: files.key) {
            try SecretFile.create(files.key, .random(count: HybridSigningKey.seedSize))
        }
        if !FileManager.default.fileExists(atPath: files.identity) {
            try SecretFile.create(files.identity, .random(count: PingerIdentity.size))
        }
        _ = try files.loadIdentity()
        let digest = try files.loadKey().verificationKey.digest
        try terminal.print("pinger \(settings.name)")
        try terminal.print("key \(digest.hex)")
        terminal.message("an authority that trusts this pinger puts these lines into its configuration:")
        terminal.message("")
        terminal.message("[pingers]")
        terminal.message("\(settings.name) = \"\(digest.hex)\"")
        return digest
    }

    /// What `init` was told must not differ from a configuration that is there already.
    private func checkUnset(_ path: String, _ new: NewPinger) throws {
        let settings = try PingerSettings(configuration: path)
        if let name = new.name, name != settings.name.text {
            throw CommandFailure(
                "\(path) is there already, for the pinger \(settings.name); nothing was changed", code: .usage)
        }
        let options = [
            ("--network", new.network), ("--data-directory", new.dataDirectory),
            ("--output-directory", new.outputDirectory),
        ]
        for (option, value) in options where value != nil {
            throw CommandFailure("\(path) is there already: change it there, and leave out \(option)", code: .usage)
        }
    }

    private static func configuration(_ new: NewPinger) throws -> String {
        guard let name = new.name else {
            throw CommandFailure("there is no configuration yet; to make one, give --name NAME", code: .usage)
        }
        guard Nickname(name) != nil else {
            throw CommandFailure(
                "a name has \(Nickname.rule)", code: .usage)
        }
        var text = ConfigAudit.sample(ConfigFile.keys { _ = PingerSettings.read($0) })
        func set(_ key: String, to value: String) { text = ConfigText.setting(key, to: value, in: text) }
        set("name", to: name)
        let here = FileManager.default.currentDirectoryPath
        let paths = [
            ("network-file", new.network), ("data-directory", new.dataDirectory),
            ("output-directory", new.outputDirectory),
        ]
        for (key, path) in paths {
            if let path { set(key, to: path.hasPrefix("/") ? path : "\(here)/\(path)") }
        }
        return "# A Nightjar pinger. Check this file with: nightjar-pinger check-config\n" + text
    }
}
