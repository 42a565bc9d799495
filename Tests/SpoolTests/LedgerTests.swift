import Testing
import WireFormat

@testable import Spool

@Suite struct LedgerTests {
    private let start = Timestamp(seconds: 1_000_000)

    private func ledger() -> Ledger {
        var ledger = Ledger()
        ledger.segments = [
            1: .init(live: 5, written: 10, created: start),
            2: .init(live: 2, written: 10, created: start + .minutes(30)),
            3: .init(live: 10, written: 10, created: start + .minutes(40)),
            4: .init(live: 0, written: 10, created: start + .minutes(50)),
        ]
        return ledger
    }

    @Test func copiesWhatIsOldThenWhatWastesMost() {
        var configuration = SpoolConfiguration()
        let ledger = ledger()
        #expect(ledger.nextToCopy(except: nil, now: start + .minutes(55), configuration: configuration) == nil)
        #expect(ledger.nextToCopy(except: nil, now: start + .hours(1), configuration: configuration) == 1)
        configuration.maxDeadBytes = 22 * Record.sealedSize
        #expect(ledger.deadRecords == 23)
        #expect(ledger.nextToCopy(except: nil, now: start, configuration: configuration) == 2)
        #expect(ledger.nextToCopy(except: 2, now: start, configuration: configuration) == 1)
    }

    @Test func erasesWhatIsEmptyButNotTheCurrent() {
        #expect(ledger().empty(except: nil) == [4])
        #expect(ledger().empty(except: 4) == [])
    }
}
