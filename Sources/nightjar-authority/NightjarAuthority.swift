import ArgumentParser
import AuthorityProgram
import CommandLineEntry

@main
struct NightjarAuthority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-authority",
        abstract: "An authority of a Nightjar network: votes on nodes, signs the consensus.",
        version: AuthorityVersion.text)

    static func main() async {
        await CommandRunner.run(Self.self)
    }
}
