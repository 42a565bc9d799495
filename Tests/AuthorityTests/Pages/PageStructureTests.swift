import Foundation
import Pages
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// Pages as text: what must hold of their HTML whatever strangers wrote.
@Suite struct PageStructureTests {
    @Test func pagesAreWellFormed() throws {
        var files = try PageFolder()
        for (name, facts) in HealthStage.all {
            for path in ["/", "/nodes", "/double-signing"] { try files.add(name, path, facts) }
            for node in facts.nodes.prefix(6) { try files.add(name, "/node/\(node.id.hex)", facts) }
        }
        #expect(try files.structureFaults().isEmpty)
    }

    /// A folder that any web server can serve: whatever a page links to is a page there or a document of the directory.
    @Test func filesOfAMirrorLinkToEachOther() throws {
        let report = HealthReport.make(HealthStage.hostile)
        let names = HealthPage.mirrored
        for name in names {
            let file = try #require(HealthPage.answer("/" + name, report: report))
            guard name.hasSuffix(".html") else { continue }
            let links = file.body.split(separator: "href=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
            #expect(links.count > 5)
            for link in links where !link.hasPrefix("https://") && !link.hasPrefix("#") {
                let folder = link.split(separator: "/")[0]
                #expect(
                    names.contains(String(link)) || link == "network"
                        || ["documents", "consensuses", "votes", "signatures"].contains(folder), "\(link)")
            }
        }
    }

    @Test func thereAreNoOtherPages() {
        let report = HealthReport.make(HealthStage.healthy)
        for path in [
            "", "/node/", "/node/00", "/node/\(String(repeating: "0", count: 64))", "/health/", "/../etc/passwd",
            "/node/\u{0}", "/evidence",
        ] { #expect(HealthPage.answer(path, report: report) == nil, "\(path)") }
    }

    @Test func nothingMayRunOrLoad() throws {
        let answer = try #require(HealthPage.answer("/", report: HealthReport.make(HealthStage.hostile)))
        let policy = PageStyle.authority.policy.replacing("'", with: "&#39;")
        #expect(answer.body.contains("<meta http-equiv=\"Content-Security-Policy\" content=\"\(policy)\">"))
        #expect(policy.hasPrefix("default-src &#39;none&#39;; style-src &#39;sha256-") && !policy.contains("unsafe"))
        #expect(answer.contentType == "text/html; charset=utf-8")
        #expect(!answer.body.contains("<script"))
    }

    @Test func jsonIsTheReport() throws {
        for (_, facts) in HealthStage.all {
            let report = HealthReport.make(facts)
            let answer = try #require(HealthPage.answer("/health.json", report: report))
            #expect(answer.contentType == "application/json")
            let decoded = try JSONDecoder().decode(HealthReport.self, from: Data(answer.body.utf8))
            let again = try #require(HealthPage.answer("/health.json", report: decoded))
            #expect(again.body == answer.body)
            #expect(answer.body.contains("\"time\" : \"2026-11-21T14:47:10Z\""))
        }
    }
}
