import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Round times")
struct RoundTimesTests {
    @Test("one moment in every slot, spread over all of it")
    func moments() {
        var generator = SeededRandom(name: "round times")
        let times = RoundTimes(interval: .minutes(20))
        var now = PublishingFixture.now
        var parts = [0, 0, 0, 0]
        for _ in 0..<2000 {
            let next = times.next(after: now, using: &generator)
            #expect(times.slot(at: next) == times.slot(at: now) + 1 && next - now >= times.shortest)
            parts[Int(next.milliseconds % 1_200_000 / 300_000)] += 1
            now = next
        }
        #expect(parts.allSatisfy { $0 > 200 })
    }

    @Test("times at both ends of what there is do not trap")
    func ends() {
        var generator = SeededRandom(name: "round times ends")
        for interval in [Interval.zero, .milliseconds(-5), .days(1)] {
            let times = RoundTimes(interval: interval)
            for time in [Timestamp(milliseconds: .min), Timestamp(milliseconds: 0), Timestamp(milliseconds: .max)] {
                _ = times.next(after: time, using: &generator)
            }
        }
    }
}
