import Testing
import WireFormat

@testable import DirectoryService

/// Mail waits for statements, but not for ever.
@Suite struct OptOutReadinessTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    @Test func itIsOverAfterSixHoursOrWhenAllIsHere() {
        let waiting = OptOutReadiness()
        #expect(!waiting.isReady(at: now) && !waiting.isReady(at: now + .hours(6) - .seconds(1)))
        #expect(waiting.isReady(at: now + .hours(6)) && !waiting.isComplete)
        let complete = OptOutReadiness()
        #expect(!complete.isReady(at: now))
        complete.noteComplete()
        #expect(complete.isReady(at: now) && complete.isReady(at: now - .days(1)))
    }

    @Test func aClockThatWasSetBackDoesNotProlongIt() {
        let waiting = OptOutReadiness()
        #expect(!waiting.isReady(at: now))
        #expect(!waiting.isReady(at: now - .days(30)))
        #expect(waiting.isReady(at: now - .days(30) + .hours(6)))
    }
}
