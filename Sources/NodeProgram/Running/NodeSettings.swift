// Everything a node is told, checked and typed. Reading it from a file is `NodeSettings+ConfigFile.swift`.

internal import Daemon
internal import Directory
internal import MMTP
internal import Mixing
internal import Spool
internal import WireFormat

/// The settings of a node.
struct NodeSettings: Sendable {
    var nickname: Nickname
    var dataDirectory: String
    /// The signed document that names the network's authorities.
    var networkFile: String
    /// What that document's digest must be when it is trusted for the first time; nil takes it as it is.
    var networkDigest: Digest?
    /// Addresses to bind.
    var listen: [LinkAddress]
    /// Addresses to publish.
    var addresses: [NodeAddress]
    var contact = ""
    var family: [NodeID] = []
    /// Threads that unwrap packets; 0 is one for each processor.
    var workers = 0
    var locksMemory = false
    /// Where metrics and health are served.
    var metrics: MetricsSettings?
    var listener = ListenerConfiguration()
    var spool = SpoolConfiguration()
    var queues = QueueSettings()
    var strategy = MixStrategy.standard
    var acceptsWeakness = false
    /// Own loops; nil takes the network's rate.
    var loopsPerMinute: Double?
    var exit: ExitSettings?
    /// How the directory is fetched and the node made known.
    var directory = DirectorySettings()
    /// Nil for a node that offers no mailboxes.
    var mailboxes: MailboxSettings?
    var log = LogSettings()
    /// A test network's clock: how many times faster than real time, from which moment on.
    var timeScale = 1.0
    var timeOrigin = Timestamp(milliseconds: 0)
    /// A test network's faults.
    var faults = InjectedFaults()

    var isExit: Bool { exit != nil }
    /// Whether messages end here: outside, or in mailboxes.
    var takesMessages: Bool { exit != nil || mailboxes != nil }

    /// Settings known to be weak, as the descriptor names them.
    var weaknessNames: [String] { strategy.weaknesses().map(\.rawValue) }

    /// What the descriptor says that the node does.
    var capabilities: [Capability] {
        var list = [Capability(Capability.Name.relay)]
        list += exit?.capabilities ?? []
        if mailboxes != nil { list.append(Capability(Capability.Name.mailbox)) }
        return list
    }
}
