internal import Directory
internal import WireFormat

/// What nodes of the newest consensus announce that are not in this register: the other authorities took them.
struct ListedNymDomains: Sendable {
    private var listed: [NodeID: Descriptor] = [:]

    /// Takes over a consensus.
    /// - Parameters:
    ///   - entries: the register.
    ///   - read: a stored document; nil if it is not here yet.
    mutating func note(
        _ consensus: Consensus, besides entries: [NodeID: NodeRegistry.Entry], read: (Digest) -> [UInt8]?
    ) {
        let old = listed
        listed = [:]
        for node in consensus.nodes where entries[node.id] == nil {
            if let known = old[node.id], known.digest == node.descriptor {
                listed[node.id] = known
            } else if let bytes = read(node.descriptor),
                let found = try? UnverifiedDescriptor(bytes).verify(network: consensus.networkName)
            {
                listed[node.id] = found
            }
        }
    }

    /// Those that count beside the register: what it has of a node is newer.
    func descriptors(besides entries: [NodeID: NodeRegistry.Entry], at time: Timestamp) -> [Descriptor] {
        listed.values.filter { entries[$0.id] == nil && time < $0.fields.validUntil && !$0.fields.isLeaving }
    }
}
