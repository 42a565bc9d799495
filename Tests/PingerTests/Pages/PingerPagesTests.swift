// Pages as text: against files (NIGHTJAR_RECORD_TRANSCRIPTS=1 writes them anew; read the difference before committing
// it), and what must hold of their HTML whatever strangers wrote.

import Foundation
import Measurement
import Pages
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite struct PingerPagesTests {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
    static let isRecording = ProcessInfo.processInfo.environment["NIGHTJAR_RECORD_TRANSCRIPTS"] == "1"

    static func facts(_ stage: String) throws -> PingerFacts {
        try #require(PingerStage.all.first { $0.name == stage }?.facts)
    }

    /// A page by its name; `node` stands for that of the node `index`.
    static func page(_ stage: String, _ name: String, node index: Int = 0) throws -> String {
        let facts = try facts(stage)
        let name = name == "node" ? try #require(PingerPages(facts: facts).file(of: facts.nodes[index])) : name
        return String(
            decoding: try #require(PingerStage.files[stage]?.first { $0.name == name }).bytes, as: UTF8.self)
    }

    @Test(arguments: [
        ("empty", "index.html"), ("one", "index.html"), ("blind", "index.html"), ("blind", "links.html"),
        ("blind", "node"),
        ("hostile", "index.html"), ("one", "measurements.json"), ("one", "nodes.csv"), ("blind", "mlist.txt"),
        ("blind", "rlist.txt"), ("blind", "mlist2.txt"), ("blind", "rlist2.txt"),
    ])
    func pageIsAsRecorded(_ stage: String, _ page: String) throws {
        // The style sheet has no part in the golden files: it is the same everywhere and is looked at in the browser.
        let body = try Self.page(stage, page).replacing(PageStyle.pinger.text, with: "...").replacing(
            HTML.escape(PageStyle.pinger.policy), with: "...")
        let name = "\(stage)-\(page == "node" ? "node.html" : page)"
        let file = Self.directory.appendingPathComponent(name)
        if Self.isRecording {
            try FileManager.default.createDirectory(at: Self.directory, withIntermediateDirectories: true)
            try Data(body.utf8).write(to: file)
        }
        let golden = try String(decoding: Data(contentsOf: file), as: UTF8.self)
        #expect(body == golden, "\(name) differs; record it with NIGHTJAR_RECORD_TRANSCRIPTS=1")
    }

    @Test func pagesAreWellFormed() throws {
        var folder = try PageFolder()
        for (name, files) in PingerStage.files {
            for file in files.filter({ $0.name.hasSuffix(".html") }).prefix(14) {
                try folder.add(name, "/" + file.name, body: file.bytes)
            }
        }
        #expect(try folder.structureFaults().isEmpty)
    }

    /// A folder that any web server can serve: whatever a page links to is there.
    @Test(arguments: PingerStage.all.map(\.name))
    func linksLeadSomewhere(_ stage: String) throws {
        let files = try #require(PingerStage.files[stage])
        let names = Set(files.map(\.name))
        for file in files where file.name.hasSuffix(".html") {
            let body = String(decoding: file.bytes, as: UTF8.self)
            for link in body.split(separator: "href=\"").dropFirst().map({ $0.prefix { $0 != "\"" } }) {
                let path = link.split(separator: "#", omittingEmptySubsequences: false)[0]
                if path.isEmpty { continue }
                let target = file.name.hasPrefix("node/") ? path.hasPrefix("../") ? path.dropFirst(3) : "?" : path
                #expect(names.contains(String(target)), "\(file.name): \(link)")
            }
        }
    }

    @Test func nothingMayRunOrLoad() throws {
        for page in ["index.html", "links.html", "node"] {
            let body = try Self.page("hostile", page)
            let policy = PageStyle.pinger.policy.replacing("'", with: "&#39;")
            #expect(body.contains("<meta http-equiv=\"Content-Security-Policy\" content=\"\(policy)\">"))
            #expect(
                policy.hasPrefix("default-src &#39;none&#39;; style-src &#39;sha256-") && !policy.contains("unsafe"))
            for markup in ["<script", "<img", "<b>", "onmouseover=\"", "</title><s", "javascript:"] {
                #expect(!body.contains(markup), "\(markup)")
            }
        }
    }

    /// No percentage of a node that has too few probes.
    @Test func tooLittleIsNoNumber() throws {
        for stage in ["one", "usual"] {
            let facts = try Self.facts(stage)
            for (index, id) in facts.nodes.enumerated() where facts.analysis.nodes[id]?.relay == nil {
                let body = try Self.page(stage, "node", node: index)
                let known = body.split(separator: "<h2")[0].split(separator: "<dl>")[1]
                let lines = known.split(separator: "\n").filter { !$0.contains("as the first node") }
                #expect(lines.contains { $0.contains("Unmeasured: fewer than 30 probes") })
                #expect(!lines.contains { $0.contains(" %") }, "\(lines)")
            }
        }
    }

    @Test func wordsOfTheState() throws {
        let empty = try Self.page("empty", "index.html")
        #expect(empty.contains("Starting: there is no probe yet.") && empty.contains("Test network."))
        #expect(try Self.page("one", "index.html").contains("Measuring: no node has had enough probes yet."))
        let usual = try Self.page("usual", "index.html")
        #expect(usual.contains("36 of 39 nodes are measured.") && usual.contains("2 links are broken"))
        let blind = try Self.page("blind", "index.html")
        #expect(blind.contains("class=\"state urgent\"") && blind.contains("The pinger cannot judge at present."))
        #expect(blind.contains("No node has answered since") && blind.contains("(3 h ago)"))
        #expect(blind.contains("The database was damaged"))
    }

    @Test func spelling() {
        #expect(MeasuredText.interval(0.981, 0.9899) == "98-99 %" && MeasuredText.interval(0.97, 0.99) == "97-99 %")
        #expect(MeasuredText.interval(0.29, 0.57) == "29-57 %" && MeasuredText.interval(1, 1) == "100 %")
        #expect(MeasuredText.interval(.nan, .infinity) == "not measured" && MeasuredText.interval(-3, 9) == "0-100 %")
        #expect(MeasuredText.percent(0.999) == ">99 %" && MeasuredText.percent(1) == "100 %")
        #expect(MeasuredText.percent(0.001) == "<1 %" && MeasuredText.percent(0) == "0 %")
        #expect(MeasuredText.percent(0.934) == "93 %" && MeasuredText.percent(.nan) == "0 %")
        #expect(MeasuredText.count(1_234_567) == "1,234,567" && MeasuredText.count(-1234) == "-1,234")
        #expect(MeasuredText.count(999) == "999" && MeasuredText.count(0) == "0")
        #expect(MeasuredText.latency(.seconds(14)) == "under 30 s" && MeasuredText.latency(.seconds(200)) == "3 min")
    }
}
