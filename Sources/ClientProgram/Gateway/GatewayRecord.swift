// What is remembered of a mail that a mail program has submitted: enough to take it once only if it comes again after a
// crash, to tell its writer when it fails, and not to send the names of his own mails in a thread.

internal import Messages
internal import MixCrypto
internal import Spool
internal import WireFormat

extension RecordKind {
    /// `GatewayRecord` under the digest of a mail and its envelope.
    static let submittedMails = RecordKind(rawValue: 40)
    /// Nothing, under the digest of a Message-ID of a mail that was submitted.
    static let ownMessageIDs = RecordKind(rawValue: 41)
}

/// A mail that was submitted.
///
///     version u8 | is done u8 | nym's number u64 | made u64 | messages u8 | ids 16 each | noticed u8 | (message u8, recipient u8) each
///         | Message-ID length u16, text | nym length u16, text
struct GatewayRecord: Equatable, Sendable {
    /// One recipient of one message.
    struct Place: Hashable, Sendable {
        var message: UInt8
        var recipient: UInt8
    }

    /// Message-ID of the mail as its writer has it; empty for none.
    let messageID: String
    let made: Timestamp
    /// The messages that it became; none for mail of a nym.
    var messages: [MessageID] = []
    /// Failures that the writer was told of.
    var noticed: Set<Place> = []
    /// The number of the nym's request that it became; 0 for none.
    var number: UInt64 = 0
    /// The nym's address, or empty.
    var nym = ""
    /// Whether the mail is stored; until then only the intention is.
    var isDone = true

    /// How long a mail is remembered.
    static let memory = Interval.days(60)
    private static let version: UInt8 = 1

    init(messageID: String, made: Timestamp, messages: [MessageID] = []) {
        self.messageID = messageID
        self.made = made
        self.messages = messages
    }

    var encoded: [UInt8] {
        var writer = WireWriter()
        writer.integer(Self.version)
        writer.integer(UInt8(isDone ? 1 : 0))
        writer.integer(number)
        writer.integer(UInt64(clamping: made.milliseconds))
        writer.integer(UInt8(clamping: messages.count))
        for id in messages.prefix(Int(UInt8.max)) { writer.fixed(id) }
        let places = noticed.sorted { ($0.message, $0.recipient) < ($1.message, $1.recipient) }
        writer.integer(UInt8(clamping: places.count))
        for place in places.prefix(Int(UInt8.max)) {
            writer.integer(place.message)
            writer.integer(place.recipient)
        }
        for text in [messageID, nym].map({ Array($0.utf8.prefix(Int(UInt16.max))) }) {
            writer.integer(UInt16(text.count))
            writer.append(text)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == Self.version else { throw .unknownValue }
        isDone = try reader.integer(UInt8.self) != 0
        number = try reader.integer()
        made = Timestamp(milliseconds: Int64(clamping: try reader.integer(UInt64.self)))
        for _ in 0..<(try reader.integer(UInt8.self)) { messages.append(try reader.fixed()) }
        for _ in 0..<(try reader.integer(UInt8.self)) {
            noticed.insert(Place(message: try reader.integer(), recipient: try reader.integer()))
        }
        messageID = try reader.text(Int(try reader.integer(UInt16.self)))
        nym = try reader.text(Int(try reader.integer(UInt16.self)))
        try reader.end()
    }
}

/// The mails that were submitted, in the client's store of records.
struct GatewayLog: Sendable {
    let records: RecordStore

    /// A mail came again that was taken already.
    struct Known: Error {}

    /// Names a mail with its envelope.
    static func name(sender: String, recipients: [String], content: [UInt8]) -> [UInt8] {
        let envelope = ([sender] + recipients.sorted()).joined(separator: "\n") + "\n\n"
        return Digest.sha256(Array(envelope.utf8) + content).bytes
    }

    /// Notes a mail, in the transaction that stores its messages.
    /// - Throws: `Known` if it was noted before.
    static func add(_ record: GatewayRecord, name: [UInt8], to transaction: RecordTransaction) throws {
        let expiry = record.made + GatewayRecord.memory
        if try transaction.get(.submittedMails, name) != nil { throw Known() }
        try transaction.put(.submittedMails, name, record.encoded, expires: expiry)
        guard !record.messageID.isEmpty else { return }
        // Threads last longer than mails are remembered.
        try transaction.put(
            .ownMessageIDs, Array(record.messageID.utf8), [], expires: record.made + .days(366))
    }

    /// Whether a mail with this Message-ID was submitted here.
    func isOwn(_ messageID: String) -> Bool { (try? records.get(.ownMessageIDs, Array(messageID.utf8))) != nil }

    /// Whether this mail is stored already.
    func isKnown(_ name: [UInt8]) throws -> Bool { try record(name)?.isDone ?? false }

    func record(_ name: [UInt8]) throws -> GatewayRecord? {
        try records.get(.submittedMails, name).flatMap { try? GatewayRecord(decoding: $0) }
    }

    /// All mails.
    func all() throws -> [(name: [UInt8], record: GatewayRecord)] {
        try records.all(.submittedMails).compactMap { entry in
            (try? GatewayRecord(decoding: entry.value)).map { (entry.name, $0) }
        }
    }

    /// Forgets a mail that was not stored after all.
    func forget(_ name: [UInt8]) throws {
        try records.transaction { _ = try $0.remove(.submittedMails, name) }
    }

    /// Notes a mail whose message is stored elsewhere, or that its writer was told.
    func update(_ name: [UInt8], _ record: GatewayRecord) throws {
        try records.transaction {
            try $0.put(.submittedMails, name, record.encoded, expires: record.made + GatewayRecord.memory)
            guard !record.messageID.isEmpty else { return }
            try $0.put(.ownMessageIDs, Array(record.messageID.utf8), [], expires: record.made + .days(366))
        }
    }
}
