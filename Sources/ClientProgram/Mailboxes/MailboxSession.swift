// Asking a node about one mailbox over one connection: requests are signed here, answers read. Every request and every answer
// has one size.

internal import Daemon
internal import Directory
internal import MMTP
internal import Messages
internal import MixCrypto
internal import NIOCore
internal import NIOPosix
internal import WireFormat

/// A connection to the node of a mailbox.
struct MailboxSession {
    private let connection: MMTPConnection
    private let group: MultiThreadedEventLoopGroup
    private let node: Descriptor
    private let key: SigningKey
    private let clock: @Sendable () -> Timestamp

    /// Connects.
    /// - Throws: `MailboxError`.
    static func open(_ box: OwnMailbox, network: Network, client: Client) async throws -> MailboxSession {
        guard let node = network.node(box.node) else { throw MailboxError.nodeGone(Printable.text(box.nodeName)) }
        return try await open(node, key: box.signingKey(), client: client)
    }

    static func open(_ node: Descriptor, key: SigningKey, client: Client) async throws -> MailboxSession {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = DialerConfiguration()
        configuration.connectTimeout = client.config.connectTimeout
        configuration.handshakeTimeout = client.config.connectTimeout
        do {
            let dialer = try MMTPDialer(configuration: configuration, group: group, clock: ScaledClock.systemTime)
            let addresses = node.fields.addresses.map { LinkAddress(host: $0.host, port: Int($0.port)) }
            let connection = try await dialer.connect(to: node.id, at: addresses)
            return MailboxSession(
                connection: connection, group: group, node: node, key: key,
                clock: { [clock = client.time.clock] in clock.now() })
        } catch {
            try? await group.shutdownGracefully()
            guard let failure = error as? DialFailure else { throw error }
            throw MailboxError.unanswered(node: node.name, failure.description)
        }
    }

    /// Ends the connection.
    func close() async {
        connection.finish()
        _ = await connection.waitUntilEnded()
        try? await group.shutdownGracefully()
    }

    /// Asks for something; what the node says to it.
    /// - Throws: `MailboxError`, also when the node refuses.
    func ask(_ operation: MailboxRequest.Operation) async throws -> MailboxBlock {
        var generator = SystemRandomNumberGenerator()
        let body = try MailboxRequest.signed(operation, node: node.id, key: key, at: clock(), using: &generator)
        let answer: (answer: Answer, block: [UInt8])
        do throws(DialFailure) {
            answer = try await connection.ask(.fetch, body: body)
        } catch {
            throw MailboxError.unanswered(node: node.name, error.description)
        }
        if case .rejected(let reason) = answer.answer {
            guard reason.meansRetry else { throw MailboxError.refused(node: node.name, .noMailboxesHere) }
            throw MailboxError.unanswered(node: node.name, "it is busy; try again later")
        }
        guard let block = try? MailboxBlock(decoding: answer.block) else {
            throw MailboxError.malformedAnswer(node: node.name)
        }
        if case .refused(let reason) = block { throw MailboxError.refused(node: node.name, reason) }
        return block
    }

    /// Asks for something that is answered with nothing but the mailbox's status.
    func change(_ operation: MailboxRequest.Operation) async throws -> MailboxStatus {
        guard case .done(let status) = try await ask(operation) else {
            throw MailboxError.malformedAnswer(node: node.name)
        }
        return status
    }
}

extension Descriptor {
    /// Its nickname, for messages.
    var name: String { "\(fields.nickname)" }
}
