// The pages in a real browser: a headless Chromium without scripts, as wide as a desktop and as a phone, light and dark.
// NIGHTJAR_SCREENSHOTS=DIRECTORY keeps pictures of all of them to look at.

import Foundation
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

@Suite struct BrowserTests {
    @Test(.timeLimit(.minutes(8))) func pagesAreReadableEverywhere() throws {
        var files = try PageFolder()
        for (name, facts) in HealthStage.all { try files.add(name, "/", facts) }
        try files.add("nodes", "/nodes", HealthStage.healthy)
        try files.add("hostile-nodes", "/nodes", HealthStage.hostile)
        try files.add("hostile-node", "/node/\(HealthStage.hostile.nodes[4].id.hex)", HealthStage.hostile)
        try files.add("hostile-evidence", "/double-signing", HealthStage.hostile)

        let results = try files.measure()
        #expect(results.flatMap(\.faults).isEmpty)
        try contents(results)
    }

    /// What must be on which page.
    private func contents(_ results: [MeasuredPage]) throws {
        for mode in ["desktop", "phone"] {
            func page(_ name: String) throws -> MeasuredPage {
                try #require(results.first { $0.page == name && $0.mode == mode })
            }
            let healthy = try page("healthy")
            #expect(healthy.headings.contains("All is well."))
            #expect(healthy.strips == 3)
            // 71 slots that are over, with a vote and a signature of each of 4, a proposal and an outcome; and the present one.
            #expect(healthy.marks == 71 * (4 * 2 + 2) + 4 + 3)
            #expect(healthy.tables.first { $0.caption == "The newest slots" }?.rows == 12)
            #expect(healthy.text.contains("4 of 4, 3 needed: alpha, beta, delta and gamma"))
            #expect(healthy.text.contains("are alike"))

            let failing = try page("failing")
            #expect(failing.headings.contains("Something is wrong and needs somebody now."))
            #expect(failing.text.contains("genoa") && failing.text.contains("the leader genoa sent no proposal"))
            #expect(failing.tables.contains { $0.caption.hasPrefix("Parameters") && $0.rows == 1 })
            #expect(failing.tables.contains { $0.caption.hasPrefix("Nodes that only some list") && $0.rows == 1 })
            #expect(failing.tables.contains { $0.caption.hasPrefix("Flags that only some") && $0.rows == 2 })

            let hostile = try page("hostile")
            #expect(hostile.text.contains("gamma signed two different things in slot"))
            #expect(hostile.tables.contains { $0.caption.hasPrefix("Pairs of documents") && $0.rows == 3 })

            let empty = try page("empty")
            #expect(empty.text.contains("There is no certified consensus yet"))
            #expect(empty.text.contains("Test network."))

            let nodes = try page("nodes")
            #expect(nodes.tables.map(\.rows) == [37, 3])
            #expect(nodes.text.contains("mailbox") || nodes.text.contains("Mailbox"))
            #expect(nodes.text.contains("198.51.100.7:48099"))

            let strangers = try page("hostile-nodes")
            #expect(strangers.headings == ["Nodes"])
            #expect(strangers.text.contains("<script>alert(1)</script>"))
        }
    }
}
