import Directory
import Foundation
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// An authority, as a process, killed with SIGKILL at every step of a slot and started again at once.
@Suite(.serialized) struct KilledTests {
    private static let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("nightjar-authority").path

    private func start(_ configuration: String, killAt: String?) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = ["run", "--config", configuration]
        var environment = ProcessInfo.processInfo.environment
        environment["NIGHTJAR_KILL_AT"] = killAt
        process.environment = environment
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        return process
    }

    @Test(.timeLimit(.minutes(5))) func itNeverSignsTwice() async throws {
        let fleet = try AuthorityFleet(4)
        let victim = 3
        let settings = fleet.settings[victim]
        let configuration = fleet.directory.file("authority.toml")
        try """
        name = "\(settings.name)"
        data-directory = "\(settings.dataDirectory)"
        network-file = "\(settings.networkFile)"
        listen = "\(settings.listen)"
        check-reachability = false
        """.write(toFile: configuration, atomically: true, encoding: .utf8)
        try await fleet.start(0..<3)
        try await fleet.waitForConsensus(0..<3)
        let points = [
            "vote-recorded", "vote-sent", "proposal-recorded", "proposal-sent", "signature-recorded", "signature-sent",
            "certified",
        ]
        for point in points {
            let process = try start(configuration, killAt: "authority-\(point):1")
            try await fleet.wait("it is killed at \(point)", seconds: 60) { !process.isRunning }
            #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == 9, "\(point)")
        }
        // It goes on, and the others have never seen two different documents of it.
        let process = try start(configuration, killAt: nil)
        let last = try AuthorityFleet.require(try await fleet.consensus(of: 0)).slot
        // In the slot in which it comes back it may sign what was decided without its vote.
        _ = try await fleet.waitForConsensus([0], seconds: 60) {
            $0.slot > last && $0.signers.contains(fleet.names[victim])
                && $0.consensus.votes.contains { $0.name == fleet.names[victim] }
        }
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 0)
        #expect(!FileManager.default.fileExists(atPath: "\(settings.dataDirectory)/running"))
        for index in 0..<3 {
            let store = try fleet.authority(index).parts.store
            #expect(try store.evidence().isEmpty)
            for (slot, _) in try store.consensusSlots(limit: 1000) {
                for kind in [StoredDocumentKind.vote, .proposal] {
                    let own = try store.documents(kind, slot: slot).filter { $0.authority == "authority3" }
                    #expect(own.count <= 1)
                }
                #expect(try store.signatures(slot: slot).filter { $0.authority == "authority3" }.count <= 1)
            }
        }
        let store = try AuthorityStore.open(path: AuthorityFiles(directory: settings.dataDirectory).database)
        #expect(try store.ownRecords(from: 0).filter { $0.act == .signature }.count >= 2)
        try await fleet.stopAll()
    }
}
