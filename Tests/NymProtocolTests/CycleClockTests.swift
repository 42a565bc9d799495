import MixCrypto
import NymProtocol
import TestSupport
import Testing
import WireFormat

/// When packets leave, and how many mails may be sent.
@Suite struct CycleClockTests {
    private func clock(_ random: inout SeededRandom) -> CycleClock {
        CycleClock(secret: SymmetricSecret(copying: random.bytes(32)))
    }

    @Test func everyCycleHasItsSlots() {
        var random = SeededRandom(name: "everyCycleHasItsSlots")
        let clock = clock(&random)
        var tenths = [Int](repeating: 0, count: 10)
        for account in 1...200 as ClosedRange<UInt64> {
            for packets in NymClass.allCases {
                for cycle in 480_000..<480_010 as Range<UInt64> {
                    let slots = clock.slots(account: account, cycle: cycle, count: packets.packets)
                    #expect(
                        slots.count == packets.packets && Set(slots).count == slots.count && slots == slots.sorted())
                    #expect(slots.allSatisfy { clock.number(at: $0) == cycle })
                    for slot in slots { tenths[Int((slot - clock.start(of: cycle)).milliseconds / 360_000)] += 1 }
                }
            }
        }
        // 14 000 slots: each tenth has 1400, and 5 standard deviations are 178.
        #expect(tenths.allSatisfy { (1222...1578).contains($0) }, "\(tenths)")
    }

    @Test func walkingVisitsEachSlotOnceAndDowntimeNone() {
        var random = SeededRandom(name: "walkingVisitsEachSlotOnceAndDowntimeNone")
        let clock = clock(&random)
        for packets in NymClass.allCases {
            var time = clock.start(of: 480_000) - .milliseconds(1)
            var perCycle: [UInt64: Int] = [:]
            while true {
                time = clock.next(after: time, account: 9, count: packets.packets)
                guard clock.number(at: time) < 480_050 else { break }
                perCycle[clock.number(at: time), default: 0] += 1
            }
            #expect(perCycle.count == 50 && perCycle.values.allSatisfy { $0 == packets.packets })
            // After a week of downtime the next slot lies ahead, and at most two cycles.
            let now = time + .days(7)
            let next = clock.next(after: now, account: 9, count: packets.packets)
            #expect(next > now && next - now < .hours(2))
        }
        let tiny = CycleClock(secret: SymmetricSecret(copying: random.bytes(32)), cycle: .milliseconds(100))
        #expect(Set(tiny.slots(account: 1, cycle: 5, count: 4)).count == 4)
    }

    @Test func theBudgetComesBackByItself() throws {
        let limits = NymLimits()
        var budget = SendBudget()
        var now = Timestamp(milliseconds: 1_800_000_000_000 / 4_320_000 * 4_320_000)
        #expect(limits.budgetStep == .minutes(72) && budget.left(at: now, limits: limits) == 20)
        let all = budget.take(20, at: now, limits: limits)
        let more = budget.take(1, at: now, limits: limits)
        #expect(all && !more)
        now = now + .minutes(72)
        #expect(budget.left(at: now, limits: limits) == 1)
        now = now + .minutes(72 * 4)
        let tooMany = budget.take(6, at: now, limits: limits)
        let five = budget.take(5, at: now, limits: limits)
        #expect(!tooMany && five && budget.left(at: now, limits: limits) == 0)
        #expect(budget.left(at: now + .days(1), limits: limits) == 20)
        #expect(budget.left(at: now + .days(100), limits: limits) == 20)
        // Over ten days whoever sends as much as possible sends 20 and then 20 a day.
        var sent = 0
        var greedy = SendBudget()
        for minute in 0..<14_400 where greedy.take(1, at: now + .minutes(Int64(minute)), limits: limits) { sent += 1 }
        #expect((219...221).contains(sent))
    }
    @Test func aChangedBudget() {
        let now = Timestamp(seconds: 1_800_000_000)
        for (before, after) in [(40, 20), (20, 40), (20, 7), (7, 20), (1, 1440), (1440, 20), (1000, 20), (20, 1000)]
            as [(UInt32, UInt32)]
        {
            var (old, new) = (NymLimits(), NymLimits())
            (old.budget, new.budget) = (before, after)
            var budget = SendBudget()
            let all = budget.take(before, at: now, limits: old)
            #expect(all && budget.left(at: now, limits: old) == 0)
            #expect(budget.left(at: now + .days(4), limits: new) == after, "from \(before) to \(after)")
            #expect(budget.left(at: now + .minutes(1440), limits: new) > 0)
        }
        for budget in [1, 7, 20, 1000, 1440, 5000] as [UInt32] {
            var limits = NymLimits()
            limits.budget = budget
            var one = SendBudget()
            var taken: UInt32 = 0
            while one.take(1, at: now, limits: limits) { taken += 1 }
            #expect(taken == budget)
            // And in the days that follow, that many a day.
            for minute in 1...2880 as ClosedRange<Int64> {
                while one.take(1, at: now + .minutes(minute), limits: limits) { taken += 1 }
            }
            let exact = 3 * Double(budget)
            #expect((exact * 0.99 - 1...exact * 1.02).contains(Double(taken)), "\(budget) a day: \(taken)")
        }
    }
}
