// Fetches and posts documents over HTTP. Every answer has a limit that holds while it streams in and after it is decompressed,
// and a time. Tells the server nothing but what it asks for: no cookies, no version, no redirects. Documents are signed, so
// that plain http is as good as https, which needs a certificate that this system trusts.

internal import AsyncHTTPClient
internal import NIOCore
internal import Synchronization

/// An HTTP client for documents of the directory, with at most eight connections to a server.
public final class DirectoryHTTPClient: Sendable {
    /// How long things may take, in real time.
    public struct Timeouts: Hashable, Sendable {
        /// Until there is a connection, through a proxy and with TLS.
        public var connect = Duration.seconds(30)
        /// Without a byte.
        public var silence = Duration.seconds(30)
        /// For a whole exchange of a few bytes.
        public var exchange = Duration.seconds(60)
        /// More time is given for as many bytes as the exchange may have, at this number a second.
        public var slowestRate = 16_384

        public init() {}

        /// For a whole exchange of up to `bytes` bytes.
        func exchange(of bytes: Int) -> Duration { exchange + .seconds(bytes / max(1, slowestRate)) }
    }

    /// What GET brought.
    public enum Answer: Hashable, Sendable {
        case document([UInt8])
        /// It is what the asker has already.
        case unchanged
    }

    /// What every request says of its sender.
    static let userAgent = "nightjar"
    /// Bytes of the answer to a posted document that are read.
    static let longestWords = 4096
    private static let connectionsAtOnce = 8

    let proxy: ProxySettings?
    let timeouts: Timeouts
    private let configuration: HTTPClient.Configuration
    private let relay: SOCKSRelay?
    /// Made when it is first used: only then the relay's port is known.
    private let client = Mutex<HTTPClient?>(nil)

    /// All requests go through `proxy` if there is one, and names are then resolved there.
    public init(proxy: ProxySettings? = nil, timeouts: Timeouts = Timeouts()) {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = TimeAmount(timeouts.connect)
        configuration.timeout.read = TimeAmount(timeouts.silence)
        configuration.timeout.write = TimeAmount(timeouts.silence)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connectionsAtOnce
        configuration.connectionPool.idleTimeout = .seconds(10)
        if let proxy {
            switch (proxy.kind, proxy.user) {
            case (.http, nil): configuration.proxy = .server(host: proxy.host, port: proxy.port)
            case (.http, let user?):
                configuration.proxy = .server(
                    host: proxy.host, port: proxy.port,
                    authorization: .basic(username: user, password: proxy.password))
            case (.socks5, nil): configuration.proxy = .socksServer(host: proxy.host, port: proxy.port)
            case (.socks5, _): break
            }
        }
        self.configuration = configuration
        let needsRelay = proxy?.kind == .socks5 && proxy?.hasCredentials == true
        relay = needsRelay ? proxy.map { SOCKSRelay(proxy: $0, connectTimeout: TimeAmount(timeouts.connect)) } : nil
        self.proxy = proxy
        self.timeouts = timeouts
    }

    deinit { client.withLock { $0 }?.shutdown { _ in } }

    /// The client underneath; throws what prevented the relay from listening.
    func underneath() async throws -> HTTPClient {
        var configuration = configuration
        if let relay {
            configuration.proxy = .server(
                host: "127.0.0.1", port: try await relay.port(),
                authorization: .basic(username: SOCKSRelay.user, password: relay.secret))
        }
        return client.withLock { [configuration] client in
            if let client { return client }
            let made = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            client = made
            return made
        }
    }
}
