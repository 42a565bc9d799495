import Synchronization
import Testing

@testable import PingerProgram

@Suite("Waiting no longer than one wants to", .timeLimit(.minutes(1)))
struct TimeLimitedTests {
    /// Something that ends when it is told to.
    private final class Gate: Sendable {
        let stream: AsyncStream<Void>
        let open: AsyncStream<Void>.Continuation
        init() { (stream, open) = AsyncStream.makeStream() }
        func wait() async { for await _ in stream { return } }
    }

    @Test("what ends in time is given")
    func inTime() async {
        #expect(await TimeLimited.run(.seconds(60)) { 5 } == 5)
    }

    @Test("what does not is waited for no longer, and its result is dealt with when it comes")
    func late() async {
        let gate = Gate()
        let (done, end) = AsyncStream<Int>.makeStream()
        let result = await TimeLimited.run(.milliseconds(20)) {
            await gate.wait()
            return 7
        } late: {
            end.yield($0)
        }
        #expect(result == nil)
        gate.open.yield()
        for await value in done {
            #expect(value == 7)
            break
        }
    }

    @Test("a cancelled task waits no more")
    func cancelled() async {
        let gate = Gate()
        let task = Task {
            await TimeLimited.run(.seconds(600)) {
                await gate.wait()
                return 1
            }
        }
        task.cancel()
        #expect(await task.value == nil)
        gate.open.yield()
    }
}
