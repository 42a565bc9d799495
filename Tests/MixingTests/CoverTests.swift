import Mixing
import TestSupport
import Testing
import WireFormat

@Suite struct DelaySamplingTests {
    @Test func delaysAreExponentialUpToTheCap() {
        var random = SeededRandom(name: "delays")
        let sampling = DelaySampling.standard
        let draws = (0..<50_000).map { _ in sampling.sample(using: &random) }
        let mean = Double(draws.reduce(0) { $0 + Int($1) }) / Double(draws.count)
        #expect(abs(mean - 120_000) < 3500, "five standard errors")
        #expect(draws.allSatisfy { $0 <= 1_800_000 })
        // Memoryless: of those over t, 1/e last beyond t + mean, whatever t.
        for t: UInt32 in [0, 60_000, 240_000] {
            let over = draws.filter { $0 > t }
            let longer = over.filter { $0 > t + 120_000 }
            #expect(abs(Double(longer.count) / Double(over.count) - 0.3679) < 0.03)
        }
    }

    @Test func theCapCutsAndIsReached() {
        var random = SeededRandom(name: "cap")
        let sampling = DelaySampling(mean: .seconds(10), cap: .seconds(10))
        let draws = (0..<20_000).map { _ in sampling.sample(using: &random) }
        #expect(draws.max() == 10_000)
        let capped = Double(draws.filter { $0 == 10_000 }.count) / 20_000
        #expect(abs(capped - 0.3679) < 0.02)
        #expect(abs(sampling.expected.inSeconds - 6.321) < 0.001)
        #expect(DelaySampling(mean: .zero, cap: .zero).sample(using: &random) == 0)
        #expect(DelaySampling(mean: .days(4000), cap: .days(4000)).cap == .milliseconds(Int64(UInt32.max)))
        #expect(DelaySampling(mean: .seconds(-1), cap: .seconds(-1)).expected == .zero)
    }
}

@Suite struct CoverTests {
    let start = Timestamp(seconds: 1_800_000_000)

    @Test func eventsComeAtTheRateWithExponentialGaps() {
        var random = SeededRandom(name: "poisson process")
        var schedule = PoissonSchedule(perMinute: 6, now: start, using: &random)
        var gaps: [Double] = []
        var last = start
        while gaps.count < 20_000, let next = schedule.next {
            gaps.append((next - last).inSeconds)
            last = next
            #expect(schedule.due(now: next - .milliseconds(1), using: &random) == 0)
            #expect(schedule.due(now: next, using: &random) == 1)
        }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(mean - 10) < 0.4)
        #expect(abs(variance.squareRoot() - 10) < 0.8, "as wide as long")
    }

    @Test func aPauseIsNotMadeUpForAndABackwardClockDoesNotStopIt() {
        var random = SeededRandom(name: "pause")
        var schedule = PoissonSchedule(perMinute: 6, now: start, using: &random)
        #expect(schedule.due(now: start + .days(3), using: &random) == PoissonSchedule.mostAtOnce)
        #expect((schedule.next ?? start) > start + .days(3))
        #expect(schedule.due(now: start, using: &random) == 0)
        #expect((schedule.next ?? start) < start + .minutes(10))
        var never = PoissonSchedule(perMinute: .nan, now: start, using: &random)
        #expect(never.next == nil)
        #expect(never.due(now: start + .days(1), using: &random) == 0)
    }

    @Test func loopsAndDropsHaveSchedulesOfTheirOwn() {
        var random = SeededRandom(name: "cover")
        var cover = CoverSchedule(loopsPerMinute: 6, dropsPerMinute: 2, now: start, using: &random)
        var counts = (loops: 0, drops: 0)
        while let wake = cover.nextWake, wake < start + .hours(10) {
            let due = cover.due(now: wake, using: &random)
            #expect(due.loops + due.drops > 0)
            counts = (counts.loops + due.loops, counts.drops + due.drops)
        }
        #expect(abs(counts.loops - 3600) < 300)
        #expect(abs(counts.drops - 1200) < 180)
    }

    @Test func aClientsStreamDoesNotDependOnWhatWaits() {
        var random = SeededRandom(name: "stream")
        let seed: UInt64 = random.next()
        func times(waiting: Int) -> [Timestamp] {
            var random = SeededRandom(seed: seed)
            var stream = SendingStream(perMinute: 10, now: start, using: &random)
            return (0..<200).compactMap { _ in
                guard let wake = stream.nextWake else { return nil }
                let items = stream.due(waiting: waiting, now: wake, using: &random)
                #expect(items == [waiting > 0 ? .waitingPacket : .loop])
                return wake
            }
        }
        #expect(times(waiting: 0) == times(waiting: 9))
        #expect(times(waiting: 0).count == 200)
    }

    @Test func tooLittleCoverIsSaid() {
        #expect(CoverLoad(loopsPerMinute: 6, hops: 5, meanDelay: .seconds(120)).packetsHeld == 48)
        #expect(CoverLoad(loopsPerMinute: 6, hops: 5, meanDelay: .seconds(120)).warning() == nil)
        let thin = CoverLoad(loopsPerMinute: 1, hops: 5, meanDelay: .seconds(120)).warning()
        #expect(thin?.contains("would hold 8.0 packets on average, and 32.0 are needed") == true)
        #expect(thin?.contains("send at least 4.0 loops per minute") == true)
        #expect(CoverLoad(loopsPerMinute: 0, hops: 0, meanDelay: .zero).warning()?.contains("above zero") == true)
        // A loop of one hop is over where it begins.
        #expect(CoverLoad(loopsPerMinute: 60, hops: 1, meanDelay: .seconds(120)).packetsHeld == 0)
        #expect(CoverLoad(loopsPerMinute: .nan, hops: 5, meanDelay: .seconds(1)).warning() != nil)
    }
}

@Suite struct LoopLedgerTests {
    let start = Timestamp(seconds: 1_800_000_000)

    /// Sends a loop a minute, of which `share` come back after a minute, and returns the verdicts.
    func feed(
        _ ledger: inout LoopLedger<Int>, from: Timestamp, minutes: Int, share: Double, using random: inout SeededRandom
    ) -> [LoopLedger<Int>.Verdict] {
        (0..<minutes).map { minute in
            let now = from + .minutes(Int64(minute))
            let id = Int.random(in: 0 ..< .max, using: &random)
            ledger.sent(id, deadline: now + .minutes(5))
            if Double.random(in: 0..<1, using: &random) < share {
                #expect(ledger.returned(id, now: now + .seconds(59)) == true)
                #expect(ledger.returned(id, now: now + .seconds(59)) == false, "a loop comes back once")
            }
            return ledger.verdict(now: now + .seconds(59))
        }
    }

    @Test func aHealthyNetworkIsNeverHeld() {
        var random = SeededRandom(name: "healthy loops")
        var ledger = LoopLedger<Int>()
        let verdicts = feed(&ledger, from: start, minutes: 600, share: 0.95, using: &random)
        #expect(verdicts.allSatisfy { $0 == .release })
        #expect((ledger.fraction ?? 0) > 0.8)
    }

    @Test func anAttackIsNoticedHeldAndOver() {
        var random = SeededRandom(name: "attack")
        var ledger = LoopLedger<Int>()
        #expect(feed(&ledger, from: start, minutes: 29, share: 0, using: &random).allSatisfy { $0 == .release })
        let attack = feed(&ledger, from: start + .minutes(29), minutes: 60, share: 0, using: &random)
        guard let first = attack.firstIndex(of: .hold) else {
            Issue.record("not noticed")
            return
        }
        #expect(first < 10)
        // It holds for half an hour, then lets go with the alarm raised, and not again for an hour.
        #expect(attack[first..<first + 30].allSatisfy { $0 == .hold })
        #expect(attack[(first + 31)...].allSatisfy { $0 == .releaseWithAlarm })
        let later = feed(&ledger, from: start + .minutes(89), minutes: 60, share: 0, using: &random)
        #expect(later.contains(.hold))
        let calm = feed(&ledger, from: start + .minutes(149), minutes: 90, share: 1, using: &random)
        #expect(calm.last == .release)
        #expect(!calm.suffix(10).contains { $0.isAlarm })
    }

    @Test func memoryIsBounded() {
        var settings = LoopLedgerSettings()
        settings.capacity = 100
        var ledger = LoopLedger<Int>(settings: settings)
        for id in 0..<1000 {
            ledger.sent(id, deadline: start + .hours(1))
            if id % 3 == 0 { #expect(ledger.returned(id, now: start) == true) }
        }
        #expect(ledger.pendingCount <= 100)
        #expect(ledger.sampleCount <= 100)
        #expect(ledger.forgotten > 0)
        #expect(ledger.returned(-1, now: start) == false)
        _ = ledger.verdict(now: start + .hours(2))
        #expect(ledger.pendingCount == 0)
    }

    @Test func lateLoopsCountAsLost() {
        var ledger = LoopLedger<Int>()
        ledger.sent(1, deadline: start)
        #expect(ledger.returned(1, now: start + .milliseconds(1)) == false)
        #expect(ledger.fraction == 0)
    }
}

@Suite struct TimeBudgetTests {
    @Test func theStandardBudgetHolds() throws {
        try TimeBudget.standard.check()
        #expect(TimeBudget.standard.longestJourney == .hours(240) + .minutes(150))
    }

    @Test func abudgetThatDoesNotHoldSaysWhatToChange() {
        let budget = TimeBudget(hops: 5, delayCap: .minutes(30), retryDeadline: .hours(72), acceptance: .days(14))
        let error = #expect(throws: TimeBudgetError.self) { try budget.check() }
        #expect(error?.description.contains("lower the retry deadline to 66h or accept keys for longer") == true)
        #expect(throws: TimeBudgetError.senseless) { try TimeBudget(hops: 0).check() }
        let hopeless = TimeBudget(hops: 5, delayCap: .days(9), retryDeadline: .hours(1), acceptance: .days(14))
        #expect(
            #expect(throws: TimeBudgetError.self) { try hopeless.check() }?.description.contains("delay cap") == true)
    }

    @Test func aDeadlineIsBeforeTheKeysEnd() {
        let calendar = KeyPeriodCalendar()
        let period = KeyPeriod(2900)
        let early = calendar.start(of: period)
        let budget = TimeBudget.standard
        #expect(budget.deadline(release: early, period: period, calendar: calendar) == early + .hours(48))
        let late = calendar.destruction(of: period) - .hours(1)
        #expect(
            budget.deadline(release: late, period: period, calendar: calendar)
                == calendar.destruction(of: period) - .minutes(10))
        let dead = calendar.destruction(of: period) + .hours(1)
        #expect(budget.deadline(release: dead, period: period, calendar: calendar) < dead)
    }
}

@Suite struct PacketBalanceTests {
    @Test func aBalanceThatDoesNotHoldSaysBy() throws {
        var balance = PacketBalance(
            heldBefore: 2, received: 10, created: 3, forwarded: 7, delivered: 2, dropped: [.replay: 1, .loop: 2],
            held: 3)
        try balance.check()
        try (balance + balance).check()
        #expect((balance + balance).dropped == [.replay: 2, .loop: 4])
        balance.received += 4
        let error = #expect(throws: PacketBalanceError.self) { try balance.check() }
        #expect(error?.description.contains("4 packets are missing") == true)
        #expect(error?.description.contains("loop 2, replay 1") == true)
    }

    @Test func reasonsAreCamelCaseLabels() {
        for reason in DropReason.allCases {
            #expect(reason.rawValue.first?.isLowercase == true)
            #expect(reason.rawValue.allSatisfy { $0.isASCII && $0.isLetter })
        }
    }
}
