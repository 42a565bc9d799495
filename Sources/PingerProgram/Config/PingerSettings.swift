// Everything a pinger is told, checked and typed. Reading it from a file is `PingerSettings+ConfigFile.swift`.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Messages
internal import WireFormat

/// The settings of a pinger.
struct PingerSettings: Sendable {
    /// As its reports name it.
    var name: Nickname
    var dataDirectory: String
    /// The network's trust root.
    var networkFile: String
    /// What the network file must be, if the operator knows it from elsewhere.
    var networkDigest: Digest?
    /// Where pages and tables are written; nil for nowhere.
    var outputDirectory: String?
    /// Probes that are sent in an hour on average, of all kinds together but deliveries.
    var probesPerHour = 240.0
    /// A probe that has not come back after so long is lost.
    var deadline = Interval.hours(6)
    /// Nodes at which mailboxes are kept, at most.
    var mailboxes = 16
    /// Mean time between two polls of a mailbox.
    var pollInterval = Interval.minutes(5)
    /// Connections that are tried in an hour on average, over all nodes.
    var handshakesPerHour = 60.0
    /// How long a node may take to accept a connection, and again for the handshake; real time.
    var connectTimeout = Interval.seconds(10)
    /// Test mails; nil for none.
    var deliveries: DeliverySettings?
    /// How long probes and daily results are kept.
    var keepProbes = Interval.days(30)
    var keepDays = Interval.days(365)
    /// Whether reports go to the authorities.
    var publishesReports = true
    /// Time between two reports; nil for the network's slot.
    var reportInterval: Interval?
    var directory = DirectoryPlaces()
    var locksMemory = false
    var metrics: MetricsSettings?
    var log = LogSettings()
    /// A test network's clock: how many times faster than real time, from which moment on.
    var timeScale = 1.0
    var timeOrigin = Timestamp(milliseconds: 0)

    init(name: Nickname, dataDirectory: String, networkFile: String) {
        self.name = name
        self.dataDirectory = dataDirectory
        self.networkFile = networkFile
    }

    /// Probes that lie in one mailbox when it is polled after six times the mean interval, which one poll in 400 exceeds.
    func blocksBetweenPolls(mailboxes: Int) -> Double {
        probesPerHour * (pollInterval.inSeconds / 3600) * 6 / Double(max(mailboxes, 1))
    }
    /// A mailbox takes 1000 blocks (doc/MAILBOXES.md), and a node may not let go at once of those that were fetched.
    static let mostBlocksBetweenPolls = 900.0

    /// Which part of the probes that are due may be sent while so many mailboxes answer: with fewer than are configured each
    /// would get more than it can hold.
    func sendingShare(mailboxes: Int) -> Double {
        min(1, Self.mostBlocksBetweenPolls / max(blocksBetweenPolls(mailboxes: mailboxes), 1))
    }

    /// How the directory is kept new.
    var keeping: NetworkKeeperSettings {
        NetworkKeeperSettings(
            program: "pinger", networkFile: networkFile, networkDigest: networkDigest,
            cacheDirectory: PingerFiles(directory: dataDirectory).directoryCache, places: directory,
            connectTimeout: connectTimeout)
    }

    var clock: ScaledClock { ScaledClock(origin: timeOrigin, scale: timeScale) }
}

/// Where test mails go and come back.
struct DeliverySettings: Hashable, Sendable {
    /// An `smtp:` address that is delivered into `maildir`.
    var address: Address
    /// A Maildir on this machine, with `new` and `cur`.
    var maildir: String
    /// Mails in an hour on average, through all exits in turn.
    var perHour = 6.0
}
