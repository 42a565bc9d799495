import ArgumentParser

/// Measures what Nightjar costs on this machine.
@main
struct NightjarBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-bench", abstract: "Measure what Nightjar costs on this machine.",
        subcommands: [PacketCommand.self, RelayCommand.self, TallyCommand.self, AnalysisCommand.self])
}
