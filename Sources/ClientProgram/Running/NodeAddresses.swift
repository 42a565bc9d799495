internal import Directory
internal import MMTP
internal import Synchronization
internal import WireFormat

/// Where the nodes of a network are, as its newest file says.
final class NodeAddresses: Sendable {
    private let addresses: Mutex<[NodeID: [LinkAddress]]>

    init(_ network: Network) { addresses = Mutex(Self.read(network)) }

    /// Takes a newer file.
    /// - Returns: nodes whose addresses are others now.
    func update(_ network: Network) -> [NodeID] {
        let fresh = Self.read(network)
        return addresses.withLock { old in
            defer { old = fresh }
            return Set(old.keys).union(fresh.keys).filter { old[$0] != fresh[$0] }
        }
    }

    subscript(_ node: NodeID) -> [LinkAddress] { addresses.withLock { $0[node] ?? [] } }

    private static func read(_ network: Network) -> [NodeID: [LinkAddress]] {
        Dictionary(
            network.nodes.map { node in
                (node.id, node.fields.addresses.map { LinkAddress(host: $0.host, port: Int($0.port)) })
            }, uniquingKeysWith: { first, _ in first })
    }
}
