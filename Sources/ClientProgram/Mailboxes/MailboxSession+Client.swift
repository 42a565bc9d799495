// A client's way to the nodes of its mailboxes.

internal import Daemon
internal import Directory
internal import Mailboxes
internal import MixCrypto

extension MailboxSession {
    /// Connects to the node of `box`.
    /// - Throws: `MailboxError`, `MailboxChoiceError`.
    static func open(_ box: OwnMailbox, network: Network, client: Client) async throws -> MailboxSession {
        guard let node = network.node(box.node) else { throw MailboxChoiceError.nodeGone(Printable.text(box.nodeName)) }
        return try await open(node, key: box.signingKey(), client: client)
    }

    static func open(_ node: Descriptor, key: SigningKey, client: Client) async throws -> MailboxSession {
        try await open(
            node, key: key, connectTimeout: client.config.connectTimeout,
            clock: { [clock = client.time.clock] in clock.now() })
    }
}

extension Descriptor {
    /// Its nickname, for messages.
    var name: String { "\(fields.nickname)" }
}
