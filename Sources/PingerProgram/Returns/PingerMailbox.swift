// A mailbox of the pinger's own at a node. It follows from the pinger's identity and the node's id, so nothing of it is stored.

internal import Directory
internal import Messages
internal import MixCrypto
internal import WireFormat

/// A mailbox at a node.
struct PingerMailbox: Sendable {
    let node: NodeID
    let key: SigningKey
    let address: Address
    let policy: MailboxPolicy

    init(at node: Descriptor, identity: PingerIdentity) throws {
        self.node = node.id
        key = try identity.mailboxKey(at: node.id)
        address = try Address("box:\(key.verificationKey.mailboxID.hex)@\(node.fields.nickname)")
        policy = MailboxPolicy(replyToken: identity.replyToken(at: node.id))
    }

    /// The nodes at which the pinger keeps mailboxes: all that offer them; if these are more than `limit`, an own choice that
    /// stays the same.
    static func nodes(in network: Network, limit: Int, identity: PingerIdentity) -> [Descriptor] {
        let offering = network.nodes.filter { node in
            node.fields.capabilities.contains { $0.name == Capability.Name.mailbox }
        }
        guard offering.count > limit else { return offering }
        return offering.map { (node: $0, rank: identity.replyToken(at: $0.id)) }
            .sorted { $0.rank < $1.rank }.prefix(limit).map(\.node)
    }
}
