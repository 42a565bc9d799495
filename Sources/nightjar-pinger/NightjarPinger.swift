import ArgumentParser
import CommandLineEntry
import PingerProgram

@main
struct NightjarPinger: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-pinger",
        abstract: "Measures the nodes and links of a Nightjar network.",
        discussion: """
            Examples:
              nightjar-pinger init --name owl --network example.network
              nightjar-pinger check-config
              nightjar-pinger run
              nightjar-pinger report
            """,
        version: PingerVersion.text,
        subcommands: [Init.self, CheckConfig.self, Run.self, Report.self, Export.self])

    static func main() async {
        await CommandRunner.run(Self.self)
    }
}
