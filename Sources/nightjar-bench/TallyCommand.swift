import ArgumentParser
import FoundationEssentials

/// `nightjar-bench tally`: how long authorities need from votes to a consensus.
struct TallyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tally",
        abstract: "Time the consensus of a full set of votes.",
        discussion: """
            Reads the votes of all authorities from their bytes, checks certificates and signatures, tallies, and writes the \
            consensus, on one core. A slot has 20 minutes; the limits are a second for 200 nodes and ten for 2000. Fails if \
            one is passed.

            Examples:
              nightjar-bench tally
              nightjar-bench tally --json --nodes 500 --authorities 4
            """)

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(help: "How many nodes the network has, 1 to 2000; may stand several times (default: 200 and 2000).")
    var nodes: [Int] = []

    @Option(help: "How many authorities vote, 1 to 9.")
    var authorities = 9

    @Option(help: "How often each is measured.")
    var rounds = 5

    func validate() throws {
        guard nodes.allSatisfy({ (1...2000).contains($0) }) else {
            throw ValidationError("the nodes must be from 1 to 2000")
        }
        guard (1...9).contains(authorities) else { throw ValidationError("the authorities must be from 1 to 9") }
        guard (1...1000).contains(rounds) else { throw ValidationError("the rounds must be from 1 to 1000") }
    }

    func run() throws {
        let figures = try (nodes.isEmpty ? [200, 2000] : nodes).map {
            try TallyBench(nodes: $0, authorities: authorities).measure(rounds: rounds)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(["tally": figures]), as: UTF8.self))
        } else {
            print(TallyFigures.table(figures))
        }
        guard figures.allSatisfy({ $0.totalMilliseconds <= $0.limitMilliseconds }) else { throw ExitCode.failure }
    }
}

extension TallyFigures {
    static func table(_ all: [TallyFigures]) -> String {
        func right(_ text: String, _ width: Int = 12) -> String {
            String(repeating: " ", count: max(1, width - text.count)) + text
        }
        func row(_ words: [String]) -> String { words.map { right($0) }.joined() }
        func time(_ value: Double) -> String { String((value * 10).rounded() / 10) }
        var lines = [
            "milliseconds, one core, median",
            row(["nodes", "votes", "KB a vote", "parse", "verify", "tally", "of it write", "total", "limit"]),
        ]
        for figures in all {
            lines.append(
                row([
                    String(figures.nodes), String(figures.authorities), String(figures.voteBytes / 1000),
                    time(figures.parseMilliseconds), time(figures.verifyMilliseconds), time(figures.tallyMilliseconds),
                    time(figures.writeMilliseconds), time(figures.totalMilliseconds), time(figures.limitMilliseconds),
                ]))
        }
        return lines.joined(separator: "\n")
    }
}
