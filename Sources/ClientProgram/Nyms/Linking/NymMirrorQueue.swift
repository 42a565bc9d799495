// What the first device has still to pass on to others. A record for each thing and link, made in the same step as the
// thing itself; it goes when the message was written down that carries it, so that nothing is passed over. What is
// passed on twice after a crash is known there.

internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

/// One thing to pass on.
struct NymMirror: Hashable, Sendable {
    enum Content: Hashable, Sendable {
        /// A received message.
        case mail(MessageID, item: UInt64)
        case results([NymResult])
        /// The nym's keys as they are when it is sent.
        case keys
        /// Was passed on; kept for a while where it could come again.
        case done
    }

    let address: String
    let mailbox: MailboxID
    let content: Content

    /// address text | mailbox 32 | kind u8 | rest
    var encoded: [UInt8] {
        var writer = WireWriter()
        writer.name(address)
        writer.fixed(mailbox)
        switch content {
        case .mail(let name, let item):
            writer.integer(1 as UInt8)
            writer.fixed(name)
            writer.integer(item)
        case .results(let results):
            writer.integer(2 as UInt8)
            writer.append(LinkMessage.results(results, address: address))
        case .keys: writer.integer(3 as UInt8)
        case .done: writer.integer(4 as UInt8)
        }
        return writer.bytes
    }

    init(address: String, mailbox: MailboxID, content: Content) {
        self.address = address
        self.mailbox = mailbox
        self.content = content
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        address = try reader.keyringText()
        mailbox = try reader.fixed()
        switch try reader.integer(UInt8.self) {
        case 1: content = .mail(try reader.fixed(), item: try reader.integer())
        case 2: content = .results(try LinkMessage.readResults(Array(reader.rest())).results)
        case 3: content = .keys
        case 4: content = .done
        default: throw .unknownValue
        }
        try reader.end()
    }
}

/// The things that wait.
struct NymMirrorQueue: Sendable {
    let records: RecordStore

    /// A result is told by every status until its device has confirmed it; it is passed on once in so long.
    private static let memory = Interval.days(2)

    init(_ records: RecordStore) { self.records = records }

    /// All that waits, oldest first.
    func waiting() throws -> [(name: [UInt8], mirror: NymMirror)] {
        try records.all(.nymMirrors).compactMap { entry in
            guard let mirror = try? NymMirror(decoding: entry.value), mirror.content != .done else { return nil }
            return (entry.name, mirror)
        }
    }

    /// A mail for every link, in the step in which it was taken.
    static func add(
        mail: MessageID, _ item: UInt64, of address: String, links: [OwnNymLink], _ records: RecordTransaction
    ) throws {
        for link in links where link.isUsed {
            let mailbox = try link.secret.mailbox()
            let mirror = NymMirror(address: address, mailbox: mailbox, content: .mail(mail, item: item))
            try records.put(.nymMirrors, mailbox.bytes + mail.bytes, mirror.encoded, expires: nil)
        }
    }

    /// Results of requests; every device finds its own among them.
    func add(results: [NymResult], of address: String, links: [OwnNymLink], now: Timestamp) throws {
        for link in links where link.isUsed && !results.isEmpty {
            let mailbox = try link.secret.mailbox()
            for result in results {
                var name = WireWriter()
                name.fixed(mailbox)
                name.integer(result.device)
                name.integer(result.number)
                guard try records.get(.nymMirrors, name.bytes) == nil else { continue }
                let mirror = NymMirror(address: address, mailbox: mailbox, content: .results([result]))
                try records.transaction {
                    try $0.put(.nymMirrors, name.bytes, mirror.encoded, expires: now + Self.memory)
                }
            }
        }
    }

    /// The nym's keys have changed.
    func addKeys(of address: String, links: [OwnNymLink]) throws {
        for link in links where link.isUsed {
            let mailbox = try link.secret.mailbox()
            let mirror = NymMirror(address: address, mailbox: mailbox, content: .keys)
            try records.transaction {
                try $0.put(.nymMirrors, mailbox.bytes + Array("keys".utf8), mirror.encoded, expires: nil)
            }
        }
    }

    /// Notes that something was passed on.
    func finish(_ name: [UInt8], _ mirror: NymMirror, now: Timestamp) throws {
        try records.transaction { transaction in
            guard case .results = mirror.content else {
                try transaction.remove(.nymMirrors, name)
                return
            }
            let done = NymMirror(address: mirror.address, mailbox: mirror.mailbox, content: .done)
            try transaction.put(.nymMirrors, name, done.encoded, expires: now + Self.memory)
        }
    }

    /// Forgets what waits for a link.
    func forget(_ mailbox: MailboxID) throws {
        try records.transaction { transaction in
            for entry in try transaction.all(.nymMirrors) where entry.name.starts(with: mailbox.bytes) {
                try transaction.remove(.nymMirrors, entry.name)
            }
        }
    }
}
