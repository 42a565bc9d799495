// `nightjar run` keeps the directory new by itself, at times of its own.

import Daemon
import Directory
import Foundation
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.timeLimit(.minutes(5)))
struct RunRefreshTests {
    @Test func itFetchesByItselfAndNobodyElseDoes() async throws {
        let user = try User()
        let network = try TestNetwork { $0.freshFor = .hours(1) }
        try await user.join(network)
        let newer = try network.consensus(at: ScaledClock.systemTime() + .minutes(20))
        _ = try user.file("consensus", newer.bytes)
        _ = try user.file("descriptors", DescriptorBundle.join(network.file.nodes))
        try user.configure("[directory]\nsources = [\"\(user.directory.path)\"]\n")
        // A slot lasts four seconds.
        let fast = [
            "NIGHTJAR_TIME_SCALE": "300", "NIGHTJAR_TIME_ORIGIN": "\(ScaledClock.systemTime().milliseconds)",
        ]
        let run = try user.start(["run"], environment: fast)
        defer { kill(run.pid, SIGKILL) }
        let places = try ClientPlaces(home: user.home, environment: [:])
        // The consensus may be read again before the refresh that brought it is noted.
        try await eventually {
            let status = RunStatus.read(places)?.networks.first
            return status?.height == newer.slot.number && status?.lastRefresh != nil
        }
        let status = try #require(RunStatus.read(places)?.networks.first)
        #expect(status.lastRefresh != nil && status.published == newer.consensus.published.description)
        let update = try await user.run(["network", "update"], environment: fast)
        #expect(
            update.code == 4 && update.messages.hasPrefix("`nightjar run` keeps the network testing new"), "\(update)")
        kill(run.pid, SIGTERM)
        #expect(try await run.end().code == 0)
    }

    @Test func schedulesFollowTheConsensusAlone() throws {
        let network = try TestNetwork { $0.freshFor = .hours(1) }.file
        let now = network.published + .minutes(10)
        var rounds = DirectoryRounds<SeededRandom>()
        let isDue = rounds.isDue(network, now: now, source: { SeededRandom(seed: 7) })
        #expect(!isDue && rounds.next >= network.published + .minutes(30) && rounds.warnings.isEmpty)
        let isDueThen = rounds.isDue(network, now: rounds.next, source: { SeededRandom(seed: 8) })
        #expect(isDueThen && rounds.answered.isEmpty)
    }
}
