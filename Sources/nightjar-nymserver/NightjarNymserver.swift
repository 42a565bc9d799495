import ArgumentParser
import CommandLineEntry
import NymserverProgram

@main
struct NightjarNymserver: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-nymserver",
        abstract: "Keeps pseudonyms: mail for them goes through reply blocks, and theirs goes out.",
        discussion: """
            Examples:
              nightjar-nymserver init --domain nym.example --operator you@example.org
              nightjar-nymserver check-config
              nightjar-nymserver run
              nightjar-nymserver status
              nightjar-nymserver close NAME
            """,
        version: NymserverVersion.text,
        subcommands: [Init.self, CheckConfig.self, Run.self, Status.self, Close.self])

    static func main() async {
        await CommandRunner.run(Self.self)
    }
}
