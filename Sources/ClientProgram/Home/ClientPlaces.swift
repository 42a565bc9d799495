// Where the client's files are: one directory for everything if the user or a test says so, else the places of the XDG
// base directory specification.

public import Daemon
private import Glibc

/// Paths of the client's files. Nothing is made before it is needed.
public struct ClientPlaces: Hashable, Sendable {
    /// Settings; need not be there.
    public let configuration: String
    /// Networks, queues and the key that seals the queues; mode 0700.
    public let data: String

    /// The directory of network files.
    public var networks: String { "\(data)/networks" }
    /// The directory of queues, one for each network: deadlines of one network's packets mean nothing in another, whose
    /// clock may run differently.
    public var queues: String { "\(data)/queue" }
    /// Seals the queues; 32 bytes.
    public var storageKey: String { "\(data)/storage.key" }
    /// Sealed records: reply blocks, sent messages, contacts.
    public var records: String { "\(data)/records.sqlite" }
    /// The secrets of identities, mailboxes and mail keys.
    public var keyring: String { "\(data)/keyring" }
    /// Where answers and mails for mailboxes are put together; a spool.
    public var inbox: String { "\(data)/inbox" }
    /// Sealed mails that wait to leave; a directory.
    public var outbox: String { "\(data)/outbox" }
    /// The queue of the network called `name`.
    public func queue(of name: String) -> String { "\(queues)/\(name)" }

    /// - Parameters:
    ///   - home: one directory for configuration and data; without it `NIGHTJAR_HOME` counts, then XDG's variables.
    ///   - environment: as the process has it.
    public init(home: String?, environment: [String: String]) throws(CommandFailure) {
        if let chosen = home ?? environment["NIGHTJAR_HOME"], !chosen.isEmpty {
            configuration = "\(chosen)/client.toml"
            data = chosen
            return
        }
        let userHome = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        func place(_ variable: String, _ fallback: String) throws(CommandFailure) -> String {
            // Relative paths in these variables are to be ignored.
            if let path = environment[variable], path.hasPrefix("/") { return "\(path)/nightjar" }
            guard let userHome else {
                throw CommandFailure("HOME is not set; name a directory with --home or NIGHTJAR_HOME", code: .usage)
            }
            return "\(userHome)/\(fallback)/nightjar"
        }
        configuration = try place("XDG_CONFIG_HOME", ".config") + "/client.toml"
        data = try place("XDG_DATA_HOME", ".local/share")
    }

    /// Checks owner and mode of whatever is there already.
    func check() throws(CommandFailure) {
        for directory in [data, networks, queues, inbox, outbox] where Self.isThere(directory) {
            _ = try PrivateDirectory(directory, creating: false)
        }
        try PrivateDirectory.checkFile(at: configuration)
        for file in [storageKey, records, keyring] { try PrivateDirectory.checkFile(at: file) }
    }

    /// Whether there is anything of this name, a dangling link included.
    static func isThere(_ path: String) -> Bool {
        faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }
}
