import Measurement
import TestSupport
import Testing
import WireFormat

@Suite("Watching")
struct WatchingTests {
    static let start = Timestamp(seconds: 1_795_242_600)

    /// A watch with its two clocks.
    struct Bench {
        var watch: ObservationWatch
        var now = WatchingTests.start
        var uptime = Interval.hours(5)
        var gaps: [Gap] = []

        init(lastAlive: Timestamp? = nil) {
            watch = ObservationWatch(lastAlive: lastAlive, now: now, uptime: uptime)
        }

        /// Time passes in steps of 20 s, with a contact in each.
        mutating func pass(_ interval: Interval, works: Bool? = true) {
            for _ in 0..<(interval.milliseconds / 20_000) {
                now = now + .seconds(20)
                uptime = uptime + .seconds(20)
                gaps += watch.tick(now: now, uptime: uptime)
                if let works { gaps += watch.contact(works, at: now) }
            }
        }
    }

    @Test("nothing is wrong when nothing is")
    func calm() {
        var bench = Bench()
        #expect(bench.watch.state == .watching)
        bench.pass(.hours(2))
        // With one node that is down now and then, and with nothing to do for long.
        for _ in 0..<50 {
            bench.pass(.seconds(40), works: false)
            bench.pass(.seconds(20))
        }
        bench.pass(.hours(1), works: nil)
        #expect(bench.gaps.isEmpty)
        #expect(bench.watch.state == .watching)
        #expect(bench.watch.aliveUntil == bench.now)
    }

    @Test("the time since the last run is a gap, however short; no gap at the first start")
    func off() {
        var bench = Bench(lastAlive: Self.start - .hours(3))
        bench.pass(.minutes(1))
        #expect(bench.gaps == [Gap(from: Self.start - .hours(3), to: Self.start, reason: .off)])
        #expect(bench.watch.settings.isVoiding(bench.gaps[0]))
        var short = Bench(lastAlive: Self.start - .minutes(1))
        short.pass(.minutes(1))
        #expect(short.gaps.map(short.watch.settings.isVoiding) == [false])
        #expect(bench.watch.state == .watching)
    }

    @Test("a program that stood still was off")
    func stopped() {
        var bench = Bench()
        bench.pass(.minutes(5))
        let before = bench.now
        bench.now = bench.now + .minutes(20)
        bench.uptime = bench.uptime + .minutes(20)
        bench.pass(.minutes(1))
        #expect(bench.gaps == [Gap(from: before, to: before + .minutes(20) + .seconds(20), reason: .off)])
    }

    @Test("cut off is who reaches nobody for ten minutes, since the last contact that worked")
    func cutOff() {
        var bench = Bench()
        bench.pass(.minutes(5))
        let last = bench.now
        bench.pass(.minutes(9), works: false)
        #expect(bench.watch.state == .watching)
        #expect(bench.watch.aliveUntil == last)
        bench.pass(.minutes(2), works: false)
        #expect(bench.watch.state == .blind(since: last))
        #expect(bench.watch.state.description.contains("2026-11-21T06:35:00Z"))
        #expect(bench.watch.aliveUntil == last)
        #expect(bench.gaps.isEmpty)
        bench.pass(.seconds(20))
        #expect(bench.gaps == [Gap(from: last, to: bench.now, reason: .cutOff)])
        #expect(bench.watch.state == .watching)
        #expect(bench.watch.aliveUntil == bench.now)
    }

    @Test("a killed program finds again the gap that it was in")
    func killed() {
        var bench = Bench()
        bench.pass(.minutes(5))
        let last = bench.now
        bench.pass(.minutes(30), works: false)
        var next = Bench(lastAlive: bench.watch.aliveUntil)
        next.now = bench.now
        next.watch = ObservationWatch(lastAlive: bench.watch.aliveUntil, now: bench.now, uptime: next.uptime)
        next.pass(.seconds(20))
        #expect(next.gaps == [Gap(from: last, to: bench.now, reason: .off)])
    }

    @Test(
        "a clock that jumps is wrong until it has been steady for ten minutes", arguments: [10_800, 31, -31, -10_800])
    func jump(seconds: Int64) {
        var bench = Bench()
        bench.pass(.minutes(5))
        let before = bench.now
        bench.now = bench.now + .seconds(seconds)
        bench.pass(.seconds(20))
        let first = Gap(
            from: min(before, bench.now), to: max(before + .seconds(20), bench.now), reason: .clock)
        #expect(bench.gaps == [first])
        let since = bench.now
        #expect(bench.watch.state == .clockWrong(since: since))
        bench.pass(.minutes(9))
        #expect(bench.watch.state == .clockWrong(since: since))
        #expect(bench.watch.aliveUntil == since)
        bench.pass(.minutes(1))
        #expect(bench.watch.state == .watching)
        #expect(bench.gaps == [first, Gap(from: since, to: bench.now, reason: .clock)])
    }

    @Test("a clock that runs a little fast, or is slewed, does not jump; small steps that add up do")
    func slew() {
        var bench = Bench()
        for _ in 0..<300 {
            bench.now = bench.now + .milliseconds(15)
            bench.pass(.seconds(20))
        }
        #expect(bench.gaps.isEmpty)
        bench.now = bench.now + .seconds(20)
        bench.pass(.seconds(20))
        #expect(bench.gaps.isEmpty)
        bench.now = bench.now + .seconds(20)
        bench.pass(.seconds(20))
        #expect(bench.gaps.count == 1)
        #expect(bench.watch.state != .watching)
    }

    @Test("a last run in the future means that the clock went back")
    func future() {
        var bench = Bench(lastAlive: Self.start + .hours(4))
        #expect(bench.watch.state == .clockWrong(since: Self.start))
        #expect(bench.watch.state.description.contains("NTP"))
        bench.pass(.minutes(9))
        #expect(bench.gaps == [Gap(from: Self.start, to: Self.start + .hours(4), reason: .clock)])
        bench.pass(.minutes(2))
        #expect(bench.watch.state == .watching)
    }

    @Test("monotonic time that goes back, and times at the ends of what can be told, change nothing for the worse")
    func nonsense() {
        var bench = Bench()
        bench.pass(.minutes(1))
        for (now, uptime) in [
            (Timestamp(milliseconds: .max), Interval.zero), (Timestamp(milliseconds: .min), .milliseconds(.max)),
            (Self.start, .milliseconds(-.max)), (Self.start, .zero),
        ] {
            bench.gaps += bench.watch.tick(now: now, uptime: uptime)
            bench.gaps += bench.watch.contact(false, at: now)
            bench.gaps += bench.watch.contact(true, at: now)
        }
        #expect(bench.gaps.allSatisfy { $0.from <= $0.to })
    }
}
