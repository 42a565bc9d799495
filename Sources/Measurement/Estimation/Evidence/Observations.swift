internal import Directory
internal import Glibc
internal import WireFormat

/// The probes of the window that say something of nodes and links, judged and weighted by age; and the counts that
/// need no model.
struct Observations {
    enum Verdict {
        /// There in time.
        static let arrived: UInt8 = 0
        /// Not there yet when its mailbox was last emptied.
        static let missing: UInt8 = 1
        /// Not there at the deadline.
        static let lost: UInt8 = 2
    }

    /// Rows of the table: loops and replies with an outcome, or that were at least looked for. A void one that had been
    /// looked for before is `missing` like one that is still under way: were it left out, the losses of the hours before
    /// a gap would be forgotten, and the arrivals, which are known at once, not.
    private(set) var rows: [Int32] = []
    private(set) var verdicts: [UInt8] = []
    /// 1 for a probe of now, half for one that is a half life old.
    private(set) var weights: [Float] = []
    /// How many of the settings' ages of change it is older than.
    private(set) var ages: [UInt8] = []

    private(set) var first: Timestamp?
    private(set) var last: Timestamp?
    private(set) var counts: [ProbeKind: OutcomeCounts] = [:]
    /// By node.
    private(set) var ahead: [Share]
    private(set) var deliveries: [Share]

    init(_ table: ProbeTable, settings: EstimationSettings, now: Timestamp) {
        ahead = Array(repeating: Share(), count: table.nodes.count)
        deliveries = ahead
        rows.reserveCapacity(table.count)
        verdicts.reserveCapacity(table.count)
        weights.reserveCapacity(table.count)
        ages.reserveCapacity(table.count)
        var counts = Array(repeating: OutcomeCounts(), count: ProbeTable.kinds.count)
        let earliest = (now - settings.window).milliseconds
        let halfLife = Double(max(1, settings.halfLife.milliseconds))
        let changes = settings.changeAges.prefix(Evidence.maximumAges - 1).map(\.milliseconds)
        var (first, last) = (Int64.max, Int64.min)

        for row in 0..<table.count {
            let sent = table.sent[row]
            guard sent > earliest, sent <= now.milliseconds else { continue }
            let kind = Int(table.kind[row])
            let isUnfinished = table.state[row] == ProbeTable.State.unfinished
            let isVoid = isUnfinished || table.state[row] == ProbeTable.State.void
            if isVoid { counts[kind].void += 1 }
            guard !isVoid || isUnfinished else { continue }
            first = min(first, sent)
            last = max(last, sent)
            let verdict = Self.verdict(table, row, settings)
            if !isVoid {
                switch verdict {
                case Verdict.arrived?: counts[kind].arrived += 1
                case Verdict.lost?: counts[kind].lost += 1
                default: counts[kind].pending += 1
                }
            }
            guard let verdict else { continue }
            switch ProbeTable.kinds[kind] {
            case .loop, .reply:
                let age = now.milliseconds - sent
                rows.append(Int32(row))
                verdicts.append(verdict)
                weights.append(Float(exp2(-Double(age) / halfLife)))
                var group: UInt8 = 0
                for change in changes where age > change { group += 1 }
                ages.append(group)
            case .ahead, .delivery:
                guard !isVoid, verdict != Verdict.missing else { continue }
                let good = verdict == Verdict.arrived ? 1 : 0
                let begin = row * ProbeTable.stride
                let end = begin + Int(table.hopCount[row])
                if ProbeTable.kinds[kind] == .ahead {
                    for hop in table.hops[begin..<end] {
                        ahead[Int(hop)].good += good
                        ahead[Int(hop)].total += 1
                    }
                } else {
                    deliveries[Int(table.hops[end - 1])].good += good
                    deliveries[Int(table.hops[end - 1])].total += 1
                }
            }
        }
        for (code, count) in counts.enumerated() where count.total > 0 { self.counts[ProbeTable.kinds[code]] = count }
        if first <= last {
            self.first = Timestamp(milliseconds: first)
            self.last = Timestamp(milliseconds: last)
        }
    }

    /// Nil if nobody looked for it yet.
    ///
    /// A probe that was found in time counts as arrived if it can have been there at the deadline, that is if the
    /// mailbox was not emptied between. That is the rule by which others are lost: those are not there when it is
    /// emptied after the deadline.
    private static func verdict(_ table: ProbeTable, _ row: Int, _ settings: EstimationSettings) -> UInt8? {
        let deadline = settings.deadline.milliseconds
        switch table.state[row] {
        case ProbeTable.State.arrived:
            return Int64(table.age[row]) - Int64(table.slack[row]) < deadline ? Verdict.arrived : Verdict.lost
        case ProbeTable.State.lost: return Verdict.lost
        case ProbeTable.State.pending, ProbeTable.State.unfinished:
            return Int64(table.age[row]) < deadline ? Verdict.missing : Verdict.lost
        default: return nil
        }
    }
}
