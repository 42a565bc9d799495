import ArgumentParser
import Foundation

/// `nightjar-bench relay`: a real node between two clients and a sink.
struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "Time a node process that relays durably on one processor.",
        discussion: """
            The node runs on processor 0; two clients and the sink share processor 1. The share is of the rate that unwrapping \
            (timed in the same run) and the two sides of TLS (20 microseconds each) alone would allow.
            """)

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(help: "How many packets to relay.")
    var packets = 12_000

    @Option(help: "Then let the node hold this many packets for a destination that is down, and tell its memory.")
    var queued = 0

    func run() async throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("nightjar-node").path
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("nightjar-relay-\(getpid())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let figures = try await RelayBenchmark(
            nodeProgram: program, packets: packets, queued: queued, directory: directory
        ).run()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(["relay": figures]), as: UTF8.self))
        } else {
            print(figures.table)
        }
    }
}

extension RelayFigures {
    var table: String {
        func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
        var rows = [
            ("packets per second", number(packetsPerSecond, 0)),
            ("CPU of the node per packet, us", number(cpuMicrosecondsPerPacket, 1)),
            ("unwrap alone, us (median)", number(unwrapMicroseconds, 1)),
            ("share of the cryptographic limit", number(shareOfCryptographicLimit * 100, 1) + " %"),
            ("peak memory, MB", number(residentMegabytes, 1)),
        ]
        if let queued, let queuedResidentMegabytes {
            rows.append(("peak memory with \(queued) packets held, MB", number(queuedResidentMegabytes, 1)))
        }
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { $0.0.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.1 }.joined(
            separator: "\n")
    }
}
