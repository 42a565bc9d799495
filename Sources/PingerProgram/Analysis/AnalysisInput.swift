// From the rows of the database to the tables that the estimator works on. One pass, and nothing is allocated for a row.

internal import Directory
internal import Measurement
internal import Spool
internal import WireFormat

/// Probes of the database, ready to be analysed.
struct AnalysisInput: Sendable {
    /// All probes of the window.
    private(set) var probes: ProbeTable
    /// Those of single days, by days since 1970.
    private(set) var days: [Int: ProbeTable]
    /// Loops and replies of the window.
    private(set) var counts = OutcomeCounts()
    /// Changes when there is something new.
    private(set) var state = ProbeState()
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
        let nodes = try store.nodes()
        let ids = nodes.map(\.id)
        // A node that comes in while we read has no place, and the probe is left out until the next time.
        var places = [Int](repeating: -1, count: (nodes.map(\.number).max() ?? -1) + 1)
        for (place, node) in nodes.enumerated() where node.number >= 0 { places[node.number] = place }
        probes = ProbeTable(nodes: ids)
        days = Dictionary(uniqueKeysWithValues: wanted.map { ($0, ProbeTable(nodes: ids)) })
        var input = self
        let since = min(time - window, wanted.min().map(Self.start) ?? time - window)
        let windowStart = time - window
        try store.forEachPing(since: since) { row in
            input.take(row, places, windowStart: windowStart, at: time)
        }
        self = input
    }

    /// When a day begins.
    static func start(of day: Int) -> Timestamp { Timestamp(seconds: Int64(day) * 86_400) }

    private mutating func take(_ row: PingRow, _ places: [Int], windowStart: Timestamp, at time: Timestamp) {
        guard row.sent <= time, let kind = Self.kind(row.kind), let outcome = Self.outcome(row, at: time) else {
            return
        }
        let hops = row.hops.lazy.map { places.indices.contains($0) ? places[$0] : -1 }
        if !days.isEmpty {
            let day = PingStore.day(of: row.sent)
            days[day]?.append(kind: kind, hops: hops, sent: row.sent, drawn: row.drawn, outcome: outcome)
        }
        guard row.sent >= windowStart,
            probes.append(kind: kind, hops: hops, sent: row.sent, drawn: row.drawn, outcome: outcome)
        else { return }
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
            guard let arrived = row.arrived, arrived <= time else { return .pending(emptied: emptied) }
            return .arrived(arrived, slack: row.slack)
        case .lost: return .lost
        case .void: return .void(emptied: nil)
        case .planned, nil: return nil
        }
    }
}
