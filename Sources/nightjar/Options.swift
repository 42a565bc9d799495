import ArgumentParser
import ClientProgram
import WireFormat

/// What every command that uses networks or queues takes.
struct HomeOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "One directory for configuration, networks and queues, instead of NIGHTJAR_HOME or the usual places.",
            valueName: "directory"))
    var home: String?

    /// The client that the options and the environment ask for.
    func client(isQuiet: Bool = false) throws -> Client {
        try Client(home: home, environment: ClientProcess.environment, isQuiet: isQuiet)
    }

    /// The client for a command that uses a network: what is to be known of the network is told, and what is far too old is
    /// fetched first.
    func client(using network: NetworkOption, isQuiet: Bool = false) async throws -> Client {
        var client = try client(isQuiet: isQuiet)
        client.allowsStale = network.stale
        await client.prepareNetwork(network.network)
        return client
    }
}

/// Which network.
struct NetworkOption: ParsableArguments {
    @Option(help: ArgumentHelp("The network to use, where several are installed.", valueName: "name"))
    var network: String?
    @Flag(
        help:
            "Use what is known of the network even if it has expired. Dangerous: it can be what somebody chose for you."
    )
    var stale = false
}

/// JSON instead of text.
struct JSONOption: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false
}

/// A length of time on the command line: `90s`, `10m`, `2d`, or a number of seconds.
struct Duration: ExpressibleByArgument {
    let interval: Interval

    init?(argument: String) {
        guard let interval = ClientArgument.interval(argument) else { return nil }
        self.interval = interval
    }
}
