// Reading a pinger's settings from its TOML file. Every key has its sentence here; etc/nightjar-pinger.toml is held against
// it by a test.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Messages
internal import WireFormat

extension PingerSettings {
    /// Reads and checks the file at `path`; throws everything that is wrong with it at once.
    init(configuration path: String) throws {
        let file = try ConfigFile(path: path)
        self = PingerSettings.read(file.root)
        try file.finish()
    }

    /// Takes all settings out of a table; problems are reported there.
    static func read(_ root: ConfigTable) -> PingerSettings {
        let text = root.required(
            "name", .string, doc: "The pinger's name, as its reports and the authorities that trust it have it.")
        if Nickname(text) == nil, !text.isEmpty {
            root.report(
                "name",
                "a name has \(Nickname.rule)"
            )
        }
        let name = Nickname(text) ?? .unnamed
        var settings = PingerSettings(
            name: name,
            dataDirectory: root.value(
                "data-directory", .path, default: "/var/lib/nightjar-pinger",
                doc: "Database, keys and directory; mode 0700."),
            networkFile: root.value(
                "network-file", .path, default: "/etc/nightjar-pinger/network",
                doc: "The network file, from people whom you trust; newer editions are fetched."))
        settings.networkDigest = root.networkDigest()
        settings.outputDirectory = root.optional(
            "output-directory", .path,
            doc: "Directory for a web server, into which pages, tables and the last report are written.")
        settings.readProbes(root)
        settings.readDeliveries(root.table("delivery"))
        settings.readReports(root)
        settings.directory = DirectoryPlaces(root.table("directory"))
        settings.locksMemory = root.value(
            "lock-memory", .bool, default: false, doc: "Keep all memory from being swapped; needs a high memlock limit."
        )
        settings.log = LogSettings(root)
        settings.metrics = MetricsSettings(root)
        let clock = ScaledClock(root.table("test"))
        (settings.timeScale, settings.timeOrigin) = (clock.scale, clock.origin)
        return settings
    }

    private mutating func readProbes(_ root: ConfigTable) {
        probesPerHour = root.value(
            "probes-per-hour", .double(1...36_000), default: probesPerHour,
            doc: "Probes that are sent in an hour on average, at random times. Each is a packet of 32 KiB.")
        deadline = root.value(
            "deadline", .duration(.minutes(1) ... .days(7)), default: deadline,
            doc: "A probe that has not come back after so long is lost.")
        mailboxes = root.value(
            "mailboxes", .int(1...64), default: mailboxes,
            doc: "Mailboxes that are kept at most, each at another node.")
        pollInterval = root.value(
            "poll-interval", .duration(.seconds(10) ... .hours(2)), default: pollInterval,
            doc: "Mean time between two polls of a mailbox, at random times.")
        handshakesPerHour = root.value(
            "handshakes-per-hour", .double(0...36_000), default: handshakesPerHour,
            doc: "Connections that are tried in an hour on average, each to a random node. 0: none.")
        connectTimeout = root.value(
            "connect-timeout", .duration(.milliseconds(100) ... .minutes(5)), default: connectTimeout,
            doc: "How long a node may take to accept a connection, and again to finish the handshake.")
        keepProbes = root.value(
            "keep-probes", .duration(.days(1) ... .days(3660)), default: keepProbes,
            doc: "How long single probes are kept.")
        keepDays = root.value(
            "keep-days", .duration(.days(1) ... .days(36_500)), default: keepDays,
            doc: "How long the results of each day are kept.")
        if deadline < pollInterval * 6 {
            root.report(
                "deadline",
                "it must be at least six times the poll-interval, or probes are called lost that nobody looked for: make it longer, or poll-interval shorter"
            )
        }
        if blocksBetweenPolls(mailboxes: mailboxes) > Self.mostBlocksBetweenPolls {
            root.report(
                "probes-per-hour",
                "so many probes fill the mailboxes before they are polled, and are lost there: send fewer, shorten poll-interval, or keep more mailboxes"
            )
        }
        if keepProbes < deadline * 2 {
            root.report("keep-probes", "it must be at least twice the deadline, or probes are forgotten undecided")
        }
    }

    private mutating func readDeliveries(_ table: ConfigTable) {
        let text = table.optional(
            "address", .string, doc: "Mail address that test mails go to. Without it there are none.")
        let maildir = table.optional(
            "maildir", .path, doc: "The Maildir into which mail to that address is delivered, on this machine.")
        let perHour = table.value(
            "per-hour", .double(0.01...3600), default: 6,
            doc: "Test mails in an hour on average, through all exits in turn.")
        guard let text, !table.isDocumenting else { return }
        guard let address = try? Address(text), address.kind == .smtp else {
            return table.report("address", "it is not a mail address such as tests@example.org")
        }
        guard let maildir else {
            return table.report("address", "name the maildir too, into which mail to this address is delivered")
        }
        deliveries = DeliverySettings(address: address, maildir: maildir, perHour: perHour)
    }

    private mutating func readReports(_ root: ConfigTable) {
        let table = root.table("reports")
        publishesReports = table.value(
            "publish", .bool, default: true,
            doc: "Send signed reports to the authorities. They count only for those that name this pinger.")
        reportInterval = table.optional(
            "interval", .duration(.minutes(1) ... .minutes(150)),
            doc:
                "Time between two reports, of which none counts longer than six hours. Without it the length of the network's slots, at most an hour."
        )
    }
}
