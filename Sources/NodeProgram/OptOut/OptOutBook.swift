// Who told this exit that he wants no anonymous mail, or that he wants some: in the store of records, by hashes, never by
// addresses. All of it is in memory too, as every mail asks.

internal import Directory
internal import Spool
internal import Synchronization
internal import WireFormat

/// The opt-outs and opt-ins that this exit holds.
///
///     entry: version 1 u8 | day u32 | source u8, under its hash of 16 bytes
final class OptOutBook: Sendable {
    /// How an opt-out came.
    enum Source: UInt8, CaseIterable, Sendable {
        /// By the link of a mail that was delivered.
        case link = 1
        /// By mail, confirmed.
        case mail = 2
        /// A whole domain, confirmed by its postmaster.
        case domain = 3
        /// By the operator's hand.
        case hand = 4
        /// From this node's last statement, after the store was lost.
        case restored = 5
    }

    struct Entry: Sendable, Hashable {
        /// Days since 1970.
        let day: UInt32
        let source: Source

        var encoded: [UInt8] {
            var writer = WireWriter(capacity: 6)
            writer.integer(1 as UInt8)
            writer.integer(day)
            writer.integer(source.rawValue)
            return writer.bytes
        }

        init(day: UInt32, source: Source) { (self.day, self.source) = (day, source) }

        /// Nil for bytes that this version did not write.
        init?(_ bytes: [UInt8]) {
            var reader = WireReader(bytes)
            guard let version: UInt8 = try? reader.integer(), version == 1, let day: UInt32 = try? reader.integer(),
                let number: UInt8 = try? reader.integer(), let source = Source(rawValue: number),
                (try? reader.end()) != nil
            else { return nil }
            self.init(day: day, source: source)
        }
    }

    /// Opt-outs that an exit holds: as many as its statement can say.
    static let maximumOptOuts = OptOutStatement.maximumEntries
    /// Opt-ins that an exit holds.
    static let maximumOptIns = 16_384
    /// After this long without a word an entry is forgotten.
    static let keep = Interval.days(730)

    private struct State {
        var optOuts: [OptOutHash: Entry] = [:]
        /// With their days.
        var optIns: [OptOutHash: UInt32] = [:]
        var generation: UInt64 = 0
    }

    private let records: RecordStore
    private let state = Mutex(State())
    private static let generationName = Array("generation".utf8)

    /// Reads what is there.
    init(records: RecordStore) throws(SpoolError) {
        self.records = records
        try reload()
    }

    /// Whether anything was ever written: a store that was lost has forgotten that too.
    var isNew: Bool { state.withLock { $0.generation == 0 } }
    /// All opt-outs.
    var hashes: Set<OptOutHash> { state.withLock { Set($0.optOuts.keys) } }
    var entries: [OptOutHash: Entry] { state.withLock { $0.optOuts } }
    var optInCount: Int { state.withLock { $0.optIns.count } }

    func hasOptedOut(_ hash: OptOutHash) -> Bool { state.withLock { $0.optOuts[hash] != nil } }
    func hasOptedIn(_ hash: OptOutHash) -> Bool { state.withLock { $0.optIns[hash] != nil } }
    /// The day, since 1970, on which somebody said that he wants mail; nil if he has not.
    func dayOfOptIn(_ hash: OptOutHash) -> UInt32? { state.withLock { $0.optIns[hash] } }

    /// What adding did.
    enum Added { case added, known, full }

    /// Takes an opt-out down, durable when this returns; an opt-in of the same goes. One that is there counts from today anew.
    /// - Parameter also: what else belongs into the transaction.
    func optOut(
        _ hash: OptOutHash, _ source: Source, at now: Timestamp, also: (RecordTransaction) throws -> Void = { _ in }
    ) throws(SpoolError) -> Added {
        let isKnown = hasOptedOut(hash)
        let entry = Entry(day: Self.day(now), source: source)
        let isTaken = try change { records in
            guard try isKnown || records.count(.optOuts) < Self.maximumOptOuts else { return false }
            try records.put(.optOuts, hash.bytes, entry.encoded, expires: now + Self.keep)
            try records.remove(.optIns, hash.bytes)
            try also(records)
            return true
        }
        guard isTaken else { return .full }
        state.withLock { state in
            state.optOuts[hash] = entry
            state.optIns[hash] = nil
        }
        return isKnown ? .known : .added
    }

    /// Takes an opt-out back; whether there was one.
    @discardableResult
    func withdraw(
        _ hash: OptOutHash, also: (RecordTransaction) throws -> Void = { _ in }
    ) throws(SpoolError) -> Bool {
        let wasThere = try change { records in
            let wasThere = try records.remove(.optOuts, hash.bytes)
            try also(records)
            return wasThere
        }
        state.withLock { $0.optOuts[hash] = nil }
        return wasThere
    }

    /// Takes down that somebody wants anonymous mail; an opt-out of the same goes.
    func optIn(
        _ hash: OptOutHash, at now: Timestamp, also: (RecordTransaction) throws -> Void = { _ in }
    ) throws(SpoolError) -> Added {
        let isKnown = hasOptedIn(hash)
        let entry = Entry(day: Self.day(now), source: .mail)
        let isTaken = try change { records in
            try records.remove(.optOuts, hash.bytes)
            let hasRoom = try isKnown || records.count(.optIns) < Self.maximumOptIns
            if hasRoom { try records.put(.optIns, hash.bytes, entry.encoded, expires: now + Self.keep) }
            try also(records)
            return hasRoom
        }
        state.withLock { state in
            state.optOuts[hash] = nil
            if isTaken { state.optIns[hash] = entry.day }
        }
        return isTaken ? (isKnown ? .known : .added) : .full
    }

    /// Takes over what the last statement said, when the store was lost.
    func restore(_ hashes: [OptOutHash], at now: Timestamp) throws(SpoolError) {
        let entry = Entry(day: Self.day(now), source: .restored)
        try change { records in
            for hash in hashes.prefix(Self.maximumOptOuts) {
                try records.put(.optOuts, hash.bytes, entry.encoded, expires: now + Self.keep)
            }
        }
        try reload()
    }

    /// Reads again what another process has changed, and forgets what has expired.
    func turn(at now: Timestamp) throws(SpoolError) {
        let last = state.withLock { $0.generation }
        let oldest = Self.day(now - Self.keep)
        let hasExpired = state.withLock { $0.optOuts.values.contains { $0.day < oldest } }
        if hasExpired { try records.expire(now: now) }
        let generation = try records.get(.optOutMarks, Self.generationName).flatMap(Self.number) ?? 0
        if hasExpired || generation != last { try reload() }
    }

    private func reload() throws(SpoolError) {
        var fresh = State()
        var damaged = 0
        fresh.generation = try records.get(.optOutMarks, Self.generationName).flatMap(Self.number) ?? 0
        for (name, value) in try records.all(.optOuts, skippingDamaged: &damaged) {
            guard let hash = OptOutHash(name), let entry = Entry(value) else { continue }
            fresh.optOuts[hash] = entry
        }
        for (name, value) in try records.all(.optIns, skippingDamaged: &damaged) {
            guard let hash = OptOutHash(name), let entry = Entry(value) else { continue }
            fresh.optIns[hash] = entry.day
        }
        state.withLock { $0 = fresh }
    }

    /// A transaction that other processes notice.
    private func change<T>(_ body: (RecordTransaction) throws -> T) throws(SpoolError) -> T {
        do {
            let (result, generation) = try records.transaction { records in
                let last = try records.get(.optOutMarks, Self.generationName).flatMap(Self.number) ?? 0
                let result = try body(records)
                var writer = WireWriter(capacity: 8)
                writer.integer(last + 1)
                try records.put(.optOutMarks, Self.generationName, writer.bytes, expires: nil)
                return (result, last + 1)
            }
            // Only if nobody else came between: else the next turn reads all.
            state.withLock { state in if state.generation + 1 == generation { state.generation = generation } }
            return result
        } catch let error as SpoolError {
            throw error
        } catch { throw .database(String(describing: error)) }
    }

    private static func number(_ bytes: [UInt8]) -> UInt64? {
        var reader = WireReader(bytes)
        guard let number: UInt64 = try? reader.integer(), (try? reader.end()) != nil else { return nil }
        return number
    }

    static func day(_ time: Timestamp) -> UInt32 { UInt32(clamping: time.seconds / 86_400) }
}
