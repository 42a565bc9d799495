// Asking a node about one mailbox over one connection: requests are signed here, answers read. Every request and every answer
// has one size.

internal import Daemon
public import Directory
internal import MMTP
public import Messages
public import MixCrypto
internal import NIOCore
internal import NIOPosix
public import WireFormat

/// What a poll asks and what it brings in; `MailboxSession` in the programs.
public protocol MailboxAsking {
    /// Asks for something; what the node says to it.
    func ask(_ operation: MailboxRequest.Operation) async throws -> MailboxBlock
}

/// A connection to the node of a mailbox.
public struct MailboxSession: MailboxAsking, Sendable {
    private let connection: MMTPConnection
    private let group: MultiThreadedEventLoopGroup
    private let node: Descriptor
    private let key: SigningKey
    private let clock: @Sendable () -> Timestamp

    /// Connects.
    /// - Parameters:
    ///   - key: the mailbox's, which signs the requests.
    ///   - connectTimeout: real time for the connection, and as much again for the handshake.
    ///   - clock: the network's, for the time in the requests.
    /// - Throws: `MailboxError.unanswered`.
    public static func open(
        _ node: Descriptor, key: SigningKey, connectTimeout: Interval, clock: @escaping @Sendable () -> Timestamp
    ) async throws -> MailboxSession {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = DialerConfiguration()
        configuration.connectTimeout = connectTimeout
        configuration.handshakeTimeout = connectTimeout
        do {
            let dialer = try MMTPDialer(configuration: configuration, group: group, clock: ScaledClock.systemTime)
            let addresses = node.fields.addresses.map { LinkAddress(host: $0.host, port: Int($0.port)) }
            let connection = try await dialer.connect(to: node.id, at: addresses)
            return MailboxSession(connection: connection, group: group, node: node, key: key, clock: clock)
        } catch {
            try? await group.shutdownGracefully()
            guard let failure = error as? DialFailure else { throw error }
            throw MailboxError.unanswered(node: "\(node.fields.nickname)", failure.description)
        }
    }

    /// Ends the connection.
    public func close() async {
        connection.finish()
        _ = await connection.waitUntilEnded()
        try? await group.shutdownGracefully()
    }

    /// Ends the connection at once: what is being asked fails. `close` is to be called all the same.
    public func abort() { connection.close() }

    /// Asks for something; what the node says to it.
    /// - Throws: `MailboxError`, also when the node refuses.
    public func ask(_ operation: MailboxRequest.Operation) async throws -> MailboxBlock {
        let name = "\(node.fields.nickname)"
        var generator = SystemRandomNumberGenerator()
        let body = try MailboxRequest.signed(operation, node: node.id, key: key, at: clock(), using: &generator)
        let answer: (answer: Answer, block: [UInt8])
        do throws(DialFailure) {
            answer = try await connection.ask(.fetch, body: body)
        } catch {
            throw MailboxError.unanswered(node: name, error.description)
        }
        if case .rejected(let reason) = answer.answer {
            guard reason.meansRetry else { throw MailboxError.refused(node: name, .noMailboxesHere) }
            throw MailboxError.unanswered(node: name, "it is busy; try again later")
        }
        guard let block = try? MailboxBlock(decoding: answer.block) else {
            throw MailboxError.malformedAnswer(node: name)
        }
        if case .refused(let reason) = block { throw MailboxError.refused(node: name, reason) }
        return block
    }

    /// Asks for something that is answered with nothing but the mailbox's status.
    /// - Throws: `MailboxError`.
    public func change(_ operation: MailboxRequest.Operation) async throws -> MailboxStatus {
        guard case .done(let status) = try await ask(operation) else {
            throw MailboxError.malformedAnswer(node: "\(node.fields.nickname)")
        }
        return status
    }
}
