// Which nodes may be together in one path, for programs that choose paths by other rules than `PathSelector`.

public import WireFormat

/// What must not be in a path, whoever chooses it: two nodes of one family, or of one network (IPv4 /16, IPv6 /32; test
/// networks live on one machine, so not there).
public struct PathRules: Sendable {
    private let candidates: [NodeID: PathCandidate]

    public init(network: Network) {
        candidates = Dictionary(
            network.nodes.map { ($0.id, PathCandidate($0, in: network)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether two nodes may stand in one path. False for a node and itself, and for nodes that the network does not have.
    public func areCompatible(_ one: NodeID, _ other: NodeID) -> Bool {
        guard let one = candidates[one], let other = candidates[other] else { return false }
        return one.conflict(with: other) == nil
    }
}
