// Pages as files for the programs that check them, and the running of these.

import Foundation
import TestSupport
import Testing

@testable import AuthorityProgram

/// Pages in a directory of their own, with `pages.json` that says what they are (Browser/browser.py).
struct PageFiles {
    struct Page: Encodable {
        var name: String
        var path: String
        var headers: [String: String]
        var file: String
    }

    let directory: TemporaryDirectory
    private(set) var pages: [Page] = []

    init() throws { directory = try TemporaryDirectory("nightjar-pages") }

    /// Writes the page at `path` of a report.
    mutating func add(_ name: String, _ path: String, _ facts: HealthFacts) throws {
        let answer = try #require(HealthPage.answer(path, report: HealthReport.make(facts)))
        try add(name, path, body: Array(answer.body.utf8), contentType: answer.contentType)
    }

    /// Writes a page that came from somewhere else.
    mutating func add(_ name: String, _ path: String, body: [UInt8], contentType: String) throws {
        let file = "\(pages.count).html"
        try Data(body).write(to: URL(fileURLWithPath: directory.file(file)))
        // The name of the stage is a query: pages of several networks are served side by side.
        pages.append(
            Page(name: name, path: "\(path)?\(name)", headers: ["Content-Type": contentType], file: file))
        try JSONEncoder().encode(pages).write(to: URL(fileURLWithPath: directory.file("pages.json")))
    }

    /// Runs a script of this folder with python3; what it printed, and its exit code.
    static func run(_ script: String, _ arguments: [String]) throws -> (output: String, code: Int32) {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Browser/\(script)")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", path.path] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (String(decoding: output, as: UTF8.self), process.terminationStatus)
    }
}
