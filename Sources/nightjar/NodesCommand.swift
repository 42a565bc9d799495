import ArgumentParser
import ClientProgram

struct Nodes: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodes",
        abstract: "Show the nodes of the network.",
        discussion: """
            MEASURED is what pingers found: how many packets of a hundred a node passes on, and what it adds to their \
            journey. An unreliable node is used only if there is no path without it; of an unmeasured one nothing is known.

            Examples:
              nightjar nodes
              nightjar nodes --capability exit-smtp --usable
              nightjar nodes --features nickname,id,capabilities
              nightjar nodes --links
              nightjar nodes --json
            """)

    @Option(
        help: ArgumentHelp(
            "Only nodes with this capability, such as exit-smtp, exit-mbox or mailbox; may be repeated.",
            valueName: "name"))
    var capability: [String] = []
    @Flag(help: "Only nodes that paths may use now.")
    var usable = false
    @Option(
        help: ArgumentHelp(
            "Print these of each node, with tabs between: nickname, id, addresses, capabilities, periods, usable, flags, "
                + "weight, reliability, latency, published, valid-until, mixing, weaknesses, family, contact, software.",
            valueName: "names"))
    var features: String?
    @Flag(help: "Show the links between nodes on which packets get lost at present; no path crosses them.")
    var links = false
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func validate() throws {
        guard !links || capability.isEmpty && !usable && features == nil else {
            throw ValidationError("--links shows links, not nodes: leave out --capability, --usable and --features")
        }
    }

    func perform() async throws {
        guard !links else {
            return try await home.client(using: network).listBrokenLinks(network: network.network, json: json.json)
        }
        var selection = NodeSelection()
        selection.capabilities = capability
        selection.usableOnly = usable
        selection.features = features.map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        try await home.client(using: network).listNodes(selection, network: network.network, json: json.json)
    }
}

struct Path: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "path",
        abstract: "Show a random path that would be chosen, or what stands in its way.",
        discussion: """
            A path is written as elements with commas between: a node's name, ? for one random node, *N for N random \
            nodes, * for as many as fill the path up, ~N for about N, {A|B|C} for one of these. The path of a reply ends at \
            the node where the packet changes over into the reply block's own path.

            Examples:
              nightjar path
              nightjar path '*,alpha'
              nightjar path 'beta,*3,{alpha|gamma}' --to alice@example.org
            """)

    @Argument(help: "What the path must be.")
    var spec: String?
    @Option(help: ArgumentHelp("An address that the path's end must deliver to.", valueName: "address"))
    var to: String?
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try await home.client(using: network).showPath(spec, to: to, network: network.network, json: json.json)
    }
}
