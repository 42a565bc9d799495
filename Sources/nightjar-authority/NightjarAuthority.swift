import ArgumentParser
import AuthorityProgram
import CommandLineEntry

@main
struct NightjarAuthority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-authority",
        abstract: "An authority of a Nightjar network: votes on nodes, signs the consensus.",
        discussion: """
            Examples:
              nightjar-authority identity new --output alice.key > alice.identity
              nightjar-authority init --name alice --network example.network
              nightjar-authority check-config
              nightjar-authority run
              nightjar-authority status
              nightjar-authority audit --url https://alice.example.org
            """,
        version: AuthorityVersion.text,
        subcommands: [
            Identity.self, DraftNetwork.self, SignNetwork.self, ShowNetwork.self, Init.self, Certify.self,
            Certificate.self, CheckConfig.self, Run.self, Status.self, Export.self, Audit.self, Evidence.self,
            Skip.self,
            Vote.self, Import.self, Propose.self, Tally.self, Sign.self, Assemble.self, Publish.self, Fetch.self,
        ])

    static func main() async {
        await CommandRunner.run(Self.self)
    }
}
