import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

@Suite("Planning")
struct PlanningTests {
    private func view(_ count: Int, mailboxes: Int, using random: inout SeededRandom) -> PlanningView {
        let ids = (0..<count).map { _ in NodeID.random(using: &random) }
        return PlanningView(
            nodes: ids.map { PlanningNode(id: $0, weight: 100) }, mailboxes: Array(ids.prefix(mailboxes)))
    }

    @Test("kinds and lengths come in their shares; paths begin at nodes that clients take and end at a mailbox")
    func shares() throws {
        var random = SeededRandom(name: "planning shares")
        var view = view(20, mailboxes: 4, using: &random)
        for place in 5..<8 { view.nodes[place].isAvoided = true }
        let avoided = Set(view.nodes.filter(\.isAvoided).map(\.id))
        var planner = ProbePlanner()
        var kinds: [ProbeKind: Int] = [:]
        var lengths: [Int: Int] = [:]
        var seen: Set<NodeID> = []
        for _ in 0..<2000 {
            let probe = try #require(planner.plan(view, using: &random))
            kinds[probe.kind, default: 0] += 1
            lengths[probe.path.hops.count, default: 0] += 1
            #expect(!avoided.contains(probe.path.entry))
            #expect(view.mailboxes.contains(probe.path.last))
            seen.formUnion(probe.path.interior)
        }
        // Five standard deviations each.
        #expect((1500...1700).contains(kinds[.loop] ?? 0) && (220...380).contains(kinds[.reply] ?? 0), "\(kinds)")
        #expect((50...150).contains(kinds[.ahead] ?? 0), "\(kinds)")
        #expect((130...270).contains(lengths[3] ?? 0) && (310...490).contains(lengths[4] ?? 0), "\(lengths)")
        #expect(seen.count == 20)
    }

    @Test("nodes that do not go together are in no path, and where no long path is there are shorter ones")
    func compatibility() throws {
        var random = SeededRandom(name: "planning compatibility")
        var view = view(6, mailboxes: 2, using: &random)
        let groups = Dictionary(uniqueKeysWithValues: view.nodes.enumerated().map { ($0.element.id, $0.offset % 3) })
        view.isCompatible = { groups[$0] != groups[$1] }
        var planner = ProbePlanner()
        for _ in 0..<300 {
            let path = try #require(planner.plan(view, using: &random)).path
            #expect(path.hops.count == 3)
            #expect(Set(path.hops.map { groups[$0] }).count == 3)
        }
    }

    @Test("without three nodes, or without a mailbox, there is no probe")
    func none() {
        var random = SeededRandom(name: "no probes")
        var planner = ProbePlanner()
        for (nodes, mailboxes) in [(0, 0), (2, 2), (10, 0)] {
            let view = view(nodes, mailboxes: mailboxes, using: &random)
            #expect(planner.plan(view, using: &random) == nil)
        }
        var elsewhere = view(10, mailboxes: 3, using: &random)
        elsewhere.mailboxes = [NodeID.random(using: &random)]
        #expect(planner.plan(elsewhere, using: &random) == nil)
        var avoided = view(10, mailboxes: 3, using: &random)
        for place in avoided.nodes.indices { avoided.nodes[place].isAvoided = true }
        #expect(planner.plan(avoided, using: &random) == nil)
    }

    @Test("one mailbox is enough, and the places before it leave it free")
    func oneMailbox() throws {
        var random = SeededRandom(name: "one mailbox")
        let view = view(5, mailboxes: 1, using: &random)
        var planner = ProbePlanner()
        for _ in 0..<200 { #expect(planner.plan(view, using: &random)?.path.last == view.mailboxes[0]) }
    }

    /// Links that some path can test: none goes out of the only mailbox's node if there is just one, and so on.
    @Test("all links of 60 nodes are tested within 1400 probes, with nothing known and no answers")
    func coverage() throws {
        var random = SeededRandom(name: "coverage")
        let view = view(60, mailboxes: 16, using: &random)
        var planner = ProbePlanner()
        var links: Set<NodeLink> = []
        var counts: [Int] = []
        for number in 1...1600 {
            let probe = try #require(planner.plan(view, using: &random))
            if probe.kind != .ahead { links.formUnion(probe.path.links) }
            if number % 200 == 0 { counts.append(links.count) }
        }
        print("coverage: \(counts) of \(60 * 59)")
        #expect(links.count > 3400)
    }
}
