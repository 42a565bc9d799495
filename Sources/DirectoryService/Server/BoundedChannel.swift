// A connection of the server, from the moment it is accepted: let in or closed, watched, and then HTTP/1.1.

internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// Sets connections up and serves them.
struct BoundedChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let http: HTTP1Channel.Value
        let watch: ConnectionWatch
        var channel: any Channel { http.channel }
    }

    struct NotAdmitted: Error {}

    let limits: DirectoryServerLimits
    let door: ServerDoor
    let responder: RequestResponder

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        // A connection that fails here is closed by the listener.
        guard let seat = door.enter(from: channel.remoteAddress) else {
            return channel.eventLoop.makeFailedFuture(NotAdmitted())
        }
        let door = door
        channel.closeFuture.whenComplete { _ in door.leave(seat) }
        let watch = ConnectionWatch(seat: seat, limits: limits)
        do {
            try channel.pipeline.syncOperations.addHandler(ConnectionWatchHandler(watch, tick: limits.tick))
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        return http(watch).setup(channel: channel, logger: logger).map { Value(http: $0, watch: watch) }
    }

    func handle(value: Value, logger: Logger) async {
        await http(value.watch).handle(value: value.http, logger: logger)
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
