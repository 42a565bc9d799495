// SOCKS5 with user and password for an HTTP client that knows SOCKS only without: the client believes to speak to an HTTP
// proxy, which is this one. It listens on a free port of the loopback and connects nobody who does not bring a secret that
// only this process knows.

internal import MixCrypto
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import WireFormat

/// The relay of one client.
final class SOCKSRelay: Sendable {
    /// Connections at one time; a further one is closed at once.
    static let mostConnections = 64
    static let user = "nightjar"

    /// What the client must show.
    let secret: String
    private let listener: EventLoopFuture<any Channel>

    /// Begins to listen.
    init(proxy: ProxySettings, connectTimeout: TimeAmount) {
        var generator = SystemRandomNumberGenerator()
        let secret = Digest.random(using: &generator).hex
        self.secret = secret
        let expected = Digest.sha256("Basic \(Base64.encode(Array("\(Self.user):\(secret)".utf8)))")
        let open = RelayedConnections()
        listener = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 16)
            .childChannelInitializer { channel in
                guard open.enter(most: Self.mostConnections) else { return channel.close() }
                channel.closeFuture.whenComplete { _ in open.leave() }
                return channel.eventLoop.makeCompletedFuture {
                    let front = RelayFront(proxy: proxy, expected: expected, connectTimeout: connectTimeout)
                    try channel.pipeline.syncOperations.addHandler(front.end)
                    front.start(channel)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .bind(host: "127.0.0.1", port: 0)
    }

    deinit { listener.whenSuccess { $0.close(promise: nil) } }

    /// The port of the loopback that it listens on.
    func port() async throws -> Int {
        guard let port = try await listener.get().localAddress?.port else { throw ChannelError.unknownLocalAddress }
        return port
    }
}

private final class RelayedConnections: Sendable {
    private let count = Mutex(0)

    func enter(most: Int) -> Bool {
        count.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
    }
    func leave() { count.withLock { $0 -= 1 } }
}
