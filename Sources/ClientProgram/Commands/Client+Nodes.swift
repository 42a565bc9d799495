// `nightjar nodes` and `nightjar path`.

internal import Daemon
internal import Directory
internal import WireFormat

/// A node as JSON.
private struct NodeReport: Encodable {
    var nickname: String
    var id: String
    var addresses: [String]
    var capabilities: [String]
    var periods: [UInt16]
    /// Whether it has a key for packets that are made now.
    var hasCurrentKey: Bool
    /// Whether paths may use it now.
    var isUsable: Bool
    /// What the authorities say of it, sorted.
    var flags: [String]
    /// How often it is to be chosen, against others: 1 to 100.
    var weight: Int
    /// Share of packets that it passes on, in thousandths; nil if it is not measured.
    var reliability: Int?
    /// Seconds that it adds to a packet's way; nil if it is not measured.
    var latency: Int64?
    /// Ids of nodes to which packets from it get lost.
    var brokenLinksTo: [String]
    var published: String
    var validUntil: String
    var mixing: String
    var weaknesses: [String]
    var family: [String]
    var contact: String
    var software: String
    private var text: MeasuredText

    private enum CodingKeys: CodingKey {
        case nickname, id, addresses, capabilities, periods, hasCurrentKey, isUsable, flags, weight, reliability,
            latency
        case brokenLinksTo, published, validUntil, mixing, weaknesses, family, contact, software
    }

    init(_ node: Descriptor, network: Network, now: Timestamp) {
        let fields = node.fields
        let period = network.parameters.calendar.period(at: now)
        nickname = fields.nickname.text
        id = node.id.hex
        addresses = fields.addresses.map(\.description)
        capabilities = fields.capabilities.map(\.text)
        periods = fields.keys.keys.sorted().map(\.number)
        hasCurrentKey = period.map { fields.keys[$0] != nil } ?? false
        let standing = network.standing(of: node.id)
        isUsable =
            hasCurrentKey && fields.validUntil > now && standing?.flags.contains(.running) == true
            && standing?.flags.contains(.bad) == false
        flags = (standing?.flags ?? []).map(\.rawValue).sorted()
        weight = standing?.weight ?? 0
        reliability = standing?.reliability
        latency = standing?.latency.map { $0.milliseconds / 1000 }
        text = MeasuredText(standing: standing)
        brokenLinksTo = (network.consensus?.consensus.brokenLinks ?? []).filter { $0.from == node.id }.map(\.to.hex)
        published = fields.published.description
        validUntil = fields.validUntil.description
        mixing = fields.mixing.joined(separator: " ")
        weaknesses = fields.weaknesses
        family = fields.family.map(\.hex)
        contact = fields.contact
        software = fields.software
    }
}

extension NodeReport {
    var measured: String { text.summary }

    /// What can be asked for by name, as one line of text each.
    static let features: [(name: String, text: @Sendable (NodeReport) -> String)] = [
        ("nickname", { $0.nickname }),
        ("id", { $0.id }),
        ("addresses", { $0.addresses.joined(separator: ",") }),
        ("capabilities", { $0.capabilities.joined(separator: ",") }),
        ("periods", { $0.periods.map(String.init).joined(separator: ",") }),
        ("usable", { $0.isUsable ? "yes" : "no" }),
        ("flags", { $0.flags.joined(separator: ",") }),
        ("weight", { String($0.weight) }),
        ("reliability", { $0.text.reliability ?? "-" }),
        ("latency", { $0.text.latency ?? "-" }),
        ("published", { $0.published }),
        ("valid-until", { $0.validUntil }),
        ("mixing", { $0.mixing }),
        ("weaknesses", { $0.weaknesses.joined(separator: ",") }),
        ("family", { $0.family.joined(separator: ",") }),
        ("contact", { $0.contact }),
        ("software", { $0.software }),
    ]
}

/// Which nodes, and what of them.
public struct NodeSelection: Sendable {
    /// Names of capabilities, all of which a node must have.
    public var capabilities: [String] = []
    /// Only nodes that paths may use now.
    public var usableOnly = false
    /// What to print of each node, in this order with tabs between; nil for a table for people.
    public var features: [String]?

    public init() {}
}

extension Capability {
    /// `exit-smtp`, with its limits as in the descriptor.
    fileprivate var text: String { ([name] + limits.map { "\($0.key)=\($0.value)" }).joined(separator: " ") }
}

extension Client {
    /// Shows the nodes of a network.
    public func listNodes(
        _ selection: NodeSelection = NodeSelection(), network name: String?, json: Bool
    ) throws {
        let columns = try selection.features.map(Self.columns)
        let network = try network(name)
        let now = time.clock.now()
        let nodes = network.nodes.filter { node in selection.capabilities.allSatisfy { node.can($0) } }
            .map { NodeReport($0, network: network, now: now) }
            .filter { $0.isUsable || !selection.usableOnly }
            .sorted { $0.nickname < $1.nickname }
        if json {
            try terminal.print(JSONText.encode(nodes))
            return
        }
        if let columns {
            for node in nodes {
                try terminal.print(columns.map { Printable.line($0(node)) }.joined(separator: "\t"))
            }
            return
        }
        guard !nodes.isEmpty else {
            note("no node of the network \(network.name) is such")
            return
        }
        var table = TextTable([
            "NODE", "ID", "FLAGS", "WEIGHT", "MEASURED", "ADDRESSES", "CAPABILITIES", "KEYS", "VALID UNTIL",
        ])
        for node in nodes {
            let periods = node.periods.map(String.init)
            let keys = (periods.count > 1 ? "\(periods[0])-\(periods[periods.count - 1])" : periods.first ?? "none")
            table.add([
                node.nickname, String(node.id.prefix(8)), node.flags.joined(separator: ","), String(node.weight),
                node.measured, node.addresses.joined(separator: ","),
                node.capabilities.joined(separator: ", "), node.hasCurrentKey ? keys : "\(keys), none for now",
                node.isUsable || node.validUntil > now.description ? node.validUntil : "\(node.validUntil), expired",
            ])
        }
        for line in table.lines { try terminal.print(Printable.line(line)) }
        if nodes.contains(where: { !$0.isUsable }) {
            note("some nodes cannot be used now; see `nightjar network update`, or check this machine's clock (\(now))")
        }
    }

    private static func columns(_ names: [String]) throws(CommandFailure) -> [@Sendable (NodeReport) -> String] {
        var columns: [@Sendable (NodeReport) -> String] = []
        for name in names {
            guard let feature = NodeReport.features.first(where: { $0.name == name }) else {
                throw CommandFailure(
                    "there is no feature \(Printable.text(name)); there are "
                        + NodeReport.features.map(\.name).joined(separator: ", "), code: .usage)
            }
            columns.append(feature.text)
        }
        return columns
    }

    /// Shows a path that a packet could take, in the form that `--path` takes.
    /// - Parameter recipient: an address that the path's end must deliver to.
    public func showPath(_ specification: String?, to recipient: String?, network name: String?, json: Bool) throws {
        struct Hop: Encodable {
            var nickname: String
            var id: String
        }
        let network = try network(name)
        var options = options(in: network)
        if let specification { options.path = try PathSpecification(specification) }
        let planner = PacketPlanner(network: network, options: options, now: time.clock.now())
        let errand = try recipient.flatMap { try planner.errands([resolve($0).address]).first }
        var generator = SystemRandomNumberGenerator()
        let path = try planner.path(for: errand, using: &generator)
        if json {
            try terminal.print(JSONText.encode(path.map { Hop(nickname: $0.fields.nickname.text, id: $0.id.hex) }))
        } else {
            try terminal.print(path.map(\.fields.nickname.text).joined(separator: ","))
        }
    }
}
