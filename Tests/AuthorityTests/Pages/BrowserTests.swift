// The pages in a real browser: a headless Chromium without scripts, as wide as a desktop and as a phone, light and dark.
// NIGHTJAR_SCREENSHOTS=DIRECTORY keeps pictures of all of them to look at.

import Foundation
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

@Suite struct BrowserTests {
    struct Measured: Decodable {
        struct Table: Decodable {
            var caption: String
            var rows: Int
        }

        var page: String
        var mode: String
        var title: String
        var width: Double
        var scrollWidth: Double
        var outside: [String]
        var overlaps: [String]
        var faint: [String]
        var small: [String]
        var background: String
        var headings: [String]
        var tables: [Table]
        var marks: Int
        var strips: Int
        var scripts: Int
        var requests: [String]
        var complaints: [String]
        var text: String
    }

    @Test(.timeLimit(.minutes(2))) func pagesAreReadableEverywhere() throws {
        var files = try PageFiles()
        for (name, facts) in HealthStage.all { try files.add(name, "/", facts) }
        try files.add("nodes", "/nodes", HealthStage.healthy)
        try files.add("hostile-nodes", "/nodes", HealthStage.hostile)
        try files.add("hostile-node", "/node/\(HealthStage.hostile.nodes[4].id.hex)", HealthStage.hostile)
        try files.add("hostile-evidence", "/double-signing", HealthStage.hostile)

        let results = try Self.measure(files)
        Self.expectReadable(results)
        try contents(results)
    }

    /// Opens all pages in the browser, in each mode.
    static func measure(_ files: PageFiles) throws -> [Measured] {
        let screenshots = ProcessInfo.processInfo.environment["NIGHTJAR_SCREENSHOTS"]
        let run = try PageFiles.run("browser.py", [files.directory.path] + (screenshots.map { [$0] } ?? []))
        try #require(run.code == 0, "the browser failed; is chromium installed? contrib/test installs it")
        let results = try JSONDecoder().decode([Measured].self, from: Data(run.output.utf8))
        #expect(results.count == files.pages.count * 3)
        return results
    }

    /// What must hold of every page.
    static func expectReadable(_ results: [Measured]) {
        for result in results {
            let place = "\(result.page) on \(result.mode)"
            #expect(result.scrollWidth <= result.width, "\(place) is wider than the window")
            #expect(result.width == (result.mode == "desktop" ? 1280 : 390), "\(place)")
            #expect(result.outside.isEmpty, "\(place): beyond the right edge")
            #expect(result.overlaps.isEmpty, "\(place): one on the other")
            #expect(result.faint.isEmpty, "\(place): too little contrast")
            #expect(result.small.isEmpty, "\(place): too small")
            #expect(result.scripts == 0 && result.requests.count == 1, "\(place) asked for \(result.requests)")
            #expect(result.complaints.isEmpty, "\(place)")
            #expect(result.background == (result.mode == "dark" ? "rgb(20, 24, 29)" : "rgb(255, 255, 255)"), "\(place)")
        }
    }

    /// What must be on which page.
    private func contents(_ results: [Measured]) throws {
        for mode in ["desktop", "phone"] {
            func page(_ name: String) throws -> Measured {
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
