// `init`: what an authority's machine begins with: a configuration, a data directory, the key that signs every slot, and the
// request by which the offline identity certifies that key.

internal import Daemon
internal import Directory
internal import Foundation
internal import MixCrypto
internal import WireFormat

/// What `init` is told.
public struct NewAuthority: Sendable {
    public var name: String?
    /// The network file.
    public var network: String?
    /// The network's name, while there is no network file.
    public var networkName: String?
    public var listen: String?
    public var dataDirectory: String?

    public init(name: String?, network: String?, networkName: String?, listen: String?, dataDirectory: String?) {
        self.name = name
        self.network = network
        self.networkName = networkName
        self.listen = listen
        self.dataDirectory = dataDirectory
    }
}

extension AuthorityFiles {
    /// The request for the certification of the signing key.
    var request: String { "\(directory)/certificate.request" }
    /// A signing key that is to follow once it is certified.
    var nextSigningKey: String { "\(directory)/signing.key.next" }
}

extension AuthorityCommands {
    /// `init`: makes what is not there; what is there stays.
    public func initialize(_ path: String, _ new: NewAuthority) throws {
        try ScaledClock.checkPlausible(now)
        let given = try new.network.map { try NetworkDocument.installed($0) }
        if FileManager.default.fileExists(atPath: path) {
            try checkUnset(path, new)
        } else {
            try AtomicFile.write(text: try Self.configuration(new, network: given, for: path), to: path)
            terminal.message("wrote \(path); read it through before you start the authority")
        }
        let settings = try AuthoritySettings(configuration: path)
        let network = try given ?? Self.networkIfThere(settings.networkFile)
        guard let networkName = network?.name ?? new.networkName else {
            throw CommandFailure(
                "there is no network file at \(settings.networkFile) yet; name the network with --network-name NAME",
                code: .usage)
        }
        guard NetworkDocument.isName(networkName) else {
            throw CommandFailure("a network's name has 1 to 32 lower-case letters, digits and hyphens", code: .usage)
        }
        if let network, network.authority(named: settings.name) == nil {
            throw CommandFailure(
                "\(settings.networkFile) names no authority \(settings.name), only "
                    + network.authorities.map(\.name.text).joined(separator: ", "), code: .usage)
        }
        _ = try PrivateDirectory(settings.dataDirectory)
        if !FileManager.default.fileExists(atPath: settings.signingKey) { try Self.makeSigningKey(settings.signingKey) }
        let key = try AuthorityFiles.loadSigningKey(settings.signingKey)
        let request = AuthorityFiles(directory: settings.dataDirectory).request
        try AtomicFile.write(
            CertificateRequest.make(network: networkName, name: settings.name, key: key).bytes, to: request, mode: 0o644
        )
        try terminal.print("authority \(settings.name)")
        try terminal.print("signing key \(Fingerprint.text(key.verificationKey.digest))")
        if FileManager.default.fileExists(atPath: settings.certificate) { return }
        terminal.message(
            "carry \(request) to the machine with the identity key, and there: nightjar-authority certify --request FILE"
        )
        terminal.message("then, here: nightjar-authority certificate install FILE")
    }

    /// A new signing key in a file of mode 0600.
    static func makeSigningKey(_ path: String) throws {
        try SecretFile.create(path, .random(count: HybridSigningKey.seedSize))
    }

    /// The network file, if there is one; one that is there must be good.
    static func networkIfThere(_ path: String) throws -> NetworkFile? {
        FileManager.default.fileExists(atPath: path) ? try NetworkDocument.installed(path) : nil
    }

    /// What `init` was told must not differ from a configuration that is there already.
    private func checkUnset(_ path: String, _ new: NewAuthority) throws {
        let settings = try AuthoritySettings(configuration: path)
        if let name = new.name, name != settings.name.text {
            throw CommandFailure(
                "\(path) is there already, for the authority \(settings.name); nothing was changed", code: .usage)
        }
        for (option, value) in [("--listen", new.listen), ("--data-directory", new.dataDirectory)] where value != nil {
            throw CommandFailure("\(path) is there already: change it there, and leave out \(option)", code: .usage)
        }
    }

    private static func configuration(_ new: NewAuthority, network: NetworkFile?, for path: String) throws -> String {
        guard let name = new.name else {
            throw CommandFailure("there is no \(path); to make one, give --name NAME", code: .usage)
        }
        guard Nickname(name) != nil else {
            throw CommandFailure(
                "a name has \(Nickname.rule)", code: .usage)
        }
        var text = ConfigAudit.sample(ConfigFile.keys { _ = AuthoritySettings.read($0) })
        func set(_ key: String, to value: String) { text = ConfigText.setting(key, to: value, in: text) }
        set("name", to: name)
        let here = FileManager.default.currentDirectoryPath
        if let file = new.network { set("network-file", to: file.hasPrefix("/") ? file : "\(here)/\(file)") }
        if let directory = new.dataDirectory {
            set("data-directory", to: directory.hasPrefix("/") ? directory : "\(here)/\(directory)")
        }
        if let listen = new.listen { set("listen", to: listen) }
        return "# A Nightjar authority. Check this file with: nightjar-authority check-config\n" + text
    }
}
