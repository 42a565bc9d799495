// `export`: the files that a running pinger writes for a web server, made now, in one form or all of them.

internal import Daemon
internal import Foundation
internal import Spool
internal import WireFormat

/// A form in which measurements are exported.
public enum ExportFormat: String, CaseIterable, Sendable {
    case json, csv, mlist, rlist, mlist2, rlist2, html

    /// The files of `OutputFiles` that this form consists of; nil for all.
    var names: [String]? {
        switch self {
        case .json: ["measurements.json"]
        case .csv: ["nodes.csv", "links.csv", "history.csv"]
        case .mlist: ["mlist.txt"]
        case .rlist: ["rlist.txt"]
        case .mlist2: ["mlist2.txt"]
        case .rlist2: ["rlist2.txt"]
        case .html: nil
        }
    }
}

/// What `export` is told.
public struct ExportRequest: Sendable {
    public var format: ExportFormat
    /// A file, `-` for standard output, or a directory for forms of several files.
    public var output: String
    /// A time as documents write it, or a day; older probes and days are left out.
    public var since: String?

    public init(format: ExportFormat, output: String, since: String? = nil) {
        self.format = format
        self.output = output
        self.since = since
    }
}

extension PingerCommands {
    /// `export`: beside a running pinger or without one, of which nothing is changed.
    public func export(_ request: ExportRequest, configuration path: String) throws {
        let since = try request.since.map(Self.time)
        let place = try PingerPlace(configuration: path)
        defer { place.store.close() }
        let (facts, silence) = try place.look(since: since)
        if let silence { terminal.message("note: nothing can be said of the nodes now: \(silence)") }
        let all = OutputFiles.all(facts)
        let files = request.format.names.map { names in all.filter { names.contains($0.name) } } ?? all
        if request.output == "-" {
            guard files.count == 1, let file = files.first else {
                throw CommandFailure(
                    "\(request.format.rawValue) is \(files.count) files; name a directory for them with --output",
                    code: .usage)
            }
            return try terminal.write(bytes: file.bytes)
        }
        var isDirectory: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: request.output, isDirectory: &isDirectory)
        if files.count == 1, let file = files.first, !(isThere && isDirectory.boolValue), !request.output.hasSuffix("/")
        {
            try AtomicFile.write(file.bytes, to: request.output, mode: 0o644)
            return terminal.message("wrote \(request.output)")
        }
        guard !isThere || isDirectory.boolValue else {
            throw CommandFailure(
                "\(request.output) is a file, and \(request.format.rawValue) is \(files.count) files; name a directory",
                code: .usage)
        }
        for file in files where OutputDirectory.isName(file.name) {
            let target = "\(request.output)/\(file.name)"
            try FileManager.default.createDirectory(
                atPath: String(target[..<(target.lastIndex(of: "/") ?? target.endIndex)]),
                withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            try AtomicFile.write(file.bytes, to: target, mode: 0o644)
        }
        terminal.message("wrote \(files.count) files to \(request.output)")
    }

    /// `2026-11-21T06:30:00Z`, or `2026-11-21` for its beginning.
    static func time(_ text: String) throws -> Timestamp {
        guard let time = Timestamp(text) ?? Timestamp("\(text)T00:00:00Z") else {
            throw CommandFailure(
                "--since takes a day such as 2026-11-21, or a time such as 2026-11-21T06:30:00Z, not '\(text)'",
                code: .usage)
        }
        return time
    }
}
