// Descriptors against what the consensus lists.

public import Directory
internal import WireFormat

/// Why a node that the consensus lists is not used, though there is a descriptor of it.
public struct RefusedDescriptor: Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// The nickname or the identity is another than the consensus says.
        case otherNode
        /// Cannot be reached from outside, and the network is no test network.
        case privateAddress(String)
    }
    public let nickname: Nickname
    public let reason: Reason

    public var description: String {
        switch reason {
        case .otherNode: "node \(nickname) is not used: its descriptor is that of another node"
        case .privateAddress(let address):
            "node \(nickname) is not used: it has the address \(address), which cannot be reached from outside"
        }
    }
}

/// The descriptors of a consensus.
struct ListedDescriptors: Sendable {
    /// Those that can be used, in the order of the consensus.
    private(set) var usable: [Descriptor] = []
    private(set) var refused: [RefusedDescriptor] = []
    /// Digests of those that are not there.
    private(set) var missing: [Digest] = []

    /// - Parameter known: by digest, each signed by its node.
    init(_ consensus: Consensus, root: NetworkFile, known: [Digest: Descriptor]) {
        for node in consensus.nodes {
            guard let descriptor = known[node.descriptor] else {
                missing.append(node.descriptor)
                continue
            }
            if descriptor.id != node.id || descriptor.fields.nickname != node.nickname {
                refused.append(RefusedDescriptor(nickname: node.nickname, reason: .otherNode))
            } else if !root.isTest, let address = descriptor.fields.addresses.first(where: { !$0.isPublic }) {
                let reason = RefusedDescriptor.Reason.privateAddress(address.description)
                refused.append(RefusedDescriptor(nickname: node.nickname, reason: reason))
            } else {
                usable.append(descriptor)
            }
        }
    }

    /// Reads descriptors as they came: those that are well-formed, signed by their node for this network, and wanted.
    static func verified(
        _ documents: some Sequence<some Collection<UInt8>>, network: String, wanted: Set<Digest>
    ) -> [Digest: Descriptor] {
        var found: [Digest: Descriptor] = [:]
        for bytes in documents where found.count < wanted.count {
            guard let descriptor = try? UnverifiedDescriptor(Array(bytes)).verify(network: network),
                wanted.contains(descriptor.digest)
            else { continue }
            found[descriptor.digest] = descriptor
        }
        return found
    }
}
