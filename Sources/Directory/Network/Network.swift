// The network as its users see it: who may be trusted with what (the network file), what the authorities agreed on last (the
// consensus), and what the nodes say of themselves (their descriptors).

public import WireFormat

/// What paths are chosen from.
public struct Network: Sendable {
    public let root: NetworkFile
    /// Nil while none has been seen.
    public let consensus: CertifiedConsensus?
    public let parameters: NetworkParameters
    /// Descriptors of the nodes that the consensus lists, ascending by id; without those in `missing`.
    public let nodes: [Descriptor]
    /// Digests of descriptors that the consensus names and that are not here.
    public let missing: [Digest]
    private let standings: [NodeID: ConsensusNode]
    private let broken: Set<NodeLink>

    /// A network of which nothing is known but its network file.
    public init(root: NetworkFile) {
        self.root = root
        consensus = nil
        parameters = NetworkParameters(root: root.parameters)
        nodes = []
        missing = []
        standings = [:]
        broken = []
    }

    /// - Parameter descriptors: in any order; those that the consensus does not name, or with addresses that this network
    ///   does not allow, are left out.
    public init(root: NetworkFile, consensus: CertifiedConsensus, descriptors: [Descriptor]) {
        self.root = root
        self.consensus = consensus
        parameters = consensus.consensus.parameters
        standings = Dictionary(
            consensus.consensus.nodes.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        broken = Set(consensus.consensus.brokenLinks)
        let byDigest = Dictionary(descriptors.map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first })
        var nodes: [Descriptor] = []
        var missing: [Digest] = []
        for entry in consensus.consensus.nodes {
            guard let descriptor = byDigest[entry.descriptor] else {
                missing.append(entry.descriptor)
                continue
            }
            guard descriptor.id == entry.id, descriptor.fields.nickname == entry.nickname,
                descriptor.fields.network == root.name,
                root.isTest || descriptor.fields.addresses.allSatisfy(\.isPublic)
            else { continue }
            nodes.append(descriptor)
        }
        self.nodes = nodes
        self.missing = missing
    }

    public var name: String { root.name }
    public var isTest: Bool { root.isTest }
    /// Slot of the consensus; 0 while there is none.
    public var height: UInt64 { consensus?.slot.number ?? 0 }
    /// When the consensus was made; of the network file while there is none.
    public var published: Timestamp { consensus?.consensus.published ?? root.published }
    /// Until when the consensus is fresh.
    public var freshUntil: Timestamp { consensus?.consensus.freshUntil ?? root.published }
    /// Until when the consensus can be used.
    public var validUntil: Timestamp { consensus?.consensus.validUntil ?? root.published }

    /// What the consensus says of a node; nil if it does not list it.
    public func standing(of node: NodeID) -> ConsensusNode? { standings[node] }

    /// Whether packets between two nodes are known to get lost.
    public func isBroken(from: NodeID, to: NodeID) -> Bool { broken.contains(NodeLink(from: from, to: to)) }

    /// The node whose nickname (without case) or id (hexadecimal, at least 8 digits) is `name`.
    public func node(named name: String) -> Descriptor? {
        let folded = name.lowercased()
        guard Nickname.isID(folded) else { return nodes.first { $0.fields.nickname.folded == folded } }
        let found = nodes.filter { $0.id.hex.hasPrefix(folded) }
        return found.count == 1 ? found[0] : nil
    }

    /// The node with this id.
    public func node(_ id: NodeID) -> Descriptor? {
        standings[id] == nil ? nil : nodes.first { $0.id == id }
    }
}
