// The repeated jobs of the background client, by a clock that is moved by hand.

import Daemon
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct RunTurnsTests {
    private static let start = Timestamp(seconds: 1_800_000_000)

    private func settings() -> RunSettings {
        var settings = RunSettings()
        settings.outboxInterval = .seconds(30)
        settings.cleanInterval = .hours(6)
        return settings
    }

    /// Every job that comes due within `interval`, with its time.
    private func history(seed: UInt64, for interval: Interval, late: (Int) -> Interval = { _ in .zero })
        -> [(RunJob, Timestamp)]
    {
        let clock = ManualClock(Self.start)
        var turns = RunTurns(settings(), now: clock.now()) { job in
            SeededRandom(seed: seed &+ UInt64(RunJob.allCases.firstIndex(of: job) ?? 0))
        }
        var history: [(RunJob, Timestamp)] = []
        var wakes = 0
        while turns.next < Self.start + interval {
            wakes += 1
            clock.advance(to: max(turns.next, clock.now()) + late(wakes))
            history += turns.due(now: clock.now()).map { ($0, clock.now()) }
        }
        return history
    }

    @Test func everyJobHasItsTurnsAtItsOwnPace() {
        var random = SeededRandom(name: "everyJobHasItsTurnsAtItsOwnPace")
        let history = history(seed: random.next(), for: .days(10))
        func count(_ job: RunJob) -> Int { history.count { $0.0 == job } }
        #expect((28_000...29_600).contains(count(.outbox)), "\(count(.outbox))")
        #expect((32...48).contains(count(.clean)), "\(count(.clean))")
        #expect((14_000...14_800).contains(count(.status)))
        let times = history.filter { $0.0 == .outbox }.map(\.1)
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(gaps.allSatisfy { (.seconds(15) ... .seconds(45)).contains($0) })
        #expect(Set(gaps).count > 1000)
    }

    @Test func aJobThatTakesLongMovesNoOther() {
        var random = SeededRandom(name: "aJobThatTakesLongMovesNoOther")
        let seed = random.next()
        // Times are told as they were due: the first second that a late waker misses does not shift what follows.
        let exact = history(seed: seed, for: .hours(2)).filter { $0.0 == .status }.map(\.1)
        let late = history(seed: seed, for: .hours(2), late: { _ in .milliseconds(900) }).filter { $0.0 == .status }
            .map(
                \.1)
        // One that is due just after the end may have been found by the late one with another.
        #expect(abs(exact.count - late.count) <= 1)
        #expect(zip(exact, late).allSatisfy { ($1 - $0) <= .seconds(2) })
    }

    @Test func missedTurnsAreLeftOut() {
        var random = SeededRandom(name: "missedTurnsAreLeftOut")
        var turn = TurnSchedule(mean: .minutes(10), now: Self.start, source: SeededRandom(seed: random.next()))
        var now = Self.start + .days(3)
        let isDue = [turn.isDue(now: now), turn.isDue(now: now)]
        #expect(isDue == [true, false])
        #expect(turn.next > now && turn.next <= now + .minutes(15))
        // Set back by a month: it does not wait for a month.
        now = now - .days(30)
        let isDueBefore = turn.isDue(now: now)
        #expect(!isDueBefore && turn.next <= now + .minutes(15))
    }

    @Test func mailboxesArePolledApart() {
        var random = SeededRandom(name: "mailboxesArePolledApart")
        let seed = random.next()
        var polls = PollTurns<Int, SeededRandom>(mean: .minutes(10))
        var times: [Int: [Timestamp]] = [:]
        var now = Self.start
        while now < Self.start + .days(2) {
            // The third comes later and goes again.
            let boxes = now > Self.start + .hours(5) && now < Self.start + .hours(10) ? [1, 2, 3] : [1, 2]
            for box in polls.due(boxes, now: now, source: { SeededRandom(seed: seed &+ UInt64($0)) }) {
                times[box, default: []].append(now)
            }
            now = now + .seconds(1)
        }
        #expect((258...318).contains(times[1]?.count ?? 0) && (258...318).contains(times[2]?.count ?? 0))
        #expect((22...39).contains(times[3]?.count ?? 0))
        let together = Set(times[1] ?? []).intersection(times[2] ?? [])
        #expect(together.count < 10)
    }
}
