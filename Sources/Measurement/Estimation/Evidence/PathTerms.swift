/// The terms of the model and which of them a path has: one for each node in its interior; one that all paths share,
/// for what entries and mailboxes lose as a rule, and one each for what this entry and this mailbox lose more; one
/// for each link with enough probes. A node has three terms, because it can tell probes by the first and the last role.
struct PathTerms {
    let nodeCount: Int
    /// Both ends of each link that was seen.
    private(set) var links: [(from: UInt16, to: UInt16)] = []
    /// By `from * nodeCount + to`; -1 for one that was not seen.
    private var linkNumbers: [Int32]
    /// The term of each link; -1 for one without.
    private var linkTerms: [Int32] = []
    /// Which term stands for probes that are older than a change of the node or link; -1 for none.
    private(set) var before: [Int32] = []
    /// The age of the change, as `Observations.ages` counts.
    private var changeAge: [UInt8] = []
    /// Of all terms, those before changes last.
    private(set) var count = 0
    /// The term after the change, for each term before one.
    private(set) var after: [Int] = []

    /// Of one path: ends, entry, mailbox, three between, four links.
    static let maximum = 10

    /// More links have no term: their loss falls to their nodes. Those that lost the most come first. In a network of
    /// some hundred nodes all have one that could be tested.
    static let mostLinks = 50_000

    init(_ table: ProbeTable, _ observations: Observations, _ settings: EstimationSettings) {
        nodeCount = table.nodes.count
        linkNumbers = Array(repeating: -1, count: nodeCount * nodeCount)
        var (probes, failures): ([Int32], [Int32]) = ([], [])
        for (place, row) in observations.rows.enumerated() {
            let hasFailed = observations.verdicts[place] != Observations.Verdict.arrived
            let begin = Int(row) * ProbeTable.stride
            for hop in begin..<(begin + Int(table.hopCount[Int(row)]) - 1) {
                let place = Int(table.hops[hop]) * nodeCount + Int(table.hops[hop + 1])
                if linkNumbers[place] < 0 {
                    linkNumbers[place] = Int32(links.count)
                    links.append((table.hops[hop], table.hops[hop + 1]))
                    probes.append(0)
                    failures.append(0)
                }
                probes[Int(linkNumbers[place])] += 1
                if hasFailed { failures[Int(linkNumbers[place])] += 1 }
            }
        }
        count = 3 * nodeCount + 1
        linkTerms = Array(repeating: -1, count: links.count)
        var chosen = links.indices.filter { probes[$0] >= settings.minimumLinkSamples }
        if chosen.count > Self.mostLinks {
            chosen.sort { (failures[$1], probes[$1], $0) < (failures[$0], probes[$0], $1) }
            chosen.removeLast(chosen.count - Self.mostLinks)
        }
        for number in chosen {
            linkTerms[number] = Int32(count)
            count += 1
        }
        before = Array(repeating: -1, count: count)
        changeAge = Array(repeating: .max, count: count)
    }

    func entry(_ node: Int) -> Int { node }
    func relay(_ node: Int) -> Int { nodeCount + node }
    func mailbox(_ node: Int) -> Int { 2 * nodeCount + node }
    /// What entries and mailboxes lose as a rule.
    var ends: Int { 3 * nodeCount }
    /// Nil for one without.
    func link(_ number: Int) -> Int? { linkTerms[number] < 0 ? nil : Int(linkTerms[number]) }

    /// The number of the link between two nodes that was seen.
    @inline(__always)
    func linkNumber(_ from: UInt16, _ to: UInt16) -> Int { Int(linkNumbers[Int(from) * nodeCount + Int(to)]) }

    /// Whether it is what one entry or mailbox loses more than is the rule.
    func isEnd(_ term: Int) -> Bool { term < nodeCount || (2 * nodeCount..<3 * nodeCount).contains(term) }

    /// Whether it is a link's, of now or before a change.
    func isLink(_ term: Int) -> Bool {
        let now = term < before.count ? term : after[term - before.count]
        return now > ends
    }

    /// From now on probes that are older than that count for another term.
    mutating func change(_ term: Int, atAge age: UInt8) {
        guard before[term] < 0 else { return }
        before[term] = Int32(count)
        changeAge[term] = age
        after.append(term)
        count += 1
    }

    /// Writes the terms of a path; returns how many.
    @inline(__always)
    func terms(
        of hops: UnsafePointer<UInt16>, count: Int, age: UInt8, into terms: UnsafeMutablePointer<Int32>
    ) -> Int {
        var length = 0
        func add(_ term: Int) {
            terms[length] = age > changeAge[term] ? before[term] : Int32(term)
            length += 1
        }
        add(ends)
        add(entry(Int(hops[0])))
        if count > 2 { for hop in 1..<(count - 1) { add(relay(Int(hops[hop]))) } }
        add(mailbox(Int(hops[count - 1])))
        for hop in 0..<(count - 1) {
            if let term = link(linkNumber(hops[hop], hops[hop + 1])) { add(term) }
        }
        return length
    }
}
