// What is written down of nyms, in the client's sealed records: a state for each, the pieces of items that are not
// complete, and mails that are still to be passed on to other devices. Every change is one transaction, so that `run`
// and commands may be at it at once and a crash leaves the book as it was before or after.

internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

extension RecordKind {
    /// `NymState` under the nym's address.
    static let nymStates = RecordKind(rawValue: 26)
    /// `NymAssembly` under the nym's address, kind and number of the item.
    static let nymItems = RecordKind(rawValue: 27)
    /// Bytes under the name of the item and their offset in it.
    static let nymPieces = RecordKind(rawValue: 28)
    /// `NymMirror` under a mailbox and the number of an item.
    static let nymMirrors = RecordKind(rawValue: 29)
}

/// The book of all nyms.
struct NymBook: Sendable {
    let records: RecordStore

    /// Bytes of all pieces of a nym's incomplete items; the oldest incomplete item gives way to more.
    static let mostPieceBytes = 96 << 20
    /// Incomplete items of a nym.
    static let mostItems = 256

    init(_ records: RecordStore) { self.records = records }

    // MARK: States

    /// The state of a nym; nil if nothing is known of it here.
    func state(_ address: String) throws -> NymState? {
        try records.get(.nymStates, Array(address.utf8)).flatMap { try? NymState(decoding: $0) }
    }

    /// Changes a state; nil if there is none.
    @discardableResult
    func update<Value>(_ address: String, _ change: (inout NymState) throws -> Value) throws -> Value? {
        try records.transaction { try Self.update(address, $0, change) }
    }

    static func update<Value>(
        _ address: String, _ records: RecordTransaction, _ change: (inout NymState) throws -> Value
    ) throws -> Value? {
        let name = Array(address.utf8)
        guard let old = try records.get(.nymStates, name).flatMap({ try? NymState(decoding: $0) }) else { return nil }
        var state = old
        let value = try change(&state)
        if state != old { try records.put(.nymStates, name, state.encoded, expires: nil) }
        return value
    }

    /// Begins a page for a nym, in place of an older one.
    func begin(_ address: String, _ state: NymState) throws {
        try records.transaction { try $0.put(.nymStates, Array(address.utf8), state.encoded, expires: nil) }
    }

    /// Forgets all of a nym; files of its requests are the caller's.
    func forget(_ address: String) throws {
        let prefix = Self.prefix(address)
        try records.transaction { transaction in
            try transaction.remove(.nymStates, Array(address.utf8))
            for kind in [RecordKind.nymItems, .nymPieces] {
                for entry in try transaction.all(kind) where entry.name.starts(with: prefix) {
                    try transaction.remove(kind, entry.name)
                }
            }
        }
    }

    // MARK: Packets

    /// Takes a packet: what the status says and every piece, in one step.
    /// - Returns: what has to be done besides; nil if there is no such nym.
    func take(_ packet: NymPacket, of address: String, at now: Timestamp) throws -> [NymConsequence]? {
        try records.transaction { transaction in
            let taken = try Self.update(address, transaction) { state in
                let finished = Set(state.finished)
                let consequences = state.apply(packet.status, at: now)
                // The server sends again what it has not heard of.
                for item in Set(packet.records.map(\.item)).intersection(finished).sorted() { state.finish(item) }
                return (consequences: consequences, finished: finished)
            }
            guard let taken else { return nil }
            for record in packet.records where !taken.finished.contains(record.item) {
                try Self.take(record, of: address, at: now, transaction)
            }
            return taken.consequences
        }
    }

    private static func take(
        _ record: NymRecord, of address: String, at now: Timestamp, _ records: RecordTransaction
    ) throws {
        let name = itemName(address, record.kind, record.item)
        let old = try records.get(.nymItems, name).flatMap { try? NymAssembly(decoding: $0) }
        if old == nil { try makeRoom(address, for: record.total, records) }
        var item = old ?? NymAssembly(kind: record.kind.rawValue, total: record.total, since: now)
        // An item that changes its length is none.
        guard item.total == record.total,
            let new = item.take(offset: record.offset, count: record.bytes.count)
        else { return }
        for range in new {
            let start = Int(range.lowerBound - record.offset)
            let bytes = Array(record.bytes[start..<start + range.count])
            try records.put(.nymPieces, pieceName(name, range.lowerBound), bytes, expires: nil)
        }
        if item != old { try records.put(.nymItems, name, item.encoded, expires: nil) }
    }

    /// Gives the oldest incomplete items up until another one fits; the server sends them once more, as nobody has
    /// acknowledged them.
    private static func makeRoom(_ address: String, for total: UInt32, _ records: RecordTransaction) throws {
        let prefix = prefix(address)
        var items = try records.all(.nymItems).filter { $0.name.starts(with: prefix) }
            .compactMap { entry in (try? NymAssembly(decoding: entry.value)).map { (entry.name, $0) } }
        while items.count >= mostItems
            || items.reduce(Int(total), { $0 + Int($1.1.total) }) > mostPieceBytes && !items.isEmpty
        {
            guard let oldest = items.indices.min(by: { items[$0].1.since < items[$1].1.since }) else { return }
            let (name, item) = items.remove(at: oldest)
            try drop(name, item, records)
        }
    }

    // MARK: Items

    /// An item of which every byte is here.
    struct Complete: Sendable {
        let item: UInt64
        let kind: NymItemKind
        fileprivate let name: [UInt8]
        fileprivate let assembly: NymAssembly
    }

    /// What can be opened.
    func complete(of address: String) throws -> [Complete] {
        let prefix = Self.prefix(address)
        return try records.all(.nymItems).compactMap { entry in
            guard entry.name.starts(with: prefix), let item = try? NymAssembly(decoding: entry.value), item.isComplete,
                let kind = NymItemKind(rawValue: item.kind), let number = Self.number(entry.name, prefix)
            else { return nil }
            return Complete(item: number, kind: kind, name: entry.name, assembly: item)
        }
    }

    /// The sealed bytes of an item; nil if some are lost.
    func bytes(_ item: Complete) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(item.assembly.total))
        while bytes.count < Int(item.assembly.total) {
            let name = Self.pieceName(item.name, UInt32(bytes.count))
            guard let piece = try records.get(.nymPieces, name), !piece.isEmpty else { return nil }
            bytes += piece
        }
        return bytes
    }

    /// Notes that an item is dealt with and erases its pieces; what else belongs to that step is in `change`.
    func finish(
        _ item: Complete, of address: String,
        _ change: (inout NymState, RecordTransaction) throws -> Void
    ) throws {
        try records.transaction { transaction in
            _ = try Self.update(address, transaction) { try change(&$0, transaction) }
            try Self.drop(item.name, item.assembly, transaction)
        }
    }

    /// Ranges of begun items that have not come for so long that they are asked for again.
    func overdue(of address: String, at now: Timestamp) throws -> [NymRange] {
        let prefix = Self.prefix(address)
        return try records.all(.nymItems).flatMap { entry -> [NymRange] in
            guard entry.name.starts(with: prefix), let item = try? NymAssembly(decoding: entry.value),
                item.kind == NymItemKind.mail.rawValue, item.since + NymTiming.cycle * 12 <= now,
                let number = Self.number(entry.name, prefix)
            else { return [] }
            return item.missing.map { NymRange(item: number, offset: $0.lowerBound, length: UInt32($0.count)) }
        }
    }

    /// Bytes and whole lengths of mails of which parts are missing.
    func progress(of address: String) throws -> [UInt64: (held: Int, total: Int)] {
        let prefix = Self.prefix(address)
        return try records.all(.nymItems).reduce(into: [:]) { found, entry in
            guard entry.name.starts(with: prefix), let item = try? NymAssembly(decoding: entry.value),
                item.kind == NymItemKind.mail.rawValue, let number = Self.number(entry.name, prefix)
            else { return }
            found[number] = (item.bytes, Int(item.total))
        }
    }

    private static func drop(_ name: [UInt8], _ item: NymAssembly, _ records: RecordTransaction) throws {
        try records.remove(.nymItems, name)
        for range in item.held {
            var offset = range.lowerBound
            while offset < range.upperBound {
                let piece = pieceName(name, offset)
                guard let bytes = try records.get(.nymPieces, piece), !bytes.isEmpty else { break }
                try records.remove(.nymPieces, piece)
                offset += UInt32(bytes.count)
            }
        }
    }

    // MARK: Names

    /// address | 0
    private static func prefix(_ address: String) -> [UInt8] { Array(address.utf8) + [0] }

    /// address | 0 | kind u8 | item u64
    private static func itemName(_ address: String, _ kind: NymItemKind, _ item: UInt64) -> [UInt8] {
        var writer = WireWriter()
        writer.append(prefix(address))
        writer.integer(kind.rawValue)
        writer.integer(item)
        return writer.bytes
    }

    private static func pieceName(_ item: [UInt8], _ offset: UInt32) -> [UInt8] {
        var writer = WireWriter()
        writer.append(item)
        writer.integer(offset)
        return writer.bytes
    }

    private static func number(_ name: [UInt8], _ prefix: [UInt8]) -> UInt64? {
        var reader = WireReader(name[(prefix.count + 1)...])
        return try? reader.integer(UInt64.self)
    }
}
