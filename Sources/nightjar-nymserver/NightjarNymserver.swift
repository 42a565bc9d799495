import ArgumentParser
import CommandLineEntry
import NymserverProgram

@main
struct NightjarNymserver: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-nymserver",
        abstract: "Keeps pseudonyms: mail for them goes through reply blocks, and theirs goes out.",
        version: NymserverVersion.text,
        subcommands: [])

    static func main() async {
        await CommandRunner.run(Self.self)
    }
}
