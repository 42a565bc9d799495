// The shell of the listening side: sockets, TLS and one `ListenerHandler` for each connection.
//
// An observer of a connection sees a TLS 1.3 handshake with the ALPN name `mmtp/1`, then records of 10,946 bytes from
// the dialer, three for each frame whatever its kind, and records of 62 bytes back, one for each answer, or three of
// 10,958 for an answer with a block; besides, one record of session tickets from the listener after the handshake, and a closing alert of 24 bytes from either side.
// Counts and times are not hidden here.

public import NIOCore
internal import NIOPosix
internal import NIOSSL
public import WireFormat

/// Accepts links on one or several addresses.
public final class MMTPListener: Sendable {
    private let core: ListenerCore
    private let servers: [any Channel]

    /// Where the listener is reached, one for each address that it was bound to.
    public let addresses: [LinkAddress]

    private init(core: ListenerCore, servers: [any Channel]) {
        self.core = core
        self.servers = servers
        addresses = servers.map {
            LinkAddress(host: $0.localAddress?.ipAddress ?? "", port: $0.localAddress?.port ?? 0)
        }
    }

    /// Binds to every one of `addresses` (numeric) or to none. `clock` serves certificates and limits. `count` and
    /// `receiver` and `responder` are called on the event loops of `group`. Without a `responder` frames that ask for a
    /// block are answered REJECTED malformed.
    public static func bind(
        to addresses: [LinkAddress], identity: LinkIdentity, receiver: any PacketReceiver,
        responder: (any BlockResponder)? = nil, configuration: ListenerConfiguration = ListenerConfiguration(),
        group: any EventLoopGroup,
        clock: @escaping @Sendable () -> Timestamp, count: @escaping LinkEventCounter
    ) async throws -> MMTPListener {
        let core = ListenerCore(
            configuration: configuration, identity: identity, receiver: receiver, responder: responder, clock: clock,
            count: count)
        var servers: [any Channel] = []
        do {
            for address in addresses {
                let socketAddress = try SocketAddress(ipAddress: address.host, port: address.port)
                servers.append(try await bootstrap(core, group: group, to: socketAddress).bind(to: socketAddress).get())
            }
        } catch {
            for server in servers { server.close(promise: nil) }
            throw error
        }
        return MMTPListener(core: core, servers: servers)
    }

    private static func bootstrap(
        _ core: ListenerCore, group: any EventLoopGroup, to address: SocketAddress
    ) -> ServerBootstrap {
        let readSize = core.configuration.readSize
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: Int32(clamping: core.configuration.backlog))
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            // One read a turn: TLS gathers the plaintext of a turn in one buffer, which must not grow with the turn.
            .childChannelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .childChannelOption(
                ChannelOptions.recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: readSize)
            )
            .childChannelInitializer { channel in
                guard let seat = core.admit(channel.remoteAddress) else {
                    return channel.eventLoop.makeFailedFuture(ChannelError.alreadyClosed)
                }
                return channel.eventLoop.makeCompletedFuture { try open(channel, seat: seat, core: core) }
            }
        if case .v6 = address {
            // So that 0.0.0.0 and :: can be bound to one port.
            bootstrap = bootstrap.serverChannelOption(
                ChannelOptions.socket(SocketOptionLevel(NIOBSDSocket.OptionLevel.ipv6.rawValue), ipv6OnlyOption),
                value: 1)
        }
        return bootstrap
    }

    /// IPV6_V6ONLY of Linux (ipv6(7)).
    private static let ipv6OnlyOption = SocketOptionName(26)

    private static func open(_ channel: any Channel, seat: PeerLimits.Seat, core: ListenerCore) throws {
        let isRegistered = core.register(channel)
        channel.closeFuture.whenComplete { _ in
            core.unregister(channel)
            core.leave(seat)
        }
        guard isRegistered else { throw ChannelError.alreadyClosed }
        core.renewCertificate()
        let closer = TransportCloser()
        let handler = ListenerHandler(core: core, seat: seat, closer: closer, eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandlers([
            closer, NIOSSLServerHandler(context: core.identity.context), handler,
        ])
    }

    /// Packets that the receiver holds unanswered.
    public var framesInFlight: Int { core.gate.current }
    /// Frames that ask for a block and are not done with, of all connections.
    public var asksInFlight: Int { core.askGate.current }
    /// Connections, in whatever state.
    public var connectionCount: Int { core.open.count }

    /// Stops accepting, answers new frames `shuttingDown`, and closes each connection once its frames are answered.
    public func beginShutdown() {
        for server in servers { server.close(promise: nil) }
        for channel in core.stop() {
            channel.eventLoop.execute {
                // A channel that closed meanwhile has no handler any more, and nothing to stop.
                if let handler = try? channel.pipeline.syncOperations.handler(type: ListenerHandler.self) {
                    handler.stop()
                }
            }
        }
    }

    /// Shuts down and waits until all connections are closed; those that are not after `grace` are cut off.
    public func shutdown(grace: Interval = .seconds(10)) async {
        beginShutdown()
        let open = core.open
        guard let loop = servers.first?.eventLoop else { return }
        let allClosed = EventLoopFuture.andAllComplete((servers + open).map(\.closeFuture), on: loop)
        let cutOff = loop.scheduleTask(in: .milliseconds(grace.milliseconds)) {
            for channel in open {
                channel.eventLoop.execute {
                    if let closer = try? channel.pipeline.syncOperations.handler(type: TransportCloser.self) {
                        closer.close()
                    }
                }
            }
        }
        // andAllComplete does not fail.
        try? await allClosed.get()
        cutOff.cancel()
    }
}
