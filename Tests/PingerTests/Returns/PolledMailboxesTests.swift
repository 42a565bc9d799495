import Directory
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Which mailboxes are polled")
struct PolledMailboxesTests {
    private let start = Timestamp(seconds: 1_000_000)

    @Test(
        "one that is not chosen any more is looked into until all that was sent there is decided, wherever probes go now"
    )
    func formerMailboxes() throws {
        let nodes = try ProbeNetwork(nodes: 3).network.nodes
        let (one, two, three) = (nodes[0], nodes[1], nodes[2])
        let book = MailboxBook()
        var polled = PolledMailboxes(deadline: .hours(6))
        func poll(_ chosen: [Descriptor], at now: Timestamp, known: [Descriptor]) -> Set<NodeID> {
            let found = polled.nodes(chosen: chosen, sent: book.sent, at: now) { id in known.first { $0.id == id } }
            book.keep(Set(found.keys), chosen: Set(chosen.map(\.id)))
            return Set(found.keys)
        }
        #expect(poll([one, two], at: start, known: nodes) == [one.id, two.id])
        for node in [one, two] {
            var entry = book[node.id]
            entry.isReady = true
            book[node.id] = entry
        }
        #expect(book.ready == [one.id, two.id].sorted() && book.counts.all == 2)
        book.noteSent(one.id, at: start + .hours(1))

        // Another takes the place, and the node leaves the consensus: its last descriptor does.
        #expect(poll([three], at: start + .hours(2), known: [three]) == [one.id, three.id])
        #expect(book.ready == [] && book.counts.all == 1 && book.counts.failing == 1)
        #expect(book[one.id].isReady && !book[two.id].isReady)
        // No consensus can be used: nothing is chosen, and what was sent is looked for all the same.
        #expect(poll([], at: start + .hours(12), known: []) == [one.id])
        #expect(poll([], at: start + .hours(13), known: []) == [])
        #expect(book.sent.isEmpty)
    }

    @Test("what an earlier run sent is looked for, if the node is known still")
    func earlierRun() throws {
        let nodes = try ProbeNetwork(nodes: 3).network.nodes
        var polled = PolledMailboxes(deadline: .hours(1))
        let sent = [nodes[1].id: start, nodes[2].id: start - .hours(2)]
        let found = polled.nodes(chosen: [nodes[0]], sent: sent, at: start) { id in nodes.first { $0.id == id } }
        #expect(Set(found.keys) == [nodes[0].id, nodes[1].id])
        var unknown = PolledMailboxes(deadline: .hours(1))
        #expect(unknown.nodes(chosen: [], sent: sent, at: start) { _ in nil }.isEmpty)
    }

    @Test("the number of former ones is bounded, and those stay that got a probe last")
    func bound() throws {
        var random = SeededRandom(name: #function)
        let node = try #require(try ProbeNetwork(nodes: 3).network.nodes.first)
        var polled = PolledMailboxes(deadline: .hours(1))
        let ids = (0..<PolledMailboxes.formerLimit + 50).map { _ in NodeID.random(using: &random) }
        let sent = Dictionary(uniqueKeysWithValues: zip(ids, 0...).map { ($0, start + .seconds(Int64($1))) })
        let found = polled.nodes(chosen: [node], sent: sent, at: start + .minutes(10)) { _ in node }
        #expect(Set(found.keys) == Set(ids.suffix(PolledMailboxes.formerLimit) + [node.id]))
    }
}
