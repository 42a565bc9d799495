import Foundation
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// Pages as text: what must hold of their HTML whatever strangers wrote.
@Suite struct PageStructureTests {
    @Test func pagesAreWellFormed() throws {
        var files = try PageFiles()
        for (name, facts) in HealthStage.all {
            for path in ["/", "/nodes", "/health/evidence"] { try files.add(name, path, facts) }
            for node in facts.nodes.prefix(6) { try files.add(name, "/nodes/\(node.id.hex)", facts) }
        }
        let run = try PageFiles.run("structure.py", files.pages.map { files.directory.file($0.file) })
        #expect(run.output == "\n")
        #expect(run.code == 0)
    }

    @Test func thereAreNoOtherPages() {
        let report = HealthReport.make(HealthStage.healthy)
        for path in [
            "", "/nodes/", "/nodes/00", "/nodes/\(String(repeating: "0", count: 64))", "/health/", "/../etc/passwd",
            "/nodes/\u{0}", "/evidence",
        ] { #expect(HealthPage.answer(path, report: report) == nil, "\(path)") }
    }

    @Test func nothingMayRunOrLoad() throws {
        let answer = try #require(HealthPage.answer("/", report: HealthReport.make(HealthStage.hostile)))
        let policy = try #require(answer.headers.first { $0.name == "Content-Security-Policy" }?.value)
        #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-"))
        #expect(!policy.contains("unsafe"))
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
