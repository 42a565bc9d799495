// A connection of the server, from the moment it is accepted: let in or closed, watched, and then HTTP/1.1.

internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import Synchronization

/// Sets connections up and serves them.
struct BoundedChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let connection: AcceptedConnection
        let watch: ConnectionWatch
        var channel: any Channel { connection.channel }
    }

    struct NotAdmitted: Error {}

    let limits: DirectoryServerLimits
    let door: ServerDoor
    let responder: RequestResponder

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        do {
            let watch = try admit(channel)
            let set = http(watch).setup(channel: channel, logger: logger).map { http in
                Value(connection: AcceptedConnection(http), watch: watch)
            }
            set.whenFailure { _ in channel.close(promise: nil) }
            return set
        } catch {
            // Nobody else closes a connection that is not set up.
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    private func admit(_ channel: any Channel) throws -> ConnectionWatch {
        guard let seat = door.enter(from: channel.remoteAddress) else { throw NotAdmitted() }
        channel.closeFuture.whenComplete { [door] _ in door.leave(seat) }
        let watch = ConnectionWatch(seat: seat, limits: limits, channel: channel)
        try channel.pipeline.syncOperations.addHandler(ConnectionWatchHandler(watch, tick: limits.tick))
        return watch
    }

    func handle(value: Value, logger: Logger) async {
        guard let http = value.connection.take() else { return }
        await self.http(value.watch).handle(value: http, logger: logger)
    }

    private func http(_ watch: ConnectionWatch) -> HTTP1Channel {
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: limits.headBytes, maxHeaderListSize: limits.headBytes,
            maxHeaderFieldCount: limits.headFields)
        return HTTP1Channel(
            responder: { [responder] request, writer, _ in try await responder.respond(to: request, writer, watch) },
            configuration: HTTP1Channel.Configuration(httpDecoderConfiguration: decoder))
    }
}

/// A connection between its setting up and its serving. When a server is cancelled there may be some that nobody will serve; they
/// must be ended properly, or the library traps.
final class AcceptedConnection: Sendable {
    let channel: any Channel
    private let http: Mutex<HTTP1Channel.Value?>

    init(_ http: HTTP1Channel.Value) {
        channel = http.channel
        self.http = Mutex(http)
    }

    /// Gives the connection to whoever serves it; nil the second time.
    func take() -> HTTP1Channel.Value? {
        http.withLock { http in
            defer { http = nil }
            return http
        }
    }

    deinit {
        guard let http = take() else { return }
        Task { try? await http.executeThenClose { _, _ in } }
    }
}
