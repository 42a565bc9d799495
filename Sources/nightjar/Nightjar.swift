// The command line of the client. What the commands do is in ClientProgram.

import ArgumentParser
import ClientProgram
import CommandLineEntry

@main
struct Nightjar: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar",
        abstract: "Sends mail through an anonymous remailer network.",
        discussion: """
            Examples:
              nightjar network add example.network
              nightjar send --to alice@example.org < mail.eml
              nightjar nodes

            Exit codes: 0 done, 1 failed, 2 usage, 3 temporary (try again), 4 refused by policy.
            Completions: nightjar --generate-completion-script bash|zsh|fish
            """,
        version: ClientVersion.text,
        subcommands: [
            Send.self, Sent.self, Reply.self, CountPackets.self, Decode.self, Receive.self, Mailbox.self, Nym.self,
            Fragments.self, Run.self,
            Status.self, GatewayCommand.self, Nodes.self, Path.self, Queue.self, Surb.self, Key.self, ContactCommand.self,
            KeyringCommand.self, Network.self, CheckConfig.self, Packet.self,
            TestVectorsCommand.self,
        ])

    static func main() async { await CommandRunner.run(Self.self) }
}

/// A command that works: its errors are turned into words and one of the exit codes.
protocol ClientCommand: AsyncParsableCommand {
    func perform() async throws
}

extension ClientCommand {
    func run() async throws {
        do {
            try ClientProcess.prepare()
            try await perform()
        } catch {
            throw ClientProcess.failure(error)
        }
    }
}
