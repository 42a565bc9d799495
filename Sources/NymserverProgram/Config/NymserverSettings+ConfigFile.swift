// Reading a nymserver's settings from its TOML file. Every key has its sentence here; etc/nightjar-nymserver.toml is held
// against it by a test.

internal import Daemon
internal import DirectoryService
internal import Exits
internal import NymProtocol
internal import WireFormat

extension NymserverSettings {
    /// Reads and checks the file at `path`; throws everything that is wrong with it at once.
    init(configuration path: String) throws {
        let file = try ConfigFile(path: path)
        let settings = NymserverSettings.read(file.root)
        try file.finish()
        guard let settings else { throw CommandFailure("\(path) cannot be used", code: .usage) }
        self = settings
    }

    /// Takes all settings out of a table; problems are reported there. Nil only if there are some.
    static func read(_ root: ConfigTable) -> NymserverSettings? {
        let domain = root.required(
            "domain", .string, doc: "The mail domain of all nyms of this server, such as nym.example.")
        if !domain.isEmpty, !isDomain(domain) {
            root.report("domain", "it is not a mail domain in lower case, such as nym.example")
        }
        let text = root.required(
            "operator", .string,
            doc:
                "The operator's mail address, outside this domain: complaints and mail for postmaster and abuse go there."
        )
        let address = try? MailRecipient(text)
        if !text.isEmpty {
            if address == nil { root.report("operator", "it is not a mail address such as you@example.org") }
            if address?.host == domain {
                root.report("operator", "it must be at another domain: every address of this one is a nym's")
            }
        }
        guard let operatorAddress = address ?? (try? MailRecipient("nobody@localhost.invalid")) else { return nil }
        var settings = NymserverSettings(
            domain: domain, operatorAddress: operatorAddress,
            dataDirectory: root.value(
                "data-directory", .path, default: "/var/lib/nightjar-nymserver",
                doc: "Database, keys, packets and directory; mode 0700."),
            networkFile: root.value(
                "network-file", .path, default: "/etc/nightjar-nymserver/network",
                doc: "The network file, from people whom you trust; newer editions are fetched."),
            smtp: SMTPSettings(mailServer: root.table("smtp")))
        settings.networkDigest = root.networkDigest()
        settings.readDoors(root)
        settings.showsDisplayNames = root.value(
            "display-names", .bool, default: true, doc: "Let nyms show a name of their choice before their address.")
        if let pause = root.optional(
            "retry-pause", .duration(.milliseconds(1)...(.days(1))),
            doc: "A fixed pause between attempts at a mail; without it 1, 2, 5, 10, 20, 40, 60 minutes.")
        {
            settings.retries.pauses = [pause]
        }
        let limits = root.table("limits")
        settings.limits = NymLimits(limits)
        settings.diskReserve = limits.value(
            "disk-reserve", .size(0...1 << 50), default: settings.diskReserve,
            doc: "Bytes of the disk that mail leaves free, so that packets go on leaving when it is full.")
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

    /// Whether `text` can stand behind the @ of an address, in the one spelling that is compared.
    private static func isDomain(_ text: String) -> Bool { (try? MailRecipient("nym@\(text)"))?.host == text }

    private mutating func readDoors(_ root: ConfigTable) {
        let listen = root.value(
            "lmtp", .string, default: lmtp.description,
            doc: "Where mail server and exit node hand mail over: a socket's path, or 127.0.0.1:port.")
        if let address = LMTPAddress(listen) {
            lmtp = address
        } else if !root.isDocumenting {
            root.report("lmtp", Self.addressRule)
        }
        let policy = root.optional(
            "policy-listen", .string,
            doc:
                "Where Postfix asks, before it takes a mail, whether it could be kept: a socket's path, or 127.0.0.1:port."
        )
        guard let policy, !root.isDocumenting else { return }
        policyListen = LMTPAddress(policy)
        if policyListen == nil { root.report("policy-listen", Self.addressRule) }
    }

    private static let addressRule =
        "it is neither a socket's path (at most 107 bytes, from the root) nor 127.0.0.1:port nor [::1]:port"
}

extension NymLimits {
    /// Reads the table `limits`.
    init(_ table: ConfigTable) {
        self.init()
        accounts = table.value(
            "accounts", .int(1...10_000_000), default: accounts,
            doc: "Nyms that this server keeps; each makes it send at least a packet of 32 KiB in an hour.")
        quotaBytes = UInt64(
            table.value(
                "quota", .size(64 << 10...4 << 30), default: Int(quotaBytes),
                doc: "Bytes of sealed mail that may wait for one nym."))
        quotaItems = table.value(
            "quota-mails", .int(1...100_000), default: quotaItems, doc: "Mails that may wait for one nym.")
        mailSize = table.value(
            "mail-size", .size(16 << 10...16 << 20), default: mailSize,
            doc: "Bytes of the longest mail that is taken for a nym.")
        sendSize = table.value(
            "send-size", .size(1 << 10...NymMail.largestContent), default: sendSize,
            doc: "Bytes of the longest mail that a nym may send.")
        budget = UInt32(
            table.value(
                "daily-budget", .int(1...100_000), default: Int(budget),
                doc: "Mails that a nym may send in a day, one for each recipient; what it has used comes back evenly."))
        workBits = table.value(
            "proof-of-work", .int(0...ProofOfWork.mostBits), default: workBits,
            doc: "Bits of work that a new name costs its owner; each bit more doubles it.")
        aliases = table.value("aliases", .int(0...64), default: aliases, doc: "Names of a nym beside its first.")
        if UInt64(mailSize) + 4096 > quotaBytes {
            table.report("mail-size", "it must be smaller than the quota, or such a mail never fits")
        }
    }
}
