// `/metrics` and `/health` over HTTP, for a monitor on this machine. Only on loopback: counts tell an observer much, and
// there is no authentication. Everything is bounded: connections, the size of a request, the time of an exchange.

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
public import ServiceLifecycle
internal import Synchronization
public import WireFormat

/// Settings of the metrics' server, in the table `[metrics]`.
public struct MetricsSettings: Hashable, Sendable {
    /// A loopback address: `127.0.0.1`, `::1`.
    public var host: String
    /// 0 takes any free port.
    public var port: Int
    /// Counts are read at most this often and served from memory in between, so that whoever reads them cannot follow
    /// single packets.
    public var resolution: Interval
    /// An exchange that takes longer, in real time, is cut.
    public var longestExchange = Duration.seconds(10)

    public init(host: String = "127.0.0.1", port: Int, resolution: Interval = .seconds(60)) {
        self.host = host
        self.port = port
        self.resolution = resolution
    }

    /// Takes the settings out of the table `metrics`; nil if no port is set, and so no server wanted.
    public init?(_ root: ConfigTable) {
        let table = root.table("metrics")
        let port = table.optional(
            "port", .int(0...65_535),
            doc: "Port for Prometheus (/metrics) and monitors (/health). Without it there is none.")
        host = table.value(
            "host", .string, default: "127.0.0.1", doc: "Address to listen on; must be one of this machine alone.")
        resolution = table.value(
            "resolution", .duration(.zero ... .hours(24)), default: .seconds(60),
            doc: "Counts are renewed at most this often, so that they do not show single packets.")
        if !MetricsServer.isLoopback(host) {
            table.report("host", "\(host) can be reached from outside; use 127.0.0.1 or ::1, and a proxy if need be")
        }
        guard let port else { return nil }
        self.port = port
    }
}

/// The HTTP server of a program's counts.
public final class MetricsServer: Service, Sendable {
    /// Connections at one time; a further one is closed at once.
    public static let mostConnections = 16
    /// Bytes of a request's header.
    static let longestRequest = 8192

    private let settings: MetricsSettings
    private let pages: MetricsPages
    private let channel = Mutex<(any Channel)?>(nil)

    public init(
        _ settings: MetricsSettings, counters: Counters, health: Health,
        now: @escaping @Sendable () -> Timestamp = { ScaledClock.systemTime() }
    ) throws(CommandFailure) {
        guard Self.isLoopback(settings.host) else {
            throw CommandFailure(
                "the metrics' address \(settings.host) can be reached from outside; use 127.0.0.1", code: .usage)
        }
        self.settings = settings
        pages = MetricsPages(counters: counters, health: health, resolution: settings.resolution, now: now)
    }

    /// The server of a daemon, which listens already: when the daemon says that it runs, its counts can be asked for.
    /// - Returns: nil if none is wanted.
    /// - Throws: `CommandFailure` if the address is not of this machine alone, or taken.
    public static func started(
        _ settings: MetricsSettings?, counters: Counters, health: Health
    ) async throws -> MetricsServer? {
        guard let settings else { return nil }
        let server = try MetricsServer(settings, counters: counters, health: health)
        _ = try await server.start()
        return server
    }

    /// Starts to listen; returns the port.
    public func start() async throws -> Int {
        let pages = pages
        let open = OpenConnections()
        let longest = TimeAmount(settings.longestExchange)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 16)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                guard open.enter(most: Self.mostConnections) else { return channel.close() }
                channel.closeFuture.whenComplete { _ in open.leave() }
                return channel.eventLoop.makeCompletedFuture {
                    var limits = NIOHTTPDecoderLimitConfiguration()
                    limits.maxHeaderFieldSize = Self.longestRequest
                    limits.maxHeaderListSize = Self.longestRequest
                    try channel.pipeline.syncOperations.addHandler(HTTPResponseEncoder())
                    try channel.pipeline.syncOperations.addHandler(
                        ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limits)))
                    try channel.pipeline.syncOperations.addHandler(MetricsHandler(pages: pages, longest: longest))
                }
            }
        let listener: any Channel
        do {
            listener = try await bootstrap.bind(host: settings.host, port: settings.port).get()
        } catch let error as IOError {
            let reason = SystemError(number: error.errnoCode).reason
            throw CommandFailure("cannot serve metrics on \(settings.host) port \(settings.port): \(reason)")
        }
        channel.withLock { $0 = listener }
        return listener.localAddress?.port ?? settings.port
    }

    /// Stops listening. Exchanges under way end by themselves within seconds.
    public func stop() async {
        let listener = channel.withLock { channel in
            defer { channel = nil }
            return channel
        }
        try? await listener?.close().get()  // Fails only if it is closed already.
    }

    /// Serves until the group shuts down.
    public func run() async throws {
        if channel.withLock({ $0 == nil }) { _ = try await start() }
        try await gracefulShutdown()
        await stop()
    }

    static func isLoopback(_ host: String) -> Bool {
        if host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

private final class OpenConnections: Sendable {
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
