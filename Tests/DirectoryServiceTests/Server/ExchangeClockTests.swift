import NIOCore
import Testing

@testable import DirectoryService

@Suite struct ExchangeClockTests {
    private let limits = DirectoryServerLimits()
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test func eachStageHasItsTime() {
        var clock = ExchangeClock(limits, at: start)
        #expect(clock.deadline == start + .seconds(10))
        let head = start + .seconds(3)
        clock.begin(receiving: 8192 * 5, at: head)
        #expect(clock.deadline == head + .seconds(65))
        let answer = head + .seconds(2)
        clock.answer(sending: 8192 * 600, at: answer)
        #expect(clock.deadline == answer + .seconds(30))
        clock.advance(at: answer + .seconds(29))
        #expect(clock.deadline == answer + .seconds(59))
        clock.advance(at: answer + .seconds(650))
        #expect(clock.deadline == answer + .seconds(660))
        let end = answer + .seconds(655)
        clock.finish(last: false, at: end)
        #expect(clock.deadline == end + .seconds(30))
    }

    @Test func nothingLengthensTheParting() {
        var clock = ExchangeClock(limits, at: start)
        clock.answer(sending: 10, at: start)
        clock.finish(last: true, at: start)
        #expect(clock.isParting)
        clock.begin(receiving: 100, at: start)
        clock.answer(sending: 1 << 30, at: start)
        clock.finish(last: false, at: start)
        #expect(clock.deadline == start + .seconds(2))
    }

    @Test func stoppingShortensEverything() {
        var clock = ExchangeClock(limits, at: start)
        clock.answer(sending: 1 << 30, at: start)
        clock.stopping(at: start)
        clock.advance(at: start + .seconds(4))
        #expect(clock.deadline == start + .seconds(5))
    }
}
