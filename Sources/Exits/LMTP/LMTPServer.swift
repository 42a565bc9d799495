// Listens for LMTP on a socket of this machine.

private import Glibc
internal import NIOCore
public import NIOPosix
public import WireFormat

/// Where an LMTP server listens. Never beyond this machine: LMTP knows no passwords.
public enum LMTPAddress: Hashable, Sendable, CustomStringConvertible {
    /// A Unix socket at this path.
    case socket(String)
    /// 127.0.0.1 or ::1, and a port; 0 takes any.
    case loopback(host: String, port: Int)

    /// Reads `/path` or `127.0.0.1:port` or `[::1]:port`; nil for anything else.
    public init?(_ text: String) {
        // A socket's path has 107 bytes (unix(7)).
        if text.hasPrefix("/") {
            guard text.utf8.count <= 107 else { return nil }
            self = .socket(text)
            return
        }
        for (prefix, host) in [("127.0.0.1:", "127.0.0.1"), ("[::1]:", "::1")] where text.hasPrefix(prefix) {
            guard let port = UInt16(text.dropFirst(prefix.count)) else { return nil }
            self = .loopback(host: host, port: Int(port))
            return
        }
        return nil
    }

    /// Whether it names one place: port 0 is any.
    public var canBeReached: Bool {
        if case .loopback(_, 0) = self { false } else { true }
    }

    public var description: String {
        switch self {
        case .socket(let path): path
        case .loopback(let host, let port): host == "::1" ? "[::1]:\(port)" : "\(host):\(port)"
        }
    }
}

/// What an LMTP server is told.
public struct LMTPServerSettings: Hashable, Sendable {
    public var address: LMTPAddress
    /// This server's name.
    public var name: String
    public var limits: LMTPLimits
    /// Connections at one time; more are told to come back.
    public var connections = 16
    /// How long a peer may be silent: RFC 5321 section 4.5.3.2.7.
    public var idle = Interval.minutes(5)
    /// How long a connection may last.
    public var longest = Interval.minutes(30)

    public init(address: LMTPAddress, name: String, limits: LMTPLimits) {
        self.address = address
        self.name = name
        self.limits = limits
    }
}

/// A listening LMTP server.
public final class LMTPServer: Sendable {
    private let listener: any Channel
    private let connections: ServerConnections<LMTPServerMachine>

    /// The port, for a server at a loopback address.
    public var port: Int? { listener.localAddress?.port }

    /// Begins to listen. A socket of an earlier run at the same path is replaced; every user of this machine may
    /// connect to it, as to a port.
    public static func bind(
        _ settings: LMTPServerSettings, receiver: any LMTPReceiver, group: MultiThreadedEventLoopGroup = .singleton,
        threadPool: NIOThreadPool = .singleton
    ) async throws -> LMTPServer {
        let connections = ServerConnections<LMTPServerMachine>(limit: settings.connections)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                guard connections.open(channel) else {
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(LMTPRefusal(name: settings.name))
                    }
                }
                return channel.eventLoop.makeCompletedFuture {
                    let handler = LMTPConversation.handler(settings, receiver: receiver, threadPool: threadPool)
                    connections.add(channel, handler)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        switch settings.address {
        case .socket(let path):
            let listener = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            chmod(path, 0o666)
            return LMTPServer(listener: listener, connections: connections)
        case .loopback(let host, let port):
            let listener = try await bootstrap.bind(host: host, port: port).get()
            return LMTPServer(listener: listener, connections: connections)
        }
    }

    private init(listener: any Channel, connections: ServerConnections<LMTPServerMachine>) {
        self.listener = listener
        self.connections = connections
    }

    /// Takes no more connections and ends those that are open, after the mail that one may be handing over; none lasts
    /// longer than `grace`.
    public func close(grace: Interval = .seconds(5)) async {
        try? await listener.close()
        await connections.close(grace: grace)
    }
}

/// Tells a peer to come back later.
private final class LMTPRefusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let name: String

    init(name: String) { self.name = name }

    func channelActive(context: ChannelHandlerContext) {
        let reply = LMTPReply(421, "4.3.2", "\(name) has too many connections")
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: reply.bytes)), promise: nil)
        context.close(promise: nil)
    }
}
