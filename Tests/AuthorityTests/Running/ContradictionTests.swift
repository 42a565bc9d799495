import Daemon
import Directory
import DirectoryService
import Foundation
import Spool
import Testing
import WireFormat

@testable import AuthorityProgram

/// An authority whose database does not know what it did: others send it back.
@Suite(.serialized) struct ContradictionTests {
    private func vote(_ fleet: AuthorityFleet, _ slot: Slot, software: String) throws -> Vote {
        let contents = VoteContents(
            slot: slot, authority: fleet.names[0], published: Timestamp(seconds: ScaledClock.systemTime().seconds),
            previous: nil, parameters: NetworkParameters(root: fleet.network.parameters), nodes: [], software: software)
        return try Vote.make(contents, network: fleet.network, signer: fleet.signers[0])
    }

    @Test(.timeLimit(.minutes(2))) func whatOthersKnowOfItIsNotContradicted() async throws {
        let fleet = try AuthorityFleet(3, slotLength: .seconds(4))
        try await fleet.start(0..<3)
        try await fleet.waitForConsensus(0..<3)
        let parts = try fleet.authority(0).parts
        let slots = fleet.network.slots
        // The vote of the slot that is to come, made before the database was replaced.
        let now = try AuthorityFleet.require(slots.slot(at: ScaledClock.systemTime()))
        let next = try AuthorityFleet.require(now.advanced(by: 1))
        let first = try vote(fleet, next, software: "first")
        let answer = try await fleet.post(first.bytes, as: .vote, to: 0)
        #expect(answer.status == 200, "\(answer.words)")
        // Its own votes count no more here, and the other two go on.
        // Another one: no proof of it leaves this authority.
        #expect(try await fleet.post(vote(fleet, next, software: "second").bytes, as: .vote, to: 0).status == 200)
        try await fleet.wait("the slot after it is certified", seconds: 40) {
            try await fleet.consensus(of: 0).map { $0.slot > next } ?? false
        }
        #expect(try parts.store.own(.vote, slot: next.number) == nil)
        #expect(try parts.store.own(.vote, slot: next.number + 1) != nil)
        for index in 0..<3 { #expect(try fleet.authority(index).parts.store.evidence().isEmpty) }
        #expect(parts.counters.health.current["contradiction"] != nil)
        try await fleet.stopAll()
    }
}
