// What a test asks the pinger of a lab, and a client of the same lab whose paths and mails show what came of it.

import Directory
import Foundation
import Glibc
import LabProgram
import TestSupport
import Testing
import WireFormat

/// The operator of the lab's pinger.
struct PingerDesk: Sendable {
    let lab: RunningLab
    static let program = "\(Program.built)/nightjar-pinger"
    static let name = Lab.pingerName

    /// `nightjar-pinger` with the lab's configuration.
    func run(_ arguments: [String], seconds: Double = 180) async throws -> (code: Int32, output: String, errors: String)
    {
        try await Program.run(
            Self.program, arguments + ["--config", lab.configuration(Self.name)], seconds: seconds)
    }

    /// What the pinger knows at this moment.
    func measurements() async throws -> Measurements {
        let run = try await run(["report", "--json"])
        do { return try JSONDecoder().decode(Measurements.self, from: Data(run.output.utf8)) } catch {
            throw Program.Failure(description: "\(error): \(run)".prefix(2000).description)
        }
    }

    /// Waits until so many probes are decided.
    func decided(_ count: Int, seconds: Double) async throws -> Measurements {
        var now = try await measurements()
        try await eventually("\(count) probes are decided", seconds: seconds, every: .seconds(3)) {
            now = try await measurements()
            guard lab.isRunning(Self.name) else {
                throw Program.Failure(description: "the pinger ended: \(lab.log(Self.name).suffix(1500))")
            }
            return now.decided >= count
        }
        return now
    }
}

/// `nightjar-pinger report --json`.
struct Measurements: Decodable, Sendable {
    struct Counts: Decodable, Sendable { var arrived, lost, pending, void: Int }
    struct Estimate: Decodable, Sendable {
        var permille, low, high, samples: Int
    }
    struct Node: Decodable, Sendable {
        var id: String
        var nickname: String?
        var flags: [String]
        var relay, entry, mailbox: Estimate?
        var added_latency_seconds: Int?
        var duplicates, damaged: Int
    }
    struct Link: Decodable, Sendable {
        var from, to: String
        var arrived, lost: Int
        var broken: Bool
    }

    var silence: String?
    var problems: [String]
    var probes: [String: Counts]
    var nodes: [Node]
    var links: [Link]

    /// Loops and replies that arrived or are lost.
    var decided: Int { ["loop", "reply"].compactMap { probes[$0] }.reduce(0) { $0 + $1.arrived + $1.lost } }
    var void: Int { probes.values.reduce(0) { $0 + $1.void } }
    func node(_ name: String) -> Node? { nodes.first { $0.nickname == name } }

    /// The marked links as `from>to`, by names.
    var broken: Set<String> {
        let names = Dictionary(nodes.map { ($0.id, $0.nickname ?? $0.id) }, uniquingKeysWith: { first, _ in first })
        return Set(links.filter(\.broken).map { "\(names[$0.from] ?? $0.from)>\(names[$0.to] ?? $0.to)" })
    }

    /// A line for each node.
    var table: String {
        nodes.map { node in
            let relay = node.relay.map { "\($0.permille) [\($0.low), \($0.high)] of \($0.samples)" } ?? "not measured"
            let latency = node.added_latency_seconds.map { ", adds \($0) s" } ?? ""
            return "  \(node.nickname ?? node.id): \(relay)\(latency) \(node.flags.joined(separator: " "))"
        }.joined(separator: "\n")
    }

    var counts: String {
        probes.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value.arrived)+ \($0.value.lost)- \($0.value.pending)? \($0.value.void) void" }
            .joined(separator: ", ")
    }
}

/// Somebody who sends by the lab's network, one `nightjar` for each thing that he does.
final class LabClient: Sendable {
    let lab: RunningLab
    let directory: TemporaryDirectory

    init(_ lab: RunningLab) async throws {
        self.lab = lab
        directory = try TemporaryDirectory("nightjar-lab-client")
        try FileManager.default.createDirectory(
            atPath: directory.file("home"), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try await succeed(["network", "add"] + lab.networkArguments)
        try await succeed(["network", "update"])
    }

    func run(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
        let program = try Program(
            "\(Program.built)/nightjar", arguments,
            environment: [
                "NIGHTJAR_HOME": directory.file("home"), "NIGHTJAR_TIME_SCALE": "\(lab.timeScale)",
                "NIGHTJAR_TIME_ORIGIN": "\(lab.timeOrigin.milliseconds)",
            ])
        let code = try await program.end(seconds: 120)
        return (code, program.output, program.errors)
    }

    @discardableResult
    func succeed(_ arguments: [String]) async throws -> String {
        let run = try await run(arguments)
        guard run.code == 0 else { throw Program.Failure(description: "\(arguments): \(run)") }
        return run.output
    }

    /// Paths that the client would choose, as names.
    func paths(_ count: Int, to address: String? = nil) async throws -> [[String]] {
        var paths: [[String]] = []
        for _ in 0..<count {
            let text = try await succeed(["path"] + (address.map { ["--to", $0] } ?? []))
            paths.append(text.split(whereSeparator: { $0 == "," || $0.isNewline }).map(String.init))
        }
        return paths
    }
}
