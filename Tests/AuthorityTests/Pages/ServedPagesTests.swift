// The pages of authorities that run: made from their own databases and slot machines, over HTTP, opened in the browser.

import Daemon
import Directory
import DirectoryService
import Foundation
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

@Suite(.serialized) struct ServedPagesTests {
    /// Three of four authorities run; the fourth says two things to two of them, and a node's operator writes markup.
    @Test(.timeLimit(.minutes(8))) func anAuthorityShowsWhatHappens() async throws {
        let fleet = try AuthorityFleet(4, slotLength: .seconds(3))
        try await fleet.start(0..<3)
        let node = try fleet.node("wren") { $0.contact = "<script>alert(1)</script> \"me\"" }
        for index in 0..<3 { _ = try await fleet.post(node.bytes, as: .descriptor, to: index) }
        try await fleet.waitForConsensus([0]) { $0.consensus.nodes.contains { $0.id == node.id } }

        // Two votes of the fourth for one slot. It may be over before both have come: then once more.
        var slot = Slot(0)
        for _ in 0..<10 {
            if slot.number > 0, try await !fleet.get(.evidence, from: 0).isEmpty { break }
            slot = try AuthorityFleet.require(
                fleet.network.slots.slot(at: ScaledClock.systemTime())?.advanced(by: 1))
            try await ScaledClock.real.sleep(until: fleet.network.slots.start(of: slot))
            for software in ["one", "two"] {
                let contents = VoteContents(
                    slot: slot, authority: fleet.names[3], published: fleet.network.slots.start(of: slot),
                    previous: nil, parameters: NetworkParameters(root: fleet.network.parameters), nodes: [],
                    software: software)
                let vote = try Vote.make(contents, network: fleet.network, signer: fleet.signers[3])
                _ = try await fleet.post(vote.bytes, as: .vote, to: 0)
            }
        }
        func report(_ index: Int) async throws -> HealthReport {
            try JSONDecoder().decode(
                HealthReport.self, from: Data(try await fleet.get(.page("health.json"), from: index)))
        }
        for index in 0..<3 {
            try await fleet.wait("authority \(index) shows the evidence") {
                try await !report(index).evidence.isEmpty
            }
        }
        let report = try await report(0)
        let evidence = try #require(report.evidence.first)
        #expect(evidence.authority == fleet.names[3].text && evidence.slot == slot.number && evidence.kind == "vote")
        #expect(report.warnings.contains { $0.code == "equivocation" && $0.level == .urgent })
        let proof = try await fleet.get(.document(try #require(evidence.digest)), from: 0)
        #expect(try UnverifiedEvidence(proof).verify(in: fleet.network).digests == [evidence.first, evidence.second])
        #expect(report.slots.contains { $0.state == .certified && $0.signatures.count == 3 })
        #expect(report.nodes.map(\.id) == [node.id] && report.nodes[0].isListed)
        #expect(report.consensus?.age == .fresh)

        var files = try PageFolder()
        for (name, path) in [
            ("served", ""), ("served-nodes", "nodes"), ("served-node", "node/\(node.id.hex)"),
            ("served-evidence", "double-signing"),
        ] {
            let body = try await fleet.get(.page(path), from: 0)
            try files.add(name, "/" + path, body: body)
        }
        try await fleet.stopAll()

        #expect(try files.structureFaults().isEmpty)
        let results = try files.measure()
        #expect(results.flatMap(\.faults).isEmpty)
        let summary = try #require(results.first { $0.page == "served" && $0.mode == "phone" })
        #expect(summary.text.contains("\(fleet.names[3].text) signed two different things in slot \(slot)"))
        #expect(summary.strips >= 1 && summary.marks > 10)
        let page = try #require(results.first { $0.page == "served-node" && $0.mode == "phone" })
        #expect(page.text.contains("<script>alert(1)</script>"))
    }
}
