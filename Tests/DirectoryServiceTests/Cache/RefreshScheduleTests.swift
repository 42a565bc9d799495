import Directory
import DirectoryService
import TestSupport
import Testing
import WireFormat

struct RefreshScheduleTests {
    private let slots = SlotCalendar(length: .minutes(20))
    private let freshFor = Interval.hours(1)
    private let now = Timestamp(seconds: 1_795_242_600)

    private func schedule(
        _ asker: RefreshSchedule<SeededRandom>.Asker, published: Timestamp?, seed: UInt64
    ) -> RefreshSchedule<SeededRandom> {
        RefreshSchedule(
            asker, slots: slots, freshFor: freshFor, published: published, now: now, source: SeededRandom(seed: seed))
    }

    @Test func aClientAsksBeforeItsConsensusIsOld() {
        var offsets: Set<Int64> = []
        for seed in 0..<150 as Range<UInt64> {
            var schedule = schedule(.client, published: now, seed: seed)
            var published = now
            for _ in 0..<5 {
                let offset = schedule.next - published
                #expect(offset >= .minutes(30) && offset < .milliseconds(52 * 60_000 + 30_000), "seed \(seed)")
                offsets.insert(offset.milliseconds / 60_000)
                let time = schedule.next
                let isEarly = schedule.isDue(now: time - .milliseconds(1))
                let isDue = schedule.isDue(now: time)
                #expect(!isEarly && isDue)
                published = slots.slot(at: time).map { slots.start(of: $0) } ?? time
                schedule.attempted(published: published, now: time)
                #expect(schedule.next > time)
            }
        }
        #expect(offsets == Set(30...52))
    }

    @Test func whatIsLateIsAskedForWithinASlot() {
        for seed in 0..<60 as Range<UInt64> {
            var late = schedule(.client, published: now - .hours(5), seed: seed)
            #expect(late.next > now && late.next <= now + .minutes(20))
            // In vain: not at once again.
            late.attempted(published: now - .hours(5), now: now)
            #expect(late.next >= now + .minutes(5) && late.next <= now + .minutes(20))
            let none = schedule(.client, published: nil, seed: seed)
            #expect(none.next >= now && none.next < now + .seconds(20))
        }
    }

    @Test func aNodeAsksOnceASlotAfterItsFirstThird() {
        for seed in 0..<60 as Range<UInt64> {
            var schedule = schedule(.node, published: nil, seed: seed)
            var last: Slot?
            for _ in 0..<10 {
                let time = schedule.next
                let slot = slots.slot(at: time)
                let into = slot.map { time - slots.start(of: $0) }
                #expect(slot != last)
                if let last { #expect(slot == last.advanced(by: 1)) }
                last = slot
                #expect(into.map { $0 >= .milliseconds(399_999) && $0 < .minutes(20) } == true, "seed \(seed)")
                let isDue = schedule.isDue(now: time)
                #expect(isDue)
                schedule.attempted(published: nil, now: time)
            }
        }
    }

    @Test func aClockThatWasSetBackDoesNotKeepItWaiting() {
        var schedule = schedule(.client, published: now, seed: 1)
        let isDue = schedule.isDue(now: now - .days(3))
        #expect(!isDue)
        #expect(schedule.next <= now - .days(3) + .minutes(20))
    }
}
