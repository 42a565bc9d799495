// The pages in a real browser: a headless Chromium without scripts, as wide as a desktop and as a phone, light and
// dark. NIGHTJAR_SCREENSHOTS=DIRECTORY keeps pictures of all of them to look at.

import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite struct PingerBrowserTests {
    @Test(.timeLimit(.minutes(8))) func pagesAreReadableEverywhere() throws {
        var folder = try PageFolder()
        for (name, files) in PingerStage.files {
            for page in files where [PingerPages.index, PingerPages.links].contains(page.name) {
                try folder.add("\(name)-\(page.name.dropLast(5))", "/" + page.name, body: page.bytes)
            }
        }
        for (stage, index) in [
            ("usual", 0), ("usual", 3), ("usual", 12), ("one", 0), ("blind", 4), ("hostile", 0), ("hostile", 3),
        ] {
            let body = try PingerPagesTests.page(stage, "node", node: index)
            try folder.add("\(stage)-node\(index)", "/node/\(index).html", body: Array(body.utf8))
        }
        let results = try folder.measure()
        #expect(results.flatMap(\.faults).isEmpty)
        for mode in ["desktop", "phone", "dark"] { try contents(results.filter { $0.mode == mode }) }
    }

    private func contents(_ results: [MeasuredPage]) throws {
        func page(_ name: String) throws -> MeasuredPage { try #require(results.first { $0.page == name }) }
        let usual = try page("usual-index")
        #expect(usual.headings.first == "Measurements" && usual.headings.contains("36 of 39 nodes are measured."))
        #expect(
            usual.tables.first?.rows == 39 && usual.tables.contains { $0.rows == 2 && $0.caption.contains("next to") })
        #expect(usual.text.contains("Unmeasured: fewer than 30 probes") && usual.text.contains("134,512"))
        #expect(usual.text.contains("Unreliable"))

        let links = try page("usual-links")
        #expect(links.strips == 1 && links.headings.contains("Broken links"))
        #expect(links.text.contains("and the consensus says so") && links.text.contains("as this pinger sees it"))
        #expect(try page("sixty-links").marks == 3600)
        #expect(try page("large-links").text.contains("Shown are the 60 nodes"))
        #expect(try !page("sixty-links").text.contains("Shown are"))
        #expect(try page("large-index").tables.first?.rows == 299)
        #expect(try page("empty-index").text.contains("No node is known yet"))
        #expect(try page("empty-links").text.contains("No link has been tested yet"))

        let node = try page("usual-node0")
        #expect(node.strips == 2 && node.headings.contains("The last 30 days"))
        #expect(node.headings.contains("What it says of itself"))
        #expect(try page("hostile-index").text.contains("<script>alert(1)</script>"))
        #expect(try page("blind-node4").text.contains("The pinger cannot judge at present"))
    }
}
