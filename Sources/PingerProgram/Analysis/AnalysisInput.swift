// From the rows of the database to the tables that the estimator works on. One pass, and nothing is allocated for a row.

internal import Directory
internal import Measurement
internal import Spool
internal import WireFormat

/// Probes of the database, ready to be analysed.
struct AnalysisInput: Sendable {
    /// All probes of the window.
    var probes: ProbeTable { window.table }
    /// Those of single days, by days since 1970.
    var days: [Int: ProbeTable] { single.mapValues(\.table) }
    private var window = NumberedTable()
    private var single: [Int: NumberedTable]
    /// Loops and replies of the window.
    private(set) var counts = OutcomeCounts()
    /// Changes when there is something new.
    private(set) var state = ProbeState()
    /// Probes of the window that are left out because more nodes than a table holds have probes.
    private(set) var leftOut = 0
    /// When the newest of the probes that have come back was sent.
    private(set) var lastReturned: Timestamp?

    /// What tells one state of the database from another.
    struct ProbeState: Hashable, Sendable {
        var rows = 0
        var newest: Int64 = 0
        var arrived = 0, lost = 0, void = 0
    }

    /// - Parameters:
    ///   - time: as of when; what was sent later is left out, and what came later is still under way.
    ///   - days: the days that get tables of their own.
    init(
        _ store: PingStore, window: Interval, at time: Timestamp, days wanted: Set<Int> = []
    ) throws(PingStoreError) {
        // A node that comes in while we read has no id here, and the probe is left out until the next time.
        let ids = Dictionary(try store.nodes().map { ($0.number, $0.id) }, uniquingKeysWith: { first, _ in first })
        single = Dictionary(uniqueKeysWithValues: wanted.map { ($0, NumberedTable()) })
        var input = self
        let since = min(time - window, wanted.min().map(Self.start) ?? time - window)
        let windowStart = time - window
        try store.forEachPing(since: since) { row in
            input.take(row, ids, windowStart: windowStart, at: time)
        }
        self = input
    }

    /// When a day begins.
    static func start(of day: Int) -> Timestamp { Timestamp(seconds: Int64(day) * 86_400) }

    private mutating func take(_ row: PingRow, _ ids: [Int: NodeID], windowStart: Timestamp, at time: Timestamp) {
        guard row.sent <= time, let kind = Self.kind(row.kind), let outcome = Self.outcome(row, at: time) else {
            return
        }
        if !single.isEmpty { single[PingStore.day(of: row.sent)]?.append(row, kind, outcome, ids) }
        guard row.sent >= windowStart else { return }
        guard window.append(row, kind, outcome, ids) else {
            if window.isFull { leftOut += 1 }
            return
        }
        state.rows += 1
        state.newest = max(state.newest, row.id)
        let isSeen = kind == .loop || kind == .reply
        switch outcome {
        case .pending: if isSeen { counts.pending += 1 }
        case .arrived:
            state.arrived += 1
            guard isSeen else { return }
            counts.arrived += 1
            lastReturned = lastReturned.map { max($0, row.sent) } ?? row.sent
        case .lost:
            state.lost += 1
            if isSeen { counts.lost += 1 }
        case .void:
            state.void += 1
            if isSeen { counts.void += 1 }
        }
    }

    private static func kind(_ number: Int) -> ProbeKind? {
        switch PingKind(rawValue: number) {
        case .loop: .loop
        case .reply: .reply
        case .ahead: .ahead
        case .delivery: .delivery
        case nil: nil
        }
    }

    private static func outcome(_ row: PingRow, at time: Timestamp) -> ProbeOutcome? {
        let emptied = row.emptied.flatMap { $0 <= time ? $0 : nil }
        switch PingState(rawValue: row.state) {
        case .sent: return .pending(emptied: emptied)
        case .arrived:
            // Seen for certain only when its mailbox was emptied afterwards: before that nothing could be missed in it.
            guard let arrived = row.arrived, arrived <= time, arrived <= row.emptied ?? Timestamp(milliseconds: .min)
            else {
                return .pending(emptied: emptied)
            }
            return .arrived(arrived, slack: row.slack)
        case .lost: return .lost
        case .void: return .void(emptied: row.watched.flatMap { $0 <= time ? $0 : nil })
        case .planned, nil: return nil
        }
    }
}
