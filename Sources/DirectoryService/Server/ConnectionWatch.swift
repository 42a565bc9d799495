// Closes a connection whose time is over: the shell around `ExchangeClock`, next to the socket.

internal import NIOCore
internal import Synchronization

/// One connection, as those see it who answer its requests.
final class ConnectionWatch: Sendable {
    let seat: ServerDoor.Seat
    private let clock: Mutex<ExchangeClock>
    private let channel: any Channel

    init(seat: ServerDoor.Seat, limits: DirectoryServerLimits, channel: any Channel) {
        self.seat = seat
        self.channel = channel
        clock = Mutex(ExchangeClock(limits, at: .now()))
    }

    var deadline: NIODeadline { clock.withLock { $0.deadline } }
    var isParting: Bool { clock.withLock { $0.isParting } }

    func receive() { clock.withLock { $0.receive(at: .now()) } }
    func received(_ bytes: Int) { clock.withLock { $0.received(bytes, at: .now()) } }
    func work() { clock.withLock { $0.work(at: .now()) } }
    func answer(sending bytes: Int) { clock.withLock { $0.answer(sending: bytes, at: .now()) } }
    func advance() { clock.withLock { $0.advance(at: .now()) } }
    func finish(last: Bool) { clock.withLock { $0.finish(last: last, at: .now()) } }
    /// Ends the connection in the middle of whatever it does: others need what it holds.
    func cut() { channel.close(promise: nil) }
    func stopping() { clock.withLock { $0.stopping(at: .now()) } }
}

/// Looks at the watch, now and then.
final class ConnectionWatchHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let watch: ConnectionWatch
    private let tick: TimeAmount
    private var task: RepeatedTask?

    init(_ watch: ConnectionWatch, tick: Duration) {
        self.watch = watch
        self.tick = TimeAmount(tick)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        let watch = watch
        task = context.eventLoop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { _ in
            if watch.deadline <= .now() { channel.close(promise: nil) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { task?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { watch.stopping() }
        context.fireUserInboundEventTriggered(event)
    }
}
