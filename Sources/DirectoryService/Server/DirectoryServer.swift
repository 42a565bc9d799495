// The HTTP server of an authority or a mirror. It speaks plain HTTP: what it serves is signed, and TLS, where somebody wants it,
// is left to a reverse proxy in front. Everything a peer can use up is bounded (`DirectoryServerLimits`), and nothing about
// peers is kept or logged.

public import Daemon
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
public import ServiceLifecycle
public import WireFormat

/// An address to listen on.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    /// 0 takes any free port.
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[v6]:port`; nil for anything else.
    public init?(_ text: String) {
        if text.hasSuffix(":0"), let place = DirectoryURL.hostAndPort(text.dropLast(2)), place.port == nil {
            self.init(host: place.host, port: 0)
        } else if let place = DirectoryURL.hostAndPort(text[...]), let port = place.port {
            self.init(host: place.host, port: port)
        } else {
            return nil
        }
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Serves a backend on one or more addresses.
public final class DirectoryServer: Service, Sendable {
    private let listen: [ListenAddress]
    private let channel: BoundedChannel
    private let bound: [EventLoopPromise<ListenAddress>]

    /// A server that does not listen yet. `now` is for dates and rates.
    public init(
        listen: [ListenAddress], backend: any DirectoryBackend, limits: DirectoryServerLimits = DirectoryServerLimits(),
        now: @escaping @Sendable () -> Timestamp = { ScaledClock.systemTime() }
    ) {
        self.listen = listen
        let door = ServerDoor(limits, now: now)
        channel = BoundedChannel(
            limits: limits, door: door,
            responder: RequestResponder(
                backend: backend, limits: limits, door: door,
                compressed: CompressedDocuments(mostBytes: limits.compressedBytes), now: now))
        bound = listen.map { _ in MultiThreadedEventLoopGroup.singleton.any().makePromise() }
    }

    deinit { for promise in bound { promise.fail(CancellationError()) } }

    /// Connections that are open.
    public var connections: Int { channel.door.connections }

    /// Bytes that requests of that kind hold in memory.
    func held(_ kind: ServerDoor.Kind) -> Int { channel.door.bytes(kind) }

    /// The addresses that it listens on, as soon as it does, with their ports; throws what prevents it.
    public func addresses() async throws -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for promise in bound { addresses.append(try await promise.futureResult.get()) }
        return addresses
    }

    /// Serves until the group shuts down; then exchanges under way may end within `limits.stopping`. Throws
    /// `CommandFailure` if an address cannot be listened on.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (address, promise) in zip(listen, bound) {
                group.addTask { try await self.serve(address, promise) }
            }
            try await group.waitForAll()
        }
    }

    private func serve(_ address: ListenAddress, _ promise: EventLoopPromise<ListenAddress>) async throws {
        // The library may say what it likes: it is heard nowhere.
        let logger = Logger(label: "directory") { _ in SwiftLogNoOpLogHandler() }
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(address: .hostname(address.host, port: address.port), backlog: 1024),
            onServerRunning: { listener in
                promise.succeed(ListenAddress(host: address.host, port: listener.localAddress?.port ?? address.port))
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        do {
            try await server.run()
            promise.fail(CancellationError())  // If it never listened.
        } catch let error as IOError {
            let reason = SystemError(number: error.errnoCode).reason
            let failure = CommandFailure("cannot serve the directory on \(address): \(reason)")
            promise.fail(failure)
            throw failure
        } catch {
            promise.fail(error)
            throw error
        }
    }
}
