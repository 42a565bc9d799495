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
        clock.work(at: head)
        #expect(clock.deadline == head + .seconds(60))
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

    @Test func aBodyMustComeSteadily() {
        var clock = ExchangeClock(limits, at: start)
        clock.receive(at: start)
        #expect(clock.deadline == start + .seconds(10))
        // Bytes end the silence, but not the time for the window.
        clock.received(1, at: start + .seconds(4))
        #expect(clock.deadline == start + .seconds(14))
        clock.received(1, at: start + .seconds(13))
        #expect(clock.deadline == start + .seconds(15))
        clock.received(0, at: start + .seconds(14))
        #expect(clock.deadline == start + .seconds(15))
        // A window's bytes begin the next window.
        clock.received(15 * 8192 - 2, at: start + .seconds(14))
        #expect(clock.deadline == start + .seconds(24))
        clock.received(1, at: start + .seconds(23))
        #expect(clock.deadline == start + .seconds(29))
        clock.work(at: start + .seconds(28))
        #expect(clock.deadline == start + .seconds(88))
        clock.received(1 << 30, at: start + .seconds(29))
        #expect(clock.deadline == start + .seconds(88))
    }

    @Test func nothingLengthensTheParting() {
        var clock = ExchangeClock(limits, at: start)
        clock.answer(sending: 10, at: start)
        clock.finish(last: true, at: start)
        #expect(clock.isParting)
        clock.receive(at: start)
        clock.work(at: start)
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
