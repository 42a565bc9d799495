import Directory
import DirectoryService
import Foundation
import Spool
import Testing
import WireFormat

@testable import AuthorityProgram

/// Authorities that certify consensuses, each a whole one with its database and HTTP.
@Suite(.serialized) struct CertifyingTests {
    @Test(.timeLimit(.minutes(3))) func threeCertifyWithANode() async throws {
        let fleet = try AuthorityFleet(3, slotLength: .seconds(4))
        try await fleet.start(0..<3)
        let node = try fleet.node("alpha") { $0.capabilities.append(Capability(Capability.Name.smtp)) }
        for index in 0..<3 {
            let answer = try await fleet.post(node.bytes, as: .descriptor, to: index)
            #expect(answer.status == 200, "\(answer.words)")
            #expect(try await fleet.post(node.bytes, as: .descriptor, to: index).status == 202)
        }
        let begin = try AuthorityFleet.require(
            fleet.network.slots.slot(at: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))))
        let found = try await fleet.waitForConsensus(0..<3, seconds: 60) { consensus in
            consensus.consensus.nodes.contains { $0.id == node.id && $0.flags.isSuperset(of: [.running, .exit]) }
        }
        for certified in found {
            #expect(certified.slot.number <= begin.number + 3)
            #expect(certified.signatures.count >= fleet.network.quorum)
        }
        // Every one serves what the consensus names, and anybody can compute it again.
        for index in 0..<3 {
            #expect(try await fleet.get(.document(node.digest), from: index) == node.bytes)
            #expect(try await fleet.get(.descriptors, from: index) == node.bytes)
            var votes: [[UInt8]] = []
            for counted in found[index].consensus.votes {
                // Who pulled the consensus fetches its votes afterwards.
                try await fleet.wait("authority \(index) serves a vote") {
                    guard let vote = try? await fleet.get(.document(counted.digest), from: index) else { return false }
                    votes.append(vote)
                    return true
                }
            }
            #expect(ConsensusAudit.check(found[index], votes: votes, network: fleet.network) == .identical)
            for page in ["", "health", "health.json", "nodes"] {
                #expect(try await !fleet.get(.page(page), from: index).isEmpty)
            }
            #expect(try await !fleet.get(.slots, from: index).isEmpty)
        }
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(2))) func oneThatStartsLatePulls() async throws {
        let fleet = try AuthorityFleet(3)
        try await fleet.start(0..<2)
        let first = try await fleet.waitForConsensus(0..<2)
        try await fleet.start([2])
        try await fleet.waitForConsensus([2]) { $0.slot >= first[0].slot }
        // It goes on with them.
        let newer = try await fleet.waitForConsensus([2]) { $0.signers.contains(fleet.names[2]) }
        #expect(newer[0].slot > first[0].slot)
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(3))) func thoseWhoFailForGoodChangeNothing() async throws {
        let fleet = try AuthorityFleet(4, slotLength: .seconds(4))
        try await fleet.start(0..<4)
        let before = try await fleet.waitForConsensus(0..<4)[0]
        try await fleet.stop(1)
        // Four slots, so that each of the others leads once; the one that is gone costs the slot that it leads.
        let after = try await fleet.waitForConsensus([0, 2, 3], seconds: 90) {
            $0.slot.number >= before.slot.number + 6
        }
        for certified in after { #expect(certified.signatures.count >= 3) }
        let slots = try fleet.authority(0).parts.store.consensusSlots(limit: 20).map(\.slot)
        let seen = Set(slots)
        // One may be lost because the machine was held up.
        let led = ((before.slot.number + 2)..<(before.slot.number + 6)).filter { $0 % 4 != 1 }
        #expect(led.count { seen.contains($0) } >= 2, "of \(led), which authority 1 did not lead, there are \(seen)")
        try await fleet.stopAll()
    }
}
