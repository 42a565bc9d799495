import Exits
import Testing

@Suite struct ExitEventTests {
    @Test func everyEventHasANameOfItsOwn() {
        let names = ExitEvent.allCases.map { "\($0.metricName)/\($0.reason ?? "")" }
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } })
    }

    @Test func outcomesAreCounted() {
        #expect(ExitOutcome.delivered(code: 250).event == .delivered)
        #expect(ExitOutcome.deferred(.timeout).event == .deferred(.timeout))
        #expect(ExitOutcome.refused(.tooLarge, code: 552).event == .refused(.tooLarge))
        #expect(DeferralReason.allCases.filter(\.concernsOperator).count == 12)
    }
}
