import Daemon
import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// Reports that are carried to an authority by hand.
@Suite("Importing reports") struct ReportImportTests {
    @Test(.timeLimit(.minutes(3))) func theNextReportTooSoonIsToldWhenItIsTaken() async throws {
        let paper = try await PaperNetwork(slotLength: .minutes(20))
        let table = paper.table
        let pingers = try PingerStage(1)
        let digest = pingers.keys[0].verificationKey.digest.hex
        try table.file(
            "alice.toml",
            table.text("alice.toml").replacing("\n[pingers]\n", with: "\n[pingers]\nlighthouse = \"\(digest)\"\n"))
        let network = try UnverifiedNetworkFile(table.bytes("network")).verify()
        var generator = SeededRandom(name: "imported reports")
        let id = NodeID.random(using: &generator)
        for (name, age) in [("first", Interval.minutes(2)), ("second", .minutes(1))] {
            let report = try pingers.report(0, [PingerStage.node(id, 990)], network: network, age: age)
            try table.file("\(name).report", report.bytes)
        }
        try await table.must("import first.report --config alice.toml")
        try await table.must("import first.report --config alice.toml")
        let answer = try await table.run("import second.report --config alice.toml")
        #expect(answer.code == 3)
        #expect(
            answer.messages.contains(
                "the report of pinger pinger0 comes too soon after the one before, which stays; import it again after "),
            "\(answer.messages)")
    }
}
