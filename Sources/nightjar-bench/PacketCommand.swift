import ArgumentParser
import FoundationEssentials

/// `nightjar-bench packet`: the packet's operations beside the primitives that they are made of.
struct PacketCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "packet",
        abstract: "Time building, unwrapping and answering packets beside the primitives they consist of.",
        discussion: """
            Everything is timed in turn, round by round, on one core, so that whatever else the machine does meets all alike. \
            The ratio is the median over the rounds of the operation's time divided by the sum of its primitives' times in \
            the same round.
            """)

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(help: "How many rounds to measure.")
    var rounds = 400

    @Option(help: "Run this alone (for a profiler): unwrap, build, surbCreate, surbUse or surbOpen.")
    var only: String?

    func validate() throws {
        guard (1...1_000_000).contains(rounds) else { throw ValidationError("the rounds must be from 1 to 1000000") }
        if let only, !PacketBench.operationNames.contains(only) {
            throw ValidationError("\(only) is not one of \(PacketBench.operationNames.joined(separator: ", "))")
        }
    }

    func run() throws {
        let bench = try PacketBench()
        if let only { return try bench.repeatAlone(only, rounds: rounds) }
        let report = try bench.measure(rounds: rounds)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            print(report.table)
        }
    }
}
