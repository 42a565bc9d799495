import ArgumentParser
import ClientProgram
import Daemon

struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Let a mail program send and receive.",
        discussion: """
            A mail program of this machine submits mail to 127.0.0.1, port 10587, with STARTTLS and a password. Its From says \
            how it is sent: anonymous@nightjar.invalid is nobody, the address of a nym is that nym, and nothing else is \
            possible. What comes goes into a Maildir, with a folder for each nym, that Dovecot can serve by IMAP. \
            doc/GATEWAY.md says how mail programs are set up, and what they would tell about you.

            Examples:
              nightjar gateway init
              nightjar gateway
              nightjar gateway status
            """,
        subcommands: [GatewayInit.self, GatewayRun.self, GatewayStatusCommand.self], defaultSubcommand: GatewayRun.self)
}

struct GatewayInit: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the password, the certificate and the Maildir.",
        discussion: """
            The password is shown once; only its hash is kept. Compare the certificate's fingerprint with the one that your \
            mail program shows when it asks. What is there already stays, unless an option says otherwise.

            Examples:
              nightjar gateway init
              nightjar gateway init --new-password
            """)

    @Flag(help: "Make a new password; the old one is no longer taken once the gateway is started again.")
    var newPassword = false
    @Flag(help: "Make a new certificate; mail programs will ask about it.")
    var newCertificate = false
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        var request = GatewayInitRequest()
        request.newPassword = newPassword
        request.newCertificate = newCertificate
        request.json = json.json
        try home.client().initGateway(request)
    }
}

struct GatewayRun: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Serve mail programs; the same as `nightjar gateway` alone.",
        discussion: """
            It also does what `nightjar run` does, unless that runs already. It stops at SIGTERM or ctrl-c. Addresses and \
            what From may be are set in client.toml, under [gateway].

            Examples:
              nightjar gateway
              nightjar gateway run --network example
              systemctl --user enable --now nightjar-gateway
            """)

    @Flag(
        name: .customLong("no-run"), help: "Only take and hand out mail; leave sending and polling to `nightjar run`.")
    var noRun = false
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        let signals = SignalSet()
        let (home, stale) = (home.home, network.stale)
        let remake: @Sendable () throws -> Client = {
            var client = try Client(home: home, environment: ClientProcess.environment, isQuiet: true)
            client.allowsStale = stale
            return client
        }
        try await remake().serveGateway(
            network: network.network, passphrase: passphrase.source, runs: !noRun, signals: signals, remake: remake)
    }
}

struct GatewayStatusCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell how the gateway stands, and what From may be.",
        discussion: """
            The exit code is 0 if it runs and 1 if it does not.

            Examples:
              nightjar gateway status
              nightjar gateway status --json
            """)
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().showGatewayStatus(json: json.json, passphrase: passphrase.source)
    }
}
