import ArgumentParser
import ClientProgram

struct Sent: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "sent",
        abstract: "Show how the messages stand that were sent.",
        discussion: """
            A status is one of: recorded (`nightjar run` makes its packets), waiting (in the queue), under way, incomplete \
            (the exit lacks parts), queued (at the exit), delivered, deferred (tried again), refused, declined, expired, \
            unknown (nothing was heard in time), not sent (no packet could be made in time); handed over, if no receipt was \
            asked for.

            Examples:
              nightjar sent
              nightjar sent 5f3c
              nightjar sent --update
              nightjar sent --forget 5f3c 91ab
              nightjar sent --forget --older-than 7d
            """)

    @Argument(help: ArgumentHelp("Ids, or their beginnings; without one all messages.", valueName: "id"))
    var ids: [String] = []
    @Flag(help: "Send again what is due, for messages of `send --reliable`, while `nightjar run` does not run.")
    var update = false
    @Flag(help: "Forget these messages.")
    var forget = false
    @Option(help: ArgumentHelp("Only messages made so long ago, such as 7d.", valueName: "time"))
    var olderThan: Duration?
    @Option(help: ArgumentHelp("How long an update tries to hand packets over, such as 60s.", valueName: "time"))
    var timeout: Duration?
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        var request = SentRequest()
        request.ids = ids
        request.updates = update
        request.forgets = forget
        request.olderThan = olderThan?.interval
        request.timeout = timeout?.interval
        request.network = network.network
        request.json = json.json
        request.passphrase = try passphrase.source
        try await home.client(using: network, isQuiet: quiet).sent(request)
    }
}
