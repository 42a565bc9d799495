// Whole pages against files, so that a change of a page is seen as such. NIGHTJAR_RECORD_TRANSCRIPTS=1 writes them anew;
// read the difference before committing it.

import Foundation
import Pages
import Testing

@testable import AuthorityProgram

@Suite struct GoldenPagesTests {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
    static let isRecording = ProcessInfo.processInfo.environment["NIGHTJAR_RECORD_TRANSCRIPTS"] == "1"

    @Test(arguments: [
        ("failing", "/"), ("hostile", "/nodes"), ("hostile", "/double-signing"), ("empty", "/"),
    ])
    func pageIsAsRecorded(_ stage: String, _ path: String) throws {
        let facts = try #require(HealthStage.all.first { $0.name == stage }?.facts)
        let answer = try #require(HealthPage.answer(path, report: HealthReport.make(facts)))
        // The style sheet has no part in the golden files: it is the same everywhere and is looked at in the browser.
        let body = answer.body.replacing(PageStyle.authority.text, with: "...").replacing(
            HTML.escape(PageStyle.authority.policy), with: "...")
        let name = stage + (path == "/" ? "" : path.replacing("/", with: "-")) + ".html"
        let file = Self.directory.appendingPathComponent(name)
        if Self.isRecording {
            try FileManager.default.createDirectory(at: Self.directory, withIntermediateDirectories: true)
            try Data(body.utf8).write(to: file)
        }
        let golden = try String(contentsOf: file, encoding: .utf8)
        #expect(body == golden, "\(name) differs; record it with NIGHTJAR_RECORD_TRANSCRIPTS=1")
    }
}
