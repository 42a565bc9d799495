// The thin shell around a `ServerMachine` on one connection: it moves bytes and keeps the clock. What else a machine asks
// for is done by whoever makes the shell.

package import NIOCore
package import NIOPosix
package import WireFormat

/// Runs one connection.
package final class ServerHandler<Machine: ServerMachine>: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer
    /// Does what a machine asks for.
    package typealias Perform = (Machine.Action, ServerHandler<Machine>, ChannelHandlerContext) -> Void
    /// Looks at the machine after the connection's begin and after each event.
    package typealias Watch = (ServerHandler<Machine>) -> Void

    package private(set) var machine: Machine
    private let idle: Interval
    private let longest: Interval?
    private let watch: Watch
    private let act: Perform
    private var context: ChannelHandlerContext?
    private var idleTimer: Scheduled<Void>?
    private var timers: [Scheduled<Void>] = []

    /// - Parameters:
    ///   - idle: how long the peer may be silent.
    ///   - longest: how long a connection may last; nil for as long as the peer likes.
    package init(
        _ machine: Machine, idle: Interval, longest: Interval? = nil, watch: @escaping Watch = { _ in },
        perform: @escaping Perform
    ) {
        self.machine = machine
        self.idle = idle
        self.longest = longest
        self.watch = watch
        act = perform
    }

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    package func handlerRemoved(context: ChannelHandlerContext) { ended() }

    package func channelActive(context: ChannelHandlerContext) {
        if let longest { end(after: longest) }
        perform(machine.start())
        context.fireChannelActive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        perform(machine.received(unwrapInboundIn(data).readableBytesView))
    }

    package func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    // Also what is no TLS where TLS must begin.
    package func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The server is stopping.
    package func shutDown() { perform(machine.shutDown()) }

    private func ended() {
        idleTimer?.cancel()
        for timer in timers { timer.cancel() }
        context = nil
    }

    /// The connection ends when this time is over, unless what is returned is cancelled.
    @discardableResult
    package func end(after interval: Interval) -> Scheduled<Void>? {
        guard let context else { return nil }
        let timer = schedule(interval, context)
        timers.append(timer)
        return timer
    }

    /// Tells the machine something, and does what it then asks for.
    package func tell(_ event: (inout Machine) -> [Machine.Action]) { perform(event(&machine)) }

    package func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    /// Asks on a thread that may block, and tells the machine the answer; nil if there are no threads any more.
    package func ask<Answer: Sendable>(
        on threadPool: NIOThreadPool, _ question: @escaping @Sendable () -> Answer,
        then: @escaping @Sendable (inout Machine, Answer?) -> [Machine.Action]
    ) {
        guard let loop = context?.eventLoop else { return }
        let handler = NIOLoopBound(self, eventLoop: loop)
        threadPool.runIfActive(eventLoop: loop) { question() }.whenComplete { result in
            handler.value.tell { then(&$0, try? result.get()) }
        }
    }

    /// Asks, and tells the machine the answer. What is asked is answered to the end even if the connection is gone.
    package func ask<Answer: Sendable>(
        _ question: @escaping @Sendable () async -> Answer,
        then: @escaping @Sendable (inout Machine, Answer) -> [Machine.Action]
    ) {
        guard let loop = context?.eventLoop else { return }
        let handler = NIOLoopBound(self, eventLoop: loop)
        Task {
            let answer = await question()
            loop.execute { handler.value.tell { then(&$0, answer) } }
        }
    }

    private func perform(_ actions: [Machine.Action]) {
        guard let context else { return }
        for action in actions { act(action, self, context) }
        watch(self)
        idleTimer?.cancel()
        idleTimer = machine.isWaiting || machine.isClosed ? nil : schedule(idle, context)
        // What the peer sends meanwhile stays in the socket.
        _ = context.channel.setOption(.autoRead, value: !machine.isWaiting)
    }

    private func schedule(_ interval: Interval, _ context: ChannelHandlerContext) -> Scheduled<Void> {
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: interval.timeAmount) { handler.value.tell { $0.timedOut() } }
    }
}
