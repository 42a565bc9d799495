import ArgumentParser
import ClientProgram
import Daemon

struct Run: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Send and receive in the background.",
        discussion: """
            Sends one packet at random times, 20 s apart on average: one of yours if any waits, else one that carries \
            nothing. Whoever watches the line sees the same either way. Polls mailboxes and does what else is to be done \
            at random times too, none of which depends on what you do. While it runs, `nightjar send` leaves packets to it.

            It stops at SIGTERM or ctrl-c, and reads client.toml again at SIGHUP. Times are set there, under [run].

            Examples:
              nightjar run
              nightjar run --network example
              systemctl --user enable --now nightjar
              nightjar status
            """)

    @Flag(help: "Only tell how the `nightjar run` that is running stands; the same as `nightjar status`.")
    var status = false
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        if status { return try home.client().showRunStatus(json: json.json) }
        let signals = SignalSet()
        let (home, stale) = (home.home, network.stale)
        let remake: @Sendable () throws -> Client = {
            var client = try Client(home: home, environment: ClientProcess.environment)
            client.allowsStale = stale
            return client
        }
        try await remake().runInBackground(
            network: network.network, passphrase: passphrase.source, signals: signals, remake: remake)
    }
}

struct Status: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell how `nightjar run` stands.",
        discussion: """
            Shows since when it runs, the networks it serves, about how many packets wait and what you should know. \
            Counts are rounded up and times are of whole minutes. The exit code is 0 if it runs and 1 if it does not.

            Examples:
              nightjar status
              nightjar status --json
            """)
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().showRunStatus(json: json.json) }
}
