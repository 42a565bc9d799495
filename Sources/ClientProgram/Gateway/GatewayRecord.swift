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
    /// Addresses of our nyms, one per line, under a Message-ID of a mail that came to them.
    static let nymMessageIDs = RecordKind(rawValue: 42)
}

/// A mail that was submitted.
///
///     version u8 | nym's number u64 | made u64 | messages u8 | ids 16 each | noticed u8 | (message u8, recipient u8) each
///         | Message-ID length u16, text | nym length u16, text
struct GatewayRecord: Equatable, Sendable {
    /// One recipient of one message.
    struct Place: Hashable, Sendable {
        var message: UInt8
        var recipient: UInt8

        /// Of mail of a nym: its server has not sent it, or has. There is no such recipient, as a mail has eight.
        static let ofNym = Place(message: 0, recipient: 0)
        static let well = Place(message: 0, recipient: .max)
    }

    /// Message-ID of the mail as its writer has it; empty for none.
    let messageID: String
    let made: Timestamp
    /// The messages that it became; none for mail of a nym.
    var messages: [MessageID] = []
    /// Failures that the writer was told of; `well` for none of a nym's mail.
    var noticed: Set<Place> = []
    /// The number of the nym's request that it became; 0 for none.
    var number: UInt64 = 0
    /// The nym's address, or empty.
    var nym = ""

    /// Whether its writer was told that it has not arrived, so that he may send it again.
    var hasFailed: Bool { noticed.contains { $0 != .well } }

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
    func isOwn(_ messageID: String) throws -> Bool { try records.get(.ownMessageIDs, Array(messageID.utf8)) != nil }

    /// The name under which a mail is to be noted. One that failed may come again, and gets another each time.
    /// - Throws: `Known` if the mail is stored and has not failed.
    func vacant(_ name: [UInt8]) throws -> [UInt8] {
        var name = name
        for _ in 0..<Self.mostTimes {
            guard let record = try record(name) else { return name }
            guard record.hasFailed else { break }
            name = Digest.sha256(Array("again\n".utf8) + name).bytes
        }
        throw Known()
    }

    /// How often one mail is taken.
    private static let mostTimes = 64

    /// Notes to whom of us a mail came.
    func note(_ messageID: String, of nym: String, now: Timestamp) throws {
        let all = Set(try nyms(messageID) + [nym]).sorted().joined(separator: "\n")
        try records.transaction {
            try $0.put(.nymMessageIDs, Array(messageID.utf8), Array(all.utf8), expires: now + .days(366))
        }
    }

    /// Our nyms to whom a mail came.
    func nyms(_ messageID: String) throws -> [String] {
        guard let found = try records.get(.nymMessageIDs, Array(messageID.utf8)) else { return [] }
        return String(decoding: found, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func record(_ name: [UInt8]) throws -> GatewayRecord? {
        try records.get(.submittedMails, name).flatMap { try? GatewayRecord(decoding: $0) }
    }

    /// All mails.
    func all() throws -> [(name: [UInt8], record: GatewayRecord)] {
        try records.all(.submittedMails).compactMap { entry in
            (try? GatewayRecord(decoding: entry.value)).map { (entry.name, $0) }
        }
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
