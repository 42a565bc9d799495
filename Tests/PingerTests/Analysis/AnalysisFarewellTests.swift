import Daemon
import Dispatch
import Measurement
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Analysis rounds when the pinger stops", .timeLimit(.minutes(2)))
struct AnalysisFarewellTests {
    @Test("a long analysis is left behind, and nothing comes of it any more")
    func leftBehind() async throws {
        let stage = try RoundsStage("rounds farewell")
        try stage.measure(.hours(12), back: true)
        // A clock that shows the stage's time now, and a minute later in a moment.
        let (scale, real) = (1000.0, ScaledClock.systemTime())
        let origin = (Double(real.milliseconds) * scale - Double(stage.clock.now().milliseconds)) / (scale - 1)
        let (reached, reach) = AsyncStream.makeStream(of: Void.self)
        let gate = DispatchSemaphore(value: 0)
        let rounds = AnalysisRounds(
            AnalysisRounds.Surroundings(
                settings: stage.fixture.settings, files: stage.fixture.files,
                clock: ScaledClock(origin: Timestamp(milliseconds: Int64(origin)), scale: scale),
                logger: stage.log.logger, health: stage.health, store: stage.store,
                network: { stage.network.value }, watch: { .watching },
                onAnalysis: { _ in
                    reach.yield()
                    gate.wait()
                }),
            publisher: stage.publisher)
        let task = Task { try await rounds.run() }
        defer { gate.signal() }
        // The suite's time limit ends this if it never comes.
        for await _ in reached { break }
        let began = ContinuousClock.now
        task.cancel()
        _ = await task.result
        // The analysis does not go on before this test is over. The machine may be busy.
        #expect(ContinuousClock.now - began < .seconds(30) + AnalysisRounds.farewell)
        #expect(stage.output("index.html") == nil)
    }
}
