/// The terms of the model and which of them a path has: one for each node in its interior; one that all paths share,
/// for what entries and mailboxes lose as a rule, and one each for what this entry and this mailbox lose more; one
/// for each link. A node has three terms, because it can tell probes by the first and the last role.
struct PathTerms {
    let nodeCount: Int
    /// Both ends of each link that was seen.
    private(set) var links: [(from: UInt16, to: UInt16)] = []
    /// By `from * nodeCount + to`; -1 for one that was not seen.
    private var linkNumbers: [Int32]
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

    init(_ table: ProbeTable, _ observations: Observations) {
        nodeCount = table.nodes.count
        linkNumbers = Array(repeating: -1, count: nodeCount * nodeCount)
        for row in observations.rows {
            let begin = Int(row) * ProbeTable.stride
            for hop in begin..<(begin + Int(table.hopCount[Int(row)]) - 1) {
                let place = Int(table.hops[hop]) * nodeCount + Int(table.hops[hop + 1])
                guard linkNumbers[place] < 0 else { continue }
                linkNumbers[place] = Int32(links.count)
                links.append((table.hops[hop], table.hops[hop + 1]))
            }
        }
        count = 3 * nodeCount + 1 + links.count
        before = Array(repeating: -1, count: count)
        changeAge = Array(repeating: .max, count: count)
    }

    func entry(_ node: Int) -> Int { node }
    func relay(_ node: Int) -> Int { nodeCount + node }
    func mailbox(_ node: Int) -> Int { 2 * nodeCount + node }
    /// What entries and mailboxes lose as a rule.
    var ends: Int { 3 * nodeCount }
    func link(_ number: Int) -> Int { 3 * nodeCount + 1 + number }

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
            add(link(Int(linkNumbers[Int(hops[hop]) * nodeCount + Int(hops[hop + 1])])))
        }
        return length
    }
}
