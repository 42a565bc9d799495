import Exits
import TestSupport
import Testing
import WireFormat

@Suite struct RetryScheduleTests {
    let accepted = Timestamp(seconds: 1_800_000_000)

    private func times(_ schedule: RetrySchedule, using generator: inout some RandomNumberGenerator) -> [Timestamp] {
        var times: [Timestamp] = []
        var now = accepted
        while times.count < 10_000,
            case .attempt(let at) = schedule.next(
                deferrals: times.count + 1, now: now, accepted: accepted, using: &generator)
        {
            times.append(at)
            now = at
        }
        return times
    }

    @Test func pausesGrowToTheCapAndEndAtTheDeadline() {
        var generator = SeededRandom(seed: 1)
        let schedule = RetrySchedule(jitter: 0)
        let times = times(schedule, using: &generator)
        let pauses = zip(times, [accepted] + times).map { ($0 - $1).milliseconds / 60_000 }
        #expect(pauses.prefix(9) == [1, 2, 5, 10, 20, 40, 60, 60, 60])
        #expect(times.last == schedule.deadline(accepted: accepted))
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func jitterKeepsToItsBoundsAndTheDeadlineHolds() {
        var generator = SeededRandom(name: "jitter")
        for _ in 0..<50 {
            let schedule = RetrySchedule(jitter: 0.5, lifetime: .hours(Int64.random(in: 1...100, using: &generator)))
            let times = times(schedule, using: &generator)
            #expect(times.last == schedule.deadline(accepted: accepted))
            for (index, (time, before)) in zip(times, [accepted] + times).enumerated().dropLast() {
                let base = schedule.pauses[min(index, 6)].milliseconds
                #expect((base / 2 - 1...base * 3 / 2 + 1).contains((time - before).milliseconds))
            }
        }
    }

    @Test func afterTheDeadlineThereIsNoAttempt() {
        var generator = SeededRandom(seed: 1)
        let schedule = RetrySchedule()
        for late in [Interval.zero, .milliseconds(1), .days(400_000_000)] {
            let now = schedule.deadline(accepted: accepted) + late
            #expect(schedule.next(deferrals: 3, now: now, accepted: accepted, using: &generator) == .expired)
        }
    }

    @Test func timeCanBeScaledAndOddSettingsDoNotSpin() {
        var generator = SeededRandom(seed: 1)
        let fast = RetrySchedule(
            pauses: [.milliseconds(10)], cap: .milliseconds(20), jitter: 0, lifetime: .milliseconds(100))
        #expect(times(fast, using: &generator).count == 10)
        let empty = RetrySchedule(pauses: [], cap: .zero, jitter: .nan, lifetime: .milliseconds(5))
        #expect(times(empty, using: &generator).count == 5)
        guard
            case .attempt = RetrySchedule().next(deferrals: .min, now: accepted, accepted: accepted, using: &generator)
        else {
            Issue.record("a nonsensical count must still give a time")
            return
        }
    }
}
