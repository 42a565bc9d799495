internal import Messages
internal import MixCrypto
internal import WireFormat

/// A mailbox at a node that is ours: whoever holds its key can empty it.
struct OwnMailbox: Sendable {
    /// What its owner calls it.
    let name: String
    /// The network that the node belongs to.
    let network: String
    let node: NodeID
    /// The node's nickname when the mailbox was made.
    let nodeName: String
    /// The hash of its key.
    let id: MailboxID
    let created: Timestamp
    /// What its node is to let in.
    private(set) var policy: MailboxPolicy
    /// Whether the node has to be told the policy yet.
    private(set) var policyChanged: Bool
    let seed: LockedSecret

    init(
        name: String, network: String, node: NodeID, nodeName: String, seed: LockedSecret, policy: MailboxPolicy,
        created: Timestamp, policyChanged: Bool
    ) throws {
        self.name = name
        self.network = network
        self.node = node
        self.nodeName = nodeName
        self.seed = seed
        self.policy = policy
        self.created = created
        self.policyChanged = policyChanged
        id = try SigningKey(seed: seed.bytes.copy()).verificationKey.mailboxID
    }

    /// A new mailbox with a key of its own, which its node does not know yet.
    static func new(
        name: String, network: String, node: NodeID, nodeName: String, introducedOnly: Bool = false, at now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) throws -> OwnMailbox {
        try OwnMailbox(
            name: name, network: network, node: node, nodeName: nodeName, seed: .random(),
            policy: MailboxPolicy(introducedOnly: introducedOnly, replyToken: .random(using: &generator)),
            created: now, policyChanged: true)
    }

    /// The key that signs requests.
    func signingKey() throws -> SigningKey { try SigningKey(seed: seed.bytes.copy()) }

    /// Changes the policy; the node is told with the next request.
    mutating func changePolicy(_ change: (inout MailboxPolicy) -> Void) {
        let old = policy
        change(&policy)
        if policy != old { policyChanged = true }
    }

    /// Notes that the node has this policy.
    mutating func noteSent(_ sent: MailboxPolicy) { if sent == policy { policyChanged = false } }

    /// `box:ID@NODE`.
    var address: Address {
        get throws(AddressError) { try Address("box:\(id.hex)@\(nodeName)") }
    }

    /// Where reply blocks that end here take the answer.
    var replyTarget: ReplyTarget? {
        (try? address).flatMap { ReplyTarget(address: $0, token: policy.replyToken) }
    }
}
