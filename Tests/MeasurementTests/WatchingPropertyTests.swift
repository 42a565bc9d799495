import Measurement
import TestSupport
import Testing
import WireFormat

/// A pinger's life at random: it is killed and started again, cut off, its clock jumps, and it sleeps. Whatever happens, no
/// probe may be called lost that was only not seen.
@Suite("Watching at random")
struct WatchingPropertyTests {
    /// A probe as the store has it, and what is true.
    struct Probe {
        /// By the clock that the pinger had.
        var sent: Timestamp
        /// In true time.
        var trulySent: Interval
    }

    struct World {
        static let step = Interval.seconds(20)
        static let deadline = Interval.hours(2)

        var random: SeededRandom
        /// True time since the beginning, which monotonic time follows.
        var time = Interval.zero
        var offset = Interval.zero
        var watch: ObservationWatch?
        var lastAlive: Timestamp?
        /// The same in true time.
        var trulyAlive = Interval.zero
        var gaps: [Gap] = []
        var probes: [Probe] = []
        var cutOffUntil = Interval.zero, offUntil = Interval.zero
        /// Times, in true time, in which the pinger did not see. While it is killed nothing but the clock tells how long that
        /// was: one that was set back meanwhile hides it, and nobody could know.
        var dark: [(from: Interval, to: Interval, isHidden: Bool)] = []
        var wronglyLost = 0, uncovered = 0, judged = 0, jumps = 0

        init(seed: UInt64) { random = SeededRandom(seed: seed) }

        var clock: Timestamp { WatchingTests.start + time + offset }

        mutating func chance(_ mean: Interval) -> Bool {
            Double.random(in: 0..<1, using: &random) < Self.step.inSeconds / mean.inSeconds
        }

        mutating func step() {
            time = time + Self.step
            if chance(.hours(5)) {
                offset = offset + .seconds(Int64.random(in: -4 * 3600...4 * 3600, using: &random))
                jumps += 1
            }
            if chance(.hours(4)), cutOffUntil < time {
                cutOffUntil = time + .minutes(Int64.random(in: 1...90, using: &random))
                dark.append((time, cutOffUntil, false))
            }
            if chance(.hours(4)), offUntil < time {
                offUntil = time + .minutes(Int64.random(in: 0...90, using: &random))
                dark.append((time, offUntil, false))
                // Killed, or only stopped.
                if Bool.random(using: &random) { watch = nil }
            }
            guard time >= offUntil else { return }
            if self.watch == nil, let lastAlive { hideDark(since: lastAlive) }
            var watch =
                self.watch ?? ObservationWatch(lastAlive: lastAlive, now: clock, uptime: time)
            add(watch.tick(now: clock, uptime: time))
            let works = time >= cutOffUntil
            add(watch.contact(works, at: clock))
            self.watch = watch
            lastAlive = watch.aliveUntil
            trulyAlive = time - (clock - watch.aliveUntil)
            if works, watch.state == .watching {
                if chance(.minutes(5)) { probes.append(Probe(sent: clock, trulySent: time)) }
                judge(watch)
            }
        }

        /// It is started, and if its clock says that hardly any time has passed it knows of nothing that it did not see.
        mutating func hideDark(since lastAlive: Timestamp) {
            let passed = clock - lastAlive
            guard passed >= .seconds(-30), passed <= .minutes(2) else { return }
            for index in dark.indices where dark[index].to > trulyAlive && !dark[index].isHidden {
                dark[index].isHidden = true
                // What is left of it, it can see.
                if dark[index].to > time { dark.append((time, dark[index].to, false)) }
            }
        }

        mutating func add(_ found: [Gap]) {
            for (one, next) in zip(found, found.dropFirst()) { #expect(one.from <= next.from) }
            for gap in found {
                #expect(gap.from <= gap.to)
                gaps.append(gap)
            }
        }

        /// Every mailbox is empty: what is older than the deadline, by the clock, is lost, unless a gap makes it void. As
        /// packets truly take up to an hour, and none is lost, nothing may be called lost before that; and what was under
        /// way while the pinger could not see must be void.
        mutating func judge(_ watch: ObservationWatch) {
            let now = clock
            for probe in probes where now - probe.sent >= Self.deadline {
                judged += 1
                let isVoid = gaps.contains {
                    watch.settings.isVoiding($0) && $0.overlaps(sent: probe.sent, decided: now)
                }
                if !isVoid, time - probe.trulySent < .hours(1) { wronglyLost += 1 }
                let wasDark = dark.contains {
                    !$0.isHidden && $0.to - $0.from >= .minutes(11) && $0.from > probe.trulySent && $0.to <= time
                }
                if !isVoid, wasDark { uncovered += 1 }
            }
            probes.removeAll { now - $0.sent >= Self.deadline }
        }
    }

    @Test("whatever happens, no gap is negative, and no probe is lost for a gap alone")
    func property() {
        var random = SeededRandom(name: "watching")
        var (judged, gaps) = (0, 0)
        for _ in 0..<40 {
            var world = World(seed: random.next())
            let seed = world.random.seed
            for _ in 0..<(3 * 86_400 / 20) { world.step() }
            #expect(world.wronglyLost == 0, "seed \(seed)")
            #expect(world.uncovered == 0, "seed \(seed)")
            judged += world.judged
            gaps += world.gaps.count
        }
        print("watching: \(judged) probes judged, \(gaps) gaps")
        #expect(judged > 5000)
    }
}
