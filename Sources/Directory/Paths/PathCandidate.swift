internal import WireFormat

/// A usable node with what paths are chosen by, looked up once. A class, because drawing moves many of them about.
final class PathCandidate: Sendable {
    let node: Descriptor
    /// At least 1.
    let weight: Int
    let flags: Set<NodeFlag>
    /// Places in which no two hops may be (`NodeAddress.network`).
    let networks: Set<[UInt8]>
    let family: Set<NodeID>
    /// Whether it sends packets on: else it can only be the last.
    let isRelay: Bool

    var id: NodeID { node.id }
    var name: String { node.fields.nickname.text }

    init(_ node: Descriptor, in network: Network) {
        self.node = node
        let standing = network.standing(of: node.id)
        weight = max(1, standing?.weight ?? 1)
        flags = standing?.flags ?? []
        // A test network lives on one machine.
        networks = network.isTest ? [] : Set(node.fields.addresses.compactMap(\.network))
        family = Set(node.fields.family)
        isRelay = node.can(Capability.Name.relay)
    }

    /// Why two nodes cannot stand in one path, named in the given order.
    func conflict(with other: PathCandidate) -> PathError? {
        if id == other.id { return .repeated(name) }
        // Families must be declared by both, else anybody could exclude anybody.
        if family.contains(other.id), other.family.contains(id) { return .sameFamily(name, other.name) }
        return networks.isDisjoint(with: other.networks) ? nil : .sameNetwork(name, other.name)
    }
}
