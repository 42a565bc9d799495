// What the planner remembers of links: how often each was tested lately, and what speaks against it.

internal import Glibc

/// A directed link between two nodes, by their numbers with the planner.
struct LinkNumber: Hashable {
    let from, to: UInt32
}

/// The links that were tested lately; all others count as never tested. Bounded: beyond the limit the half that was tested
/// longest ago is forgotten.
struct LinkLedger {
    /// A link with so many tests lately is as good as one with more.
    static let enoughTests = 1.0
    /// How many tests a link has lately, about, when all are tested alike.
    private static let steadyTests = 3.0
    /// What is lately in small networks: that many probes, in which all their links are tested often.
    private static let leastHalfLife = 2000.0
    /// No single failure counts more, in natural logarithms.
    static let largestEvidence: Float = 5
    /// From here on a link counts as broken and is tested again only now and then.
    static let settled: Float = 28
    /// Most retests of one link under way.
    private static let maximumRetests: UInt8 = 6

    private struct Record {
        /// Probes planned over it, those that arrived and those that failed, all decayed to `updated`.
        var tests: Float = 0, good: Float = 0, lost: Float = 0
        var updated: UInt64 = 0
        /// How much more likely its failures since the last success are if it is broken (logarithm).
        var suspicion: Float = 0
        var retests: UInt8 = 0
        var isBroken = false
    }

    private let limit: Int
    private var records: [LinkNumber: Record] = [:]
    /// Those with a suspicion, so that none need be looked for.
    private(set) var suspects: Set<LinkNumber> = []
    /// Probes so far: the planner's time.
    private var time: UInt64 = 0
    private var halfLife = leastHalfLife

    init(limit: Int) { self.limit = limit }

    var count: Int { records.count }

    /// Lets a test count half after so many probes that all links of so many nodes are tested about three times.
    mutating func setSize(nodes: Int) {
        let links = Double(max(2, nodes * (nodes - 1)))
        halfLife = max(Self.leastHalfLife, links / 3.6 * Self.steadyTests * 0.69)
    }

    /// A probe passes on; what is old counts less.
    mutating func advance() { time += 1 }

    private func decay(_ record: Record) -> Float {
        Float(exp2(-Double(time - min(record.updated, time)) / halfLife))
    }

    /// Tests of a link lately.
    func tests(_ link: LinkNumber) -> Double {
        records[link].map { Double($0.tests * decay($0)) } ?? 0
    }

    /// Probes over a link that were decided lately, and those of them that failed.
    func decided(_ link: LinkNumber) -> (seen: Double, lost: Double) {
        guard let record = records[link] else { return (0, 0) }
        let factor = decay(record)
        return (Double((record.good + record.lost) * factor), Double(record.lost * factor))
    }

    /// What a path is drawn by: a broken link, or one under suspicion, would spoil what the rest of the path tells.
    func reluctance(_ link: LinkNumber) -> Double {
        guard let record = records[link] else { return 1 }
        return record.isBroken || record.suspicion >= Self.settled ? 20 : 1 + Double(record.suspicion)
    }

    private mutating func update(_ link: LinkNumber, _ change: (inout Record) -> Void) {
        var record = records[link] ?? Record()
        let factor = decay(record)
        record.tests *= factor
        record.good *= factor
        record.lost *= factor
        record.updated = time
        change(&record)
        records[link] = record
        if record.suspicion > 0 { suspects.insert(link) } else { suspects.remove(link) }
        if records.count > limit { forgetOldest() }
    }

    private mutating func forgetOldest() {
        let times = records.values.map(\.updated).sorted()
        let median = times[times.count / 2]
        records = records.filter { $0.value.updated > median }
        suspects = suspects.filter { records[$0] != nil }
    }

    mutating func planned(_ link: LinkNumber) { update(link) { $0.tests += 1 } }
    /// A planned test that did not take place.
    mutating func withdrawn(_ link: LinkNumber) { update(link) { $0.tests = max(0, $0.tests - 1) } }

    mutating func arrived(_ link: LinkNumber) {
        update(link) { record in
            record.good += 1
            record.suspicion = 0
            record.isBroken = false
        }
    }

    /// - Parameter evidence: logarithm of how much more likely the failure is if the link is broken.
    mutating func failed(_ link: LinkNumber, evidence: Double) {
        update(link) { record in
            record.lost += 1
            record.suspicion += min(max(Float(evidence), 0), Self.largestEvidence)
        }
    }

    mutating func retested(_ link: LinkNumber, _ isBegun: Bool) {
        guard records[link] != nil else { return }
        update(link) { record in
            record.retests = isBegun ? min(record.retests + 1, .max - 1) : max(record.retests, 1) - 1
        }
    }

    /// Sets which links are known to be broken.
    mutating func setBroken(_ links: Set<LinkNumber>) {
        for (link, record) in records where record.isBroken && !links.contains(link) {
            update(link) { $0.isBroken = false }
        }
        for link in links { update(link) { $0.isBroken = true } }
    }

    func isBroken(_ link: LinkNumber) -> Bool {
        records[link].map { $0.isBroken || $0.suspicion >= Self.settled } ?? false
    }

    /// How much a link needs another test: what speaks against it less what spoke for it; nil if it needs none now.
    func urgency(_ link: LinkNumber, isRare: Bool) -> Double? {
        guard let record = records[link], record.suspicion > 0 else { return nil }
        // One that is settled is tried now and then, lest nobody see that it was repaired.
        if isBroken(link) { return isRare && record.retests == 0 ? Double(Self.settled) : nil }
        let urgency = record.suspicion - log(1 + record.good * decay(record))
        let most = min(Self.maximumRetests, UInt8(max(1, min(urgency, 100))))
        return urgency >= 1.5 && record.retests < most ? Double(urgency) : nil
    }
}
