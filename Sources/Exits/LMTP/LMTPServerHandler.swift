// The thin shell around `LMTPServerMachine` on one connection: it moves bytes, keeps the clock, and asks the receiver on a
// thread that may block.

internal import NIOCore
internal import NIOPosix
internal import WireFormat

final class LMTPServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let receiver: any LMTPReceiver
    private let threadPool: NIOThreadPool
    private let idle: Interval
    private let longest: Interval
    private var machine: LMTPServerMachine
    private var context: ChannelHandlerContext?
    private var idleTimer: Scheduled<Void>?
    private var endTimer: Scheduled<Void>?

    /// - Parameters:
    ///   - idle: how long the peer may be silent.
    ///   - longest: how long a connection may last.
    init(
        machine: LMTPServerMachine, receiver: any LMTPReceiver, threadPool: NIOThreadPool, idle: Interval,
        longest: Interval
    ) {
        self.machine = machine
        self.receiver = receiver
        self.threadPool = threadPool
        self.idle = idle
        self.longest = longest
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelActive(context: ChannelHandlerContext) {
        endTimer = schedule(longest, context)
        perform(machine.start())
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        perform(machine.received(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The server is stopping.
    func shutDown() { perform(machine.shutDown()) }

    private func ended() {
        idleTimer?.cancel()
        endTimer?.cancel()
        context = nil
    }

    private func perform(_ actions: [LMTPServerMachine.Action]) {
        guard let context else { return }
        for action in actions {
            switch action {
            case .send(let bytes): context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            case .check(let recipient):
                ask { [receiver] in
                    receiver.check(recipient: recipient)
                } then: { machine, reply in
                    machine.checked(reply ?? Self.stopping)
                }
            case .deliver(let mail):
                ask { [receiver] in
                    receiver.deliver(mail)
                } then: { machine, replies in
                    machine.delivered(replies ?? mail.recipients.map { _ in Self.stopping })
                }
            case .close: context.close(promise: nil)
            }
        }
        idleTimer?.cancel()
        idleTimer = machine.isWaiting || machine.isClosed ? nil : schedule(idle, context)
        // What the peer sends meanwhile stays in the socket.
        _ = context.channel.setOption(.autoRead, value: !machine.isWaiting)
    }

    private static let stopping = LMTPReply(451, "4.3.2", "stopping; try again later")

    private func ask<Answer: Sendable>(
        _ question: @escaping @Sendable () -> Answer,
        then: @escaping @Sendable (inout LMTPServerMachine, Answer?) -> [LMTPServerMachine.Action]
    ) {
        guard let loop = context?.eventLoop else { return }
        let handler = NIOLoopBound(self, eventLoop: loop)
        threadPool.runIfActive(eventLoop: loop) { question() }.whenComplete { result in
            let handler = handler.value
            handler.perform(then(&handler.machine, try? result.get()))
        }
    }

    private func schedule(_ interval: Interval, _ context: ChannelHandlerContext) -> Scheduled<Void> {
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: interval.timeAmount) {
            handler.value.perform(handler.value.machine.timedOut())
        }
    }
}
