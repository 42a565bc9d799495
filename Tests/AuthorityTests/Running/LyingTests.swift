import Daemon
import Directory
import DirectoryService
import Foundation
import Spool
import Testing
import WireFormat

@testable import AuthorityProgram

/// An authority that says two things: its keys are used to sign two votes, which different authorities get.
@Suite(.serialized) struct LyingTests {
    private func vote(_ fleet: AuthorityFleet, of liar: Int, _ slot: Slot, software: String) throws -> Vote {
        let contents = VoteContents(
            slot: slot, authority: fleet.names[liar],
            published: Timestamp(seconds: ScaledClock.systemTime().seconds), previous: nil,
            parameters: NetworkParameters(root: fleet.network.parameters), nodes: [], software: software)
        return try Vote.make(contents, network: fleet.network, signer: fleet.signers[liar])
    }

    /// The slot that begins next, and returns when it has begun.
    private func nextSlot(_ fleet: AuthorityFleet) async throws -> Slot {
        let slots = fleet.network.slots
        let next = try AuthorityFleet.require(slots.slot(at: ScaledClock.systemTime())?.advanced(by: 1))
        try await ScaledClock.real.sleep(until: slots.start(of: next))
        return next
    }

    @Test(.timeLimit(.minutes(3))) func twoVotesAreShownByAllOthersAndCountNoMore() async throws {
        let fleet = try AuthorityFleet(4, slotLength: .seconds(3))
        let liar = 3
        try await fleet.start(0..<3)
        try await fleet.waitForConsensus(0..<3, seconds: 60)
        var tried: [Slot] = []
        var isCaught = false
        while !isCaught, tried.count < 6 {
            let slot = try await nextSlot(fleet)
            tried.append(slot)
            let (one, other) = (
                try vote(fleet, of: liar, slot, software: "one"), try vote(fleet, of: liar, slot, software: "two")
            )
            #expect(one.digest != other.digest)
            for (index, bytes) in [one.bytes, other.bytes, other.bytes].enumerated() {
                _ = try await fleet.post(bytes, as: .vote, to: index)
            }
            // Whoever is asked for the vote that the leader has finds the second one.
            try? await fleet.wait("all have the evidence", seconds: 3) {
                try (0..<3).allSatisfy { try !fleet.authority($0).parts.store.evidence().isEmpty }
            }
            isCaught = try (0..<3).allSatisfy { try !fleet.authority($0).parts.store.evidence().isEmpty }
        }
        let first = try AuthorityFleet.require(isCaught ? tried.first : nil)
        for index in 0..<3 {
            let list = String(decoding: try await fleet.get(.evidence, from: index), as: UTF8.self)
            // One may have caught it in an earlier try than the others.
            #expect(tried.contains { list.hasPrefix("evidence authority3 \($0) vote ") }, "\(list)")
            let digest = try AuthorityFleet.require(EvidenceList.digests(Array(list.utf8)).first)
            let evidence = try UnverifiedEvidence(await fleet.get(.document(digest), from: index)).verify(
                in: fleet.network)
            #expect(evidence.authority == fleet.names[liar])
            // The pages are made again now and then, not at each document.
            try await fleet.wait("the health report of \(index) names the liar") {
                let json = try await fleet.get(.page("health.json"), from: index)
                let found = try JSONDecoder().decode(HealthReport.self, from: Data(json)).evidence.first
                return found?.authority == "authority3" && found?.excludedUntil ?? 0 >= first.number
            }
            let page = String(decoding: try await fleet.get(.page("health"), from: index), as: UTF8.self)
            #expect(page.contains("authority3"))
        }
        // One honest-looking vote for a later slot, given to all, is in no consensus.
        let later = try await nextSlot(fleet)
        let good = try vote(fleet, of: liar, later, software: "one")
        for index in 0..<3 { _ = try await fleet.post(good.bytes, as: .vote, to: index) }
        let found = try await fleet.waitForConsensus(0..<3, seconds: 60) { $0.slot >= later }
        for certified in found { #expect(!certified.consensus.votes.contains { $0.name == fleet.names[liar] }) }
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(2))) func whatIsNotOfAnAuthorityIsRefused() async throws {
        let fleet = try AuthorityFleet(3, slotLength: .seconds(3))
        let stranger = try AuthorityFleet(3, slotLength: .seconds(3))
        try await fleet.start([0])
        let slot = try await nextSlot(fleet)
        let far = try AuthorityFleet.require(slot.advanced(by: 50))
        let store = try fleet.authority(0).parts.store
        for (bytes, status) in [
            (Array("nightjar-vote 1\n".utf8), 400), ([], 400), ([0xFF, 0, 10], 400),
            (try vote(stranger, of: 1, slot, software: "x").bytes, 403),
            (try vote(fleet, of: 1, far, software: "x").bytes, 503),
        ] as [([UInt8], Int)] {
            let answer = try await fleet.post(bytes, as: .vote, to: 0)
            #expect(answer.status == status, "\(answer.words)")
        }
        for kind in [DirectoryUpload.proposal, .signature, .evidence, .report, .descriptor] {
            let answer = try await fleet.post(Array("nonsense 1\n".utf8), as: kind, to: 0)
            #expect(answer.status == 400 || answer.status == 403, "\(kind): \(answer.status)")
        }
        #expect(try store.documents(.vote, slot: slot.number).allSatisfy { $0.authority == "authority0" })
        try await fleet.stopAll()
    }
}
