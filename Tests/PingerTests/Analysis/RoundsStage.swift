import Daemon
import Directory
import DirectoryService
import Foundation
import Measurement
import Spool
import Synchronization
import TestSupport
import WireFormat

@testable import PingerProgram

/// A value that tests change while others look at it.
final class Held<Value: Sendable>: Sendable {
    private let held: Mutex<Value>
    init(_ value: Value) { held = Mutex(value) }
    var value: Value {
        get { held.withLock { $0 } }
        set { held.withLock { $0 = newValue } }
    }
    func change<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try held.withLock { try body(&$0) }
    }
}

/// A pinger's rounds without the rest of it: real database, files and documents, a clock and a watch that are moved by hand.
final class RoundsStage: Sendable {
    let fixture: PublishingFixture
    let clock: ManualClock
    let store: PingStore
    let log = LoggedLines()
    let health = Health()
    let publisher: ReportPublisher
    let rounds: AnalysisRounds
    let watch = Held(WatchState.watching)
    /// Done after each look at the watch, before its answer is used.
    let onLook = Held<@Sendable () -> Void>({})
    let network: Held<Network>
    /// Analyses that others were told of.
    let told = Held(0)
    private let fill: Held<(fill: PingFill, generator: SeededRandom)>

    init(
        _ name: String, fixture: PublishingFixture? = nil, upload: @escaping ReportPublisher.Upload = { _, _ in .taken }
    ) throws {
        let fixture = try fixture ?? PublishingFixture()
        self.fixture = fixture
        clock = ManualClock(PublishingFixture.now)
        store = try PingStore.open(path: fixture.files.database)
        network = Held(fixture.network)
        fill = Held((PingFill(fixture.ids), SeededRandom(name: name)))
        let (network, watch, told, onLook) = (network, watch, told, onLook)
        publisher = ReportPublisher(
            settings: fixture.settings, files: fixture.files, key: fixture.key, network: { network.value },
            clock: clock, logger: log.logger, health: health, upload: upload)
        rounds = AnalysisRounds(
            AnalysisRounds.Surroundings(
                settings: fixture.settings, files: fixture.files, clock: clock, logger: log.logger, health: health,
                store: store, network: { network.value },
                watch: {
                    let seen = watch.value
                    onLook.value()
                    return seen
                },
                onAnalysis: { _ in told.change { $0 += 1 } }),
            publisher: publisher)
    }

    /// Probes for so long, up to now, which moves on with them. The consensus stays as fresh as it was.
    func measure(_ length: Interval, perHour: Int = 40, back: Bool = false) throws {
        let start = back ? clock.now() - length : clock.now()
        let end = start + length
        try fill.change { held in
            try held.fill.run(store, from: start, to: end, perHour: perHour, using: &held.generator)
        }
        if !back { clock.advance(to: end) }
        network.value = try fixture.authority.network(fixture.nodes, at: clock.now() - .minutes(30))
    }

    func lose(_ node: NodeID, _ share: Double) { fill.change { $0.fill.drop[node] = share } }

    /// A file of the output directory.
    func output(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(fixture.outputs)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    func lines(_ word: String) -> [String] { log.all.filter { $0.contains(word) } }

    deinit { store.close() }
}
