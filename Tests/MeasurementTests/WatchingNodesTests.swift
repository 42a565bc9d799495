import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

/// Whose failures show that the pinger is cut off, and what a clock that goes back does to the times of its work.
@Suite("Watching nodes")
struct WatchingNodesTests {
    private let start = Timestamp(seconds: 1_795_242_600)

    /// Half an hour in which each of these nodes fails once in three minutes, after each of those has worked once.
    private func state(failing: [NodeID], known: [NodeID]) -> (state: WatchState, gaps: [Gap]) {
        var (now, uptime) = (start, Interval.hours(2))
        var watch = ObservationWatch(lastAlive: nil, now: now, uptime: uptime)
        for node in known { _ = watch.contact(true, with: node, at: now) }
        for _ in 0..<10 {
            now = now + .minutes(1)
            uptime = uptime + .minutes(1)
            _ = watch.tick(now: now, uptime: uptime)
            now = now + .minutes(1)
            uptime = uptime + .minutes(1)
            for node in failing { _ = watch.contact(false, with: node, at: now) }
            now = now + .minutes(1)
            uptime = uptime + .minutes(1)
            _ = watch.tick(now: now, uptime: uptime)
        }
        let state = watch.state
        return (state, watch.contact(true, with: failing[0], at: now))
    }

    @Test("one or two nodes that are down, or refuse, do not make a pinger think that it is cut off; three do")
    func whoFails() {
        var random = SeededRandom(name: "whoFails")
        let nodes = (0..<6).map { _ in NodeID.random(using: &random) }
        for count in 1...2 {
            let (state, gaps) = state(failing: Array(nodes.prefix(count)), known: nodes)
            #expect(state == .watching && gaps.isEmpty, "\(count)")
        }
        for count in 3...6 {
            let (state, gaps) = state(failing: Array(nodes.prefix(count)), known: nodes)
            #expect(state == .blind(since: start))
            #expect(gaps == [Gap(from: start, to: start + .minutes(30), reason: .cutOff)])
        }
    }

    @Test("where there are fewer than three nodes, all must fail")
    func fewNodes() {
        var random = SeededRandom(name: "fewNodes")
        let nodes = (0..<2).map { _ in NodeID.random(using: &random) }
        #expect(state(failing: [nodes[0]], known: nodes).state == .watching)
        #expect(state(failing: nodes, known: nodes).state == .blind(since: start))
        #expect(state(failing: [nodes[0]], known: [nodes[0]]).state == .blind(since: start))
    }

    @Test("a clock that is set back by hours does not stop what happens at random times", arguments: [1, 3, 10_000])
    func clockBack(hours: Int64) throws {
        var random = SeededRandom(name: "clockBack")
        var longest = Interval.zero
        for _ in 0..<200 {
            var times = PoissonTimes(mean: .minutes(5), now: start, generator: SeededRandom(seed: random.next()))
            let back = start - .hours(hours)
            _ = times.isDue(at: back)
            longest = max(longest, try #require(times.next) - back)
        }
        // The longest of 200 is 29 minutes on average; over 75 it is once in 16,000 runs.
        #expect(longest > .minutes(10) && longest < .minutes(75))
    }
}
