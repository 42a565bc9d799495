import ArgumentParser
import FoundationEssentials

/// `nightjar-bench analysis`: how long a pinger needs to make its numbers.
struct AnalysisCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analysis",
        abstract: "Time the analysis of a pinger's probes.",
        discussion: """
            Makes up probes of 12 days through a network with a dropper, a slow node, a dead one and a broken link, \
            and estimates everything from them, on one core. A million probes over 60 nodes may take 10 seconds of a \
            processor and 500 MB; fails if they take more.

            Examples:
              nightjar-bench analysis
              nightjar-bench analysis --json --nodes 200 --probes 100000
            """)

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(help: "How many nodes the network has, 6 to 4096.")
    var nodes = 60

    @Option(help: "How many probes there are, 1000 to 10000000.")
    var probes = 1_000_000

    @Option(help: "How often the analysis is made.")
    var rounds = 3

    func validate() throws {
        guard (6...4096).contains(nodes) else { throw ValidationError("the nodes must be from 6 to 4096") }
        guard (1000...10_000_000).contains(probes) else {
            throw ValidationError("the probes must be from 1000 to 10000000")
        }
        guard (1...100).contains(rounds) else { throw ValidationError("the rounds must be from 1 to 100") }
    }

    func run() throws {
        var bench = AnalysisBench(nodes: nodes, probes: probes)
        let figures = bench.measure(rounds: rounds)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(["analysis": figures]), as: UTF8.self))
        } else {
            print(figures.table)
        }
        guard figures.isWithinLimits else { throw ExitCode.failure }
    }
}

extension AnalysisFigures {
    var table: String {
        func tenths(_ value: Double) -> String { String((value * 10).rounded() / 10) }
        let rows = [
            ("probes", String(probes)), ("nodes", String(nodes)), ("of them measured", String(measuredNodes)),
            ("links marked broken", String(brokenLinks)),
            ("processor seconds", "\(tenths(seconds)) of \(tenths(Self.limitSeconds))"),
            ("seconds by the clock", tenths(elapsedSeconds)),
            ("probes per second", String(Int(probesPerSecond))), ("MB with the table made", tenths(tablePeakMegabytes)),
            ("MB at the most", "\(tenths(peakMegabytes)) of \(tenths(Self.limitMegabytes))"),
        ]
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, value in name + String(repeating: " ", count: width + 2 - name.count) + value }
            .joined(separator: "\n")
    }
}
