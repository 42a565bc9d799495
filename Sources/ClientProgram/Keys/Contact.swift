// People we write to: names for addresses, with the keys that mail to them is sealed to.

internal import Messages
internal import MixCrypto
internal import Spool
internal import WireFormat

extension RecordKind {
    /// Name: the contact's; value: `Contact`.
    static let contacts = RecordKind(rawValue: 19)
}

/// Somebody we know.
///
///     version 1 u8 | flags u8 (1 address, 2 key, 4 introduction, 8 given) | added u64
///     | address: length u16, text | key 1216 | introduction 16 | given: token 16, mailbox 32
struct Contact: Hashable, Sendable {
    let name: String
    var address: Address?
    /// Mail to the contact can be sealed to it.
    var key: KEMPublicKey?
    /// Opens the contact's mailbox to us.
    var introduction: MailboxToken?
    /// What we gave the contact, and to which of our mailboxes it opens.
    var given: Introduction?
    let added: Timestamp

    /// A token of ours that somebody has.
    struct Introduction: Hashable, Sendable {
        let token: MailboxToken
        let mailbox: MailboxID
    }

    /// Whether each can write to the other's mailbox.
    var isMutual: Bool { introduction != nil && given != nil }

    init(name: String, added: Timestamp) {
        self.name = name
        self.added = Timestamp(seconds: added.seconds)
    }

    var encoded: [UInt8] {
        var writer = WireWriter()
        writer.integer(UInt8(1))
        let flags = [address != nil, key != nil, introduction != nil, given != nil]
        writer.integer(flags.enumerated().reduce(UInt8(0)) { $1.element ? $0 | 1 << UInt8($1.offset) : $0 })
        writer.integer(UInt64(clamping: added.seconds))
        if let address {
            writer.integer(UInt16(clamping: address.description.utf8.count))
            writer.append(address.description.utf8)
        }
        if let key { writer.append(key.bytes) }
        if let introduction { writer.fixed(introduction) }
        if let given {
            writer.fixed(given.token)
            writer.fixed(given.mailbox)
        }
        return writer.bytes
    }

    init(name: String, decoding bytes: [UInt8]) throws {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == 1 else { throw WireError.unknownValue }
        let flags = try reader.integer(UInt8.self)
        guard flags < 16 else { throw WireError.unknownValue }
        self.name = name
        added = Timestamp(seconds: Int64(clamping: try reader.integer(UInt64.self)))
        if flags & 1 != 0 { address = try Address(canonical: try reader.text(Int(try reader.integer(UInt16.self)))) }
        if flags & 2 != 0 { key = try KEMPublicKey(try reader.slice(KEM.publicKeySize)) }
        if flags & 4 != 0 { introduction = try reader.fixed() }
        if flags & 8 != 0 { given = Introduction(token: try reader.fixed(), mailbox: try reader.fixed()) }
        try reader.end()
    }
}

/// The contacts in the client's records.
struct Contacts {
    private let records: RecordStore

    init(_ records: RecordStore) { self.records = records }

    /// By name; damaged records are left out.
    func all() throws -> [Contact] {
        try records.all(.contacts).compactMap { name, value in
            try? Contact(name: String(decoding: name, as: UTF8.self), decoding: value)
        }.sorted { $0.name < $1.name }
    }

    func get(_ name: String) throws -> Contact? {
        try records.get(.contacts, Array(name.utf8)).map { try Contact(name: name, decoding: $0) }
    }

    /// Changes a contact, or adds one (`body` is given nil); nil removes it.
    @discardableResult
    func change(_ name: String, _ body: (Contact?) throws -> Contact?) throws -> Contact? {
        try records.transaction { records in
            let key = Array(name.utf8)
            let old = try records.get(.contacts, key).map { try Contact(name: name, decoding: $0) }
            let new = try body(old)
            if let new {
                try records.put(.contacts, key, new.encoded, expires: nil)
            } else if old != nil {
                _ = try records.remove(.contacts, key)
            }
            return new
        }
    }
}
