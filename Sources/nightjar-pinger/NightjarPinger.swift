import ArgumentParser
import CommandLineEntry
import PingerProgram

@main
struct NightjarPinger: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-pinger",
        abstract: "Measures the nodes and links of a Nightjar network.",
        version: PingerVersion.text)

    static func main() async {
        await CommandRunner.run(Self.self)
    }
}
