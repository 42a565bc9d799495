import Measurement
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Probes whose end the planner does not know")
struct ProbesUnderwayTests {
    private static func path(_ random: inout SeededRandom) throws -> ProbePath {
        try #require(ProbePath((0..<4).map { _ in NodeID.random(using: &random) }))
    }

    @Test("one is overdue once, when its mailbox was emptied late enough, and arrives once")
    func overdue() throws {
        var random = SeededRandom(name: #function)
        var underway = ProbesUnderway()
        let (one, two) = (try Self.path(&random), try Self.path(&random))
        underway.add([1], path: one, mailbox: one.last, sent: Timestamp(seconds: 100))
        underway.add([2], path: two, mailbox: two.last, sent: Timestamp(seconds: 200))
        #expect(underway.overdue(in: one.last, at: Timestamp(seconds: 99)).isEmpty)
        #expect(underway.overdue(in: one.last, at: Timestamp(seconds: 500)) == [one])
        #expect(underway.overdue(in: one.last, at: Timestamp(seconds: 600)).isEmpty)
        #expect(underway.arrived([1]) == one && underway.arrived([1]) == nil)
        #expect(underway.clear() == [two] && underway.count == 0)
    }

    @Test("a flood of them takes bounded memory")
    func bounded() throws {
        var random = SeededRandom(name: #function)
        var underway = ProbesUnderway()
        let path = try Self.path(&random)
        for number in 0..<(ProbesUnderway.limit * 2) {
            underway.add(random.bytes(16), path: path, mailbox: path.last, sent: Timestamp(seconds: Int64(number)))
        }
        #expect(underway.count <= ProbesUnderway.limit && underway.count > ProbesUnderway.limit / 2)
    }

    @Test("no more go through a turnstile than may")
    func turnstile() {
        let turns = Turnstile(limit: 2)
        #expect(turns.enter() && turns.enter() && !turns.enter())
        turns.leave()
        #expect(turns.enter() && !turns.enter())
    }
}
