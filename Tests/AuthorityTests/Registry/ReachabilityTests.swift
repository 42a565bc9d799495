import Daemon
import Directory
import DirectoryService
import Foundation
import MMTP
import MixCrypto
import NIOCore
import NIOPosix
import Spool
import Testing
import WireFormat

@testable import AuthorityProgram

/// Nodes that answer, that do not, and that are somebody else, tried over real links.
@Suite(.serialized) struct ReachabilityTests {
    private struct Nobody: PacketReceiver {
        func receive(_ packets: [InboundPacket]) {}
    }

    private func listener(_ key: SigningKey, port: Int) async throws -> MMTPListener {
        try await MMTPListener.bind(
            to: [LinkAddress(host: "127.0.0.1", port: port)],
            identity: LinkIdentity(key, now: ScaledClock.systemTime()), receiver: Nobody(),
            group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledClock.systemTime() }, count: { _, _ in })
    }

    private func descriptor(_ fleet: AuthorityFleet, _ name: String, _ key: SigningKey, port: Int) throws -> Descriptor
    {
        let fields = try fleet.node(name, address: "127.0.0.1:\(port)").fields
        return try Descriptor.make(fields, identity: key)
    }

    @Test(.timeLimit(.minutes(2))) func onlyNodesThatAnswerAreRunning() async throws {
        let fleet = try AuthorityFleet(1) { _, settings in settings.checksReachability = true }
        let ports = try AuthorityFleet.freePorts(2)
        let keys = try (0..<3).map { _ in try SigningKey.generate() }
        let node = try await listener(keys[0], port: ports[0])
        try await fleet.start([0])
        let answering = try descriptor(fleet, "answering", keys[0], port: ports[0])
        let silent = try descriptor(fleet, "silent", keys[1], port: ports[1])
        // Says that it is where another one answers.
        let elsewhere = try descriptor(fleet, "elsewhere", keys[2], port: ports[0])
        for one in [answering, silent, elsewhere] {
            #expect(try await fleet.post(one.bytes, as: .descriptor, to: 0).status == 200)
        }
        let found = try await fleet.waitForConsensus([0], seconds: 40) { consensus in
            consensus.consensus.nodes.contains { $0.id == answering.id && $0.flags.contains(.running) }
        }
        // Whoever makes up nodes gets none listed.
        #expect(found[0].consensus.nodes.map(\.id) == [answering.id])
        // Each is tried by itself.
        try await fleet.wait("the two others were tried") {
            let tried = try await fleet.authority(0).registry.all()
            return tried.filter { $0.node.failure != nil }.count == 2
        }
        let all = await Dictionary(
            uniqueKeysWithValues: try fleet.authority(0).registry.all().map { ($0.node.id, $0.node) })
        #expect(all[answering.id]?.failure == nil)
        #expect(all[silent.id]?.failure == "refused")
        #expect(all[elsewhere.id]?.failure == "wrongIdentity")

        // It stops: after the second try in vain it runs no more. It stays listed, but what leaves does not.
        await node.shutdown(grace: .zero)
        try await fleet.waitForConsensus([0], seconds: 40) { consensus in
            consensus.consensus.nodes.count == 1
                && consensus.consensus.nodes.allSatisfy { !$0.flags.contains(.running) }
        }
        var leaving = answering.fields
        leaving.isLeaving = true
        leaving.published = leaving.published + .seconds(60)
        let farewell = try Descriptor.make(leaving, identity: keys[0])
        #expect(try await fleet.post(farewell.bytes, as: .descriptor, to: 0).status == 200)
        try await fleet.waitForConsensus([0], seconds: 40) { $0.consensus.nodes.isEmpty }
        try await fleet.stopAll()
    }
}
