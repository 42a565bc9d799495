// Pages as files for the programs that check them (Browser/browser.py, Browser/structure.py), and what these found.

internal import Foundation

/// What the browser measured of one page in one mode: `desktop`, `phone`, or `dark` (a phone).
public struct MeasuredPage: Decodable, Sendable {
    public struct Table: Decodable, Sendable {
        public var caption: String
        public var rows: Int
    }

    public var page: String
    public var mode: String
    public var title: String
    public var width: Double
    public var scrollWidth: Double
    public var outside: [String]
    public var overlaps: [String]
    public var faint: [String]
    public var small: [String]
    public var background: String
    public var headings: [String]
    public var tables: [Table]
    public var marks: Int
    public var strips: Int
    public var scripts: Int
    public var requests: [String]
    public var complaints: [String]
    public var text: String

    /// What must not be on any page, in words; empty if it is readable.
    public var faults: [String] {
        var faults: [String] = []
        if scrollWidth > width { faults.append("wider than the window") }
        if width != (mode == "desktop" ? 1280 : 390) { faults.append("a window of \(width)") }
        faults += outside.map { "beyond the right edge: \($0)" }
        faults += overlaps.map { "one on the other: \($0)" }
        faults += faint.map { "too little contrast: \($0)" }
        faults += small.map { "too small: \($0)" }
        if scripts > 0 || requests.count != 1 { faults.append("asked for \(requests)") }
        faults += complaints.map { "the browser says: \($0)" }
        if background != (mode == "dark" ? "rgb(20, 24, 29)" : "rgb(255, 255, 255)") {
            faults.append("the background is \(background)")
        }
        return faults.map { "\(page) on \(mode): \($0)" }
    }
}

/// Pages in a directory of their own.
public struct PageFolder {
    private struct Page: Encodable {
        var name: String
        var path: String
        var headers: [String: String]
        var file: String
    }

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    public let directory: TemporaryDirectory
    private var pages: [Page] = []

    public init() throws { directory = try TemporaryDirectory("nightjar-pages") }

    /// Writes a page. The name is a query of its address: pages of several networks are served side by side.
    public mutating func add(
        _ name: String, _ path: String, body: [UInt8], contentType: String = "text/html; charset=utf-8"
    ) throws {
        let file = "\(pages.count).html"
        try Data(body).write(to: URL(fileURLWithPath: directory.file(file)))
        pages.append(Page(name: name, path: "\(path)?\(name)", headers: ["Content-Type": contentType], file: file))
        try JSONEncoder().encode(pages).write(to: URL(fileURLWithPath: directory.file("pages.json")))
    }

    /// Opens all pages in the browser, in each mode. NIGHTJAR_SCREENSHOTS=DIRECTORY keeps pictures of them.
    public func measure() throws -> [MeasuredPage] {
        let screenshots = ProcessInfo.processInfo.environment["NIGHTJAR_SCREENSHOTS"]
        let run = try Self.run("browser.py", [directory.path] + (screenshots.map { [$0] } ?? []))
        guard run.code == 0 else {
            throw Failure(description: "the browser failed; is chromium installed? contrib/test installs it")
        }
        let results = try JSONDecoder().decode([MeasuredPage].self, from: Data(run.output.utf8))
        guard results.count == pages.count * 3 else {
            throw Failure(description: "only \(results.count) were measured")
        }
        return results
    }

    /// What is wrong with the pages as HTML, a line each.
    public func structureFaults() throws -> [String] {
        let run = try Self.run("structure.py", pages.map { directory.file($0.file) })
        let faults = run.output.split(separator: "\n").map(String.init)
        return run.code == 0 || !faults.isEmpty ? faults : ["structure.py failed"]
    }

    private static func run(_ script: String, _ arguments: [String]) throws -> (output: String, code: Int32) {
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
