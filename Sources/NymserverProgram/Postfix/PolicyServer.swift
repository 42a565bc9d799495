// Listens for Postfix's questions on a socket of this machine.

public import Exits
private import Glibc
internal import NIOCore
public import NIOPosix
public import WireFormat

/// A listening policy service.
public final class PolicyServer: Sendable {
    /// Connections at one time: one for each smtpd process of Postfix, of which it has at most 100 unless told otherwise
    /// (default_process_limit).
    static let connectionLimit = 256
    /// How long Postfix may be silent; it closes what it does not use after five minutes (smtpd_policy_service_max_idle).
    static let idle = Interval.minutes(10)

    private let listener: any Channel
    private let connections: ServerConnections<PolicyMachine>

    /// The port, for a service at a loopback address.
    public var port: Int? { listener.localAddress?.port }

    /// Begins to listen. A socket of an earlier run at the same path is replaced; every user of this machine may connect:
    /// what can be learned is which names exist, and RCPT tells that to everybody.
    public static func bind(
        _ address: LMTPAddress, door: any NymDoor, group: MultiThreadedEventLoopGroup = .singleton,
        threadPool: NIOThreadPool = .singleton
    ) async throws -> PolicyServer {
        let connections = ServerConnections<PolicyMachine>(limit: connectionLimit)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.open(channel) else { return channel.close(promise: nil) }
                    let handler = handler(door, threadPool)
                    connections.add(channel, handler)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        switch address {
        case .socket(let path):
            let listener = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            chmod(path, 0o666)
            return PolicyServer(listener: listener, connections: connections)
        case .loopback(let host, let port):
            let listener = try await bootstrap.bind(host: host, port: port).get()
            return PolicyServer(listener: listener, connections: connections)
        }
    }

    private static func handler(
        _ door: any NymDoor, _ threadPool: NIOThreadPool
    ) -> ServerHandler<PolicyMachine> {
        ServerHandler(PolicyMachine(), idle: idle) { action, handler, context in
            switch action {
            case .send(let bytes): handler.write(bytes, context)
            case .ask(let questions):
                handler.ask(on: threadPool) {
                    questions.map { door.verdict(recipient: $0.recipient, size: $0.size) }
                } then: { machine, verdicts in
                    machine.answered(verdicts ?? [NymVerdict.later])
                }
            case .close: context.close(promise: nil)
            }
        }
    }

    private init(listener: any Channel, connections: ServerConnections<PolicyMachine>) {
        self.listener = listener
        self.connections = connections
    }

    /// Takes no more connections and ends those that are open, after the question that one may have.
    public func close(grace: Interval = .seconds(5)) async {
        try? await listener.close()
        await connections.close(grace: grace)
    }
}
