// Which way probes go (doc/PINGER.md, planning). Pure: what is known and the generator go in, paths come out.

internal import Directory
internal import Glibc
internal import WireFormat

/// Plans probes: ordinary paths, chosen so that every link is tested in the long run, nodes of which little is known more
/// often than others, and links of paths that failed soon again on paths of good nodes.
///
/// It remembers what it planned. What became of a probe is told it with `note`; that is nothing it could not do without: a
/// planner that is told nothing covers all links alike.
public struct ProbePlanner: Sendable {
    public let settings: PlanningSettings

    private struct Pending {
        var time: UInt64
        var target: LinkNumber?
    }

    private var links: LinkLedger
    private var needs = NodeNeeds()
    private var numbers: [NodeID: UInt32] = [:]
    private var nextNumber: UInt32 = 0
    private var pending: [ProbePath: Pending] = [:]
    private var failed: [ProbePath: UInt64] = [:]
    private var time: UInt64 = 0

    public init(settings: PlanningSettings = .init()) {
        self.settings = settings
        links = LinkLedger(limit: PlanningSettings.maximumLinks)
    }

    // MARK: What became of probes

    /// A probe was decided: a loop or a reply (others would teach nothing about paths). Also called at the start with what
    /// is known of the last days, oldest first.
    ///
    /// Call it with `arrived: false` when a probe is overdue (`PlanningSettings.overdue`, its mailbox having been emptied
    /// since); if it comes after all, once more with true. A second failure of the same path in a row counts for nothing.
    public mutating func note(_ path: ProbePath, arrived: Bool) {
        let hops = path.hops.map { number(of: $0) }
        let pairs = Self.links(of: hops)
        if let one = pending.removeValue(forKey: path) {
            needs.decided(hops)
            if let target = one.target { links.retested(target, false) }
        } else if failed[path] == nil {
            // Planned by an earlier run of the program.
            time += 1
            links.advance()
            for pair in pairs { links.planned(pair) }
        }
        if arrived {
            needs.seen(hops, arrived: true)
            failed[path] = nil
            for pair in pairs { links.arrived(pair) }
            return
        }
        guard failed.updateValue(time, forKey: path) == nil else { return }
        Self.bound(&failed) { $0 }
        needs.seen(hops, arrived: false)
        let broken = pairs.filter { links.isBroken($0) }
        for pair in pairs {
            let isExplained = broken.contains { $0 != pair }
            links.failed(pair, evidence: -log(isExplained ? 0.95 : loss(of: hops, without: pair)))
        }
    }

    /// Which part of the probes on a path would fail if one of its links were sound: by what is known of its other nodes, and
    /// of the link's own by their other links, as an analysis may blame them for the link.
    private func loss(of hops: [UInt32], without link: LinkNumber) -> Double {
        let others = hops.filter { $0 != link.from && $0 != link.to }
        let through = others.reduce(1.0) { $0 * needs.reliability(of: $1) }
        let decided = links.decided(link)
        let ends = [link.from, link.to].map { needs.loss(of: $0, without: decided) }
        return min(max(1 - through, ends[0], ends[1], 0.005), 1)
    }

    /// A planned probe was not sent (its entry did not take it), or can never be decided.
    public mutating func withdraw(_ path: ProbePath) {
        guard let one = pending.removeValue(forKey: path) else { return }
        let hops = path.hops.map { number(of: $0) }
        needs.withdrawn(hops)
        if let target = one.target { links.retested(target, false) }
        for pair in Self.links(of: hops) { links.withdrawn(pair) }
    }

    /// What follows from the probes so far: how well each node is known, and which links are broken.
    public mutating func note(_ analysis: Analysis) {
        needs.begin()
        for (id, result) in analysis.nodes { needs.set(number(of: id), result.relay) }
        links.setBroken(
            Set(analysis.brokenLinks.map { LinkNumber(from: number(of: $0.from), to: number(of: $0.to)) }))
    }

    // MARK: Planning

    /// The next probe. Nil if there is no path: fewer than 3 usable nodes that go together, or no mailbox at one of them.
    public mutating func plan(
        _ view: PlanningView, using generator: inout some RandomNumberGenerator
    ) -> PlannedProbe? {
        let kind = kind(using: &generator)
        let candidates = candidates(view)
        links.setSize(nodes: candidates.count)
        let plan = PathPlan(candidates: candidates, links: links) { view.isCompatible($0.node.id, $1.node.id) }
        let length = length(using: &generator)
        var target: LinkNumber?
        var path: [Int]?
        let purpose = Double.random(in: 0..<1, using: &generator)
        if kind != .ahead {
            if purpose < settings.suspicionShare {
                target = suspect(candidates, using: &generator)
                path = target.flatMap { retest($0, plan, length, using: &generator) }
                if path == nil { target = nil }
            } else if purpose < settings.suspicionShare + settings.needShare {
                path = needed(plan, length, using: &generator)
            }
        }
        guard let path = path ?? anywhere(plan, length, using: &generator),
            let result = ProbePath(path.map { candidates[$0].node.id })
        else { return nil }
        // A node knows an ahead by its key period, so it tests no link.
        if kind != .ahead { remember(result, path.map { candidates[$0].number }, target) }
        return PlannedProbe(kind: kind, path: result)
    }

    private func kind(using generator: inout some RandomNumberGenerator) -> ProbeKind {
        let draw = Double.random(in: 0..<1, using: &generator)
        return draw < settings.aheadShare ? .ahead : draw < settings.aheadShare + settings.replyShare ? .reply : .loop
    }

    private func length(using generator: inout some RandomNumberGenerator) -> Int {
        let draw = Double.random(in: 0..<1, using: &generator)
        return draw < settings.threeHops ? 3 : draw < settings.threeHops + settings.fourHops ? 4 : 5
    }

    private mutating func candidates(_ view: PlanningView) -> [PlanningCandidate] {
        let mailboxes = Set(view.mailboxes)
        let largest = Double(view.nodes.map(\.weight).max() ?? 1)
        let least = largest * settings.smallestWeight
        let nodes = view.nodes.map { ($0, number(of: $0.id)) }
        let good = needs.goodReliability(nodes.map(\.1))
        return nodes.map { node, number in
            let isGood = !node.isAvoided && needs.reliability(of: number) >= good
            return PlanningCandidate(
                number: number, node: node, weight: isGood ? max(Double(node.weight), least) : least,
                hasMailbox: mailboxes.contains(node.id), isGood: isGood)
        }
    }

    /// A path that covers what was covered least.
    private func anywhere(
        _ plan: PathPlan, _ length: Int, using generator: inout some RandomNumberGenerator
    ) -> [Int]? {
        for length in stride(from: length, through: 3, by: -1) {
            for _ in 0..<PlanningSettings.maximumDraws {
                if let path = plan.draw(length: length, pins: [:], using: &generator) { return path }
            }
        }
        return nil
    }

    /// A path with a node of which too little is known, somewhere between the ends.
    private func needed(
        _ plan: PathPlan, _ length: Int, using generator: inout some RandomNumberGenerator
    ) -> [Int]? {
        let scores = plan.candidates.map { needs.score(of: $0.number) }
        guard let index = NodeNeeds.pick(scores, using: &generator) else { return nil }
        for length in stride(from: length, through: 3, by: -1) {
            for _ in 0..<PlanningSettings.maximumDraws {
                let place = Int.random(in: 1...(length - 2), using: &generator)
                if let path = plan.draw(length: length, pins: [place: index], using: &generator) { return path }
            }
        }
        return nil
    }

    /// A link to be tested again: one of those that need it most.
    private func suspect(
        _ candidates: [PlanningCandidate], using generator: inout some RandomNumberGenerator
    ) -> LinkNumber? {
        let usable = Set(candidates.map(\.number))
        let isRare = Int.random(in: 0..<20, using: &generator) == 0
        var best: (link: LinkNumber, urgency: Double)?
        // In order, so that a seed repeats a run.
        let suspects = links.suspects.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        for link in suspects where usable.contains(link.from) && usable.contains(link.to) {
            guard let urgency = links.urgency(link, isRare: isRare) else { continue }
            let drawn = urgency + Double.random(in: 0..<1, using: &generator)
            if drawn > best?.urgency ?? 0 { best = (link, drawn) }
        }
        return best?.link
    }

    /// A path of good nodes with this link in it, not at its beginning: the entry is drawn as always.
    private func retest(
        _ link: LinkNumber, _ plan: PathPlan, _ length: Int, using generator: inout some RandomNumberGenerator
    ) -> [Int]? {
        guard let from = plan.candidates.firstIndex(where: { $0.number == link.from }),
            let to = plan.candidates.firstIndex(where: { $0.number == link.to })
        else { return nil }
        var plan = plan
        plan.isStrict = true
        for length in [length, 5, 4, 3] {
            let lastPlace = plan.candidates[to].hasMailbox ? length - 2 : length - 3
            guard lastPlace >= 1 else { continue }
            for _ in 0..<PlanningSettings.maximumDraws / 4 {
                let place = Int.random(in: 1...lastPlace, using: &generator)
                if let path = plan.draw(length: length, pins: [place: from, place + 1: to], using: &generator) {
                    return path
                }
            }
        }
        return nil
    }

    private mutating func remember(_ path: ProbePath, _ hops: [UInt32], _ target: LinkNumber?) {
        time += 1
        links.advance()
        for pair in Self.links(of: hops) { links.planned(pair) }
        if let target { links.retested(target, true) }
        needs.planned(hops)
        if let before = pending.updateValue(Pending(time: time, target: target), forKey: path) {
            // The same path twice at once: the first is forgotten.
            needs.decided(hops)
            if let target = before.target { links.retested(target, false) }
        }
        let forgotten = Self.bound(&pending) { $0.time }
        for (path, one) in forgotten {
            needs.withdrawn(path.hops.map { number(of: $0) })
            if let target = one.target { links.retested(target, false) }
        }
    }

    // MARK: Numbers and bounds

    private mutating func number(of node: NodeID) -> UInt32 {
        if let number = numbers[node] { return number }
        if numbers.count >= PlanningSettings.maximumNodes {
            // So many nodes have come and gone that all that is remembered is hardly of those that are there.
            let next = nextNumber
            self = ProbePlanner(settings: settings)
            nextNumber = next
        }
        let number = nextNumber
        nextNumber += 1
        numbers[node] = number
        return number
    }

    private static func links(of hops: [UInt32]) -> [LinkNumber] {
        zip(hops, hops.dropFirst()).map { LinkNumber(from: $0, to: $1) }
    }

    /// Forgets the older half if there are too many.
    @discardableResult
    private static func bound<Value>(
        _ table: inout [ProbePath: Value], by time: (Value) -> UInt64
    ) -> [ProbePath: Value] {
        guard table.count > PlanningSettings.maximumPending else { return [:] }
        let times = table.values.map(time).sorted()
        let median = times[times.count / 2]
        let old = table.filter { time($0.value) <= median }
        table = table.filter { time($0.value) > median }
        return old
    }
}
