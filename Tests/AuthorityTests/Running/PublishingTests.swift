import Daemon
import Directory
import DirectoryService
import Foundation
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// What an authority leaves on the disk: files for a web server, and all that it goes on with after a restart.
@Suite(.serialized) struct PublishingTests {
    @Test(.timeLimit(.minutes(2))) func everythingServedIsAFileToo() async throws {
        let mirror = try TemporaryDirectory("nightjar-mirror")
        let fleet = try AuthorityFleet(1) { _, settings in settings.publishDirectory = mirror.path }
        try await fleet.start([0])
        let node = try fleet.node("alpha")
        #expect(try await fleet.post(node.bytes, as: .descriptor, to: 0).status == 200)
        func file(_ route: DirectoryRoute) -> [UInt8]? {
            FileManager.default.contents(atPath: mirror.file(route.name)).map(Array.init)
        }
        // The consensus is written last, so what it names must be there when it is.
        var found: CertifiedConsensus?
        try await fleet.wait("the mirror has a consensus that lists the node") {
            found = try file(.consensus).flatMap { try UnverifiedConsensus($0).verify(in: fleet.network) }
            return found?.consensus.nodes.count == 1
        }
        let certified = try AuthorityFleet.require(found)
        #expect(file(.document(node.digest)) == node.bytes)
        #expect(file(.network) == fleet.network.bytes && file(.networkVersion(1)) == fleet.network.bytes)
        #expect(file(.descriptors) == node.bytes)
        #expect(file(.consensusAt(certified.slot.number)) != nil && file(.votes(certified.slot.number)) != nil)
        let votes = certified.consensus.votes.compactMap { file(.document($0.digest)) }
        #expect(ConsensusAudit.check(certified, votes: votes, network: fleet.network) == .identical)
        for name in HealthPage.mirrored + ["slots", "evidence"] {
            #expect(FileManager.default.fileExists(atPath: mirror.file(name)), "\(name)")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: mirror.file("consensus"))[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o644)
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(2))) func aRestartLosesNothing() async throws {
        let fleet = try AuthorityFleet(3)
        try await fleet.start(0..<3)
        let node = try fleet.node("alpha")
        for index in 0..<3 {
            #expect(try await fleet.post(node.bytes, as: .descriptor, to: index).status == 200)
        }
        try await fleet.waitForConsensus(0..<3) { $0.consensus.nodes.count == 1 }
        try await fleet.stop(0)
        let store = try AuthorityStore.openForReading(
            path: AuthorityFiles(directory: fleet.settings[0].dataDirectory).database)
        let kept = try AuthorityFleet.require(store.latestConsensus())
        store.close()
        try await fleet.start([0])
        // At once, from its own disk: the newest consensus or a newer one of the others, and the bundle.
        let first = try await fleet.waitForConsensus([0], seconds: 5)[0]
        #expect(first.slot.number >= kept.slot)
        #expect(try await fleet.get(.descriptors, from: 0) == node.bytes)
        #expect(try await fleet.post(node.bytes, as: .descriptor, to: 0).status == 202)
        // The name belongs to its node still, and another's descriptor is told so.
        let other = try await fleet.post(try fleet.node("ALPHA").bytes, as: .descriptor, to: 0)
        #expect(other.status == 409 && other.words.contains("nickname ALPHA belongs to the node"))
        try await fleet.waitForConsensus([0]) { $0.slot > first.slot && $0.signers.contains(fleet.names[0]) }
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(2))) func whatTheStoreForgetsIsNotServedForEver() async throws {
        let mirror = try TemporaryDirectory("nightjar-mirror")
        // What was left by slots that nobody keeps, and what is somebody else's.
        let gone = ["documents/" + String(repeating: "ab", count: 32), "consensuses/7", "votes/7", "signatures/7"]
        let foreign = ["documents/README", "votes/07", "notes/7", "robots.txt", "networks/9"]
        for name in gone + foreign {
            let path = mirror.file(name)
            try FileManager.default.createDirectory(
                atPath: String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.endIndex)),
                withIntermediateDirectories: true)
            try AtomicFile.write(text: "old\n", to: path)
        }
        let fleet = try AuthorityFleet(1) { _, settings in settings.publishDirectory = mirror.path }
        try await fleet.start([0])
        let certified = try await fleet.waitForConsensus([0])[0]
        try await fleet.wait("old files are gone") {
            gone.allSatisfy { !FileManager.default.fileExists(atPath: mirror.file($0)) }
        }
        for name in foreign { #expect(FileManager.default.fileExists(atPath: mirror.file(name)), "\(name)") }
        for route in certified.consensus.votes.map({ DirectoryRoute.document($0.digest) })
            + [.consensusAt(certified.slot.number), .votes(certified.slot.number)]
        {
            // What is served is written after that.
            try await fleet.wait("\(route.name) is in the mirror") {
                FileManager.default.fileExists(atPath: mirror.file(route.name))
            }
        }
        try await fleet.stopAll()
    }
}
