// The thin shell around `SubmissionMachine` on one connection: it moves bytes, keeps the clock, puts TLS in front, and asks
// the receiver.

internal import NIOCore
internal import NIOSSL
internal import WireFormat

final class SubmissionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let receiver: any SubmissionReceiver
    private let security: SubmissionSecurity
    private let idle: Interval
    private let longest: Interval
    private let login: Interval
    private let loggedIn: @Sendable () -> Void
    private var machine: SubmissionMachine
    private var context: ChannelHandlerContext?
    private var idleTimer: Scheduled<Void>?
    private var endTimer: Scheduled<Void>?
    private var loginTimer: Scheduled<Void>?
    private var isStranger = true

    /// - Parameters:
    ///   - idle: how long the peer may be silent.
    ///   - longest: how long a connection may last.
    ///   - login: how long it may last without a password that was right.
    ///   - loggedIn: told when one was.
    init(
        machine: SubmissionMachine, receiver: any SubmissionReceiver, security: SubmissionSecurity, idle: Interval,
        longest: Interval, login: Interval, loggedIn: @escaping @Sendable () -> Void
    ) {
        self.machine = machine
        self.receiver = receiver
        self.security = security
        self.idle = idle
        self.longest = longest
        self.login = login
        self.loggedIn = loggedIn
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelActive(context: ChannelHandlerContext) {
        endTimer = schedule(longest, context)
        loginTimer = schedule(login, context)
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

    // Also what is no TLS where TLS must begin.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The server is stopping.
    func shutDown() { perform(machine.shutDown()) }

    private func ended() {
        idleTimer?.cancel()
        endTimer?.cancel()
        loginTimer?.cancel()
        context = nil
    }

    private func perform(_ actions: [SubmissionMachine.Action]) {
        guard let context else { return }
        for action in actions {
            switch action {
            case .send(let bytes): context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            case .startTLS: startTLS(context)
            case .authenticate(let login): ask { [receiver] in await receiver.authenticate(login) }
            case .checkSender(let sender):
                ask { [receiver, size = machine.announced] in await receiver.check(sender: sender, size: size) }
            case .checkRecipient(let recipient, let sender):
                ask { [receiver] in await receiver.check(recipient: recipient, from: sender) }
            case .deliver(let mail): ask { [receiver] in await receiver.deliver(mail) }
            case .close: context.close(promise: nil)
            }
        }
        if isStranger, machine.isAuthenticated {
            isStranger = false
            loginTimer?.cancel()
            loggedIn()
        }
        idleTimer?.cancel()
        idleTimer = machine.isWaiting || machine.isClosed ? nil : schedule(idle, context)
        // What the peer sends meanwhile stays in the socket.
        _ = context.channel.setOption(.autoRead, value: !machine.isWaiting)
    }

    private func startTLS(_ context: ChannelHandlerContext) {
        do {
            try context.pipeline.syncOperations.addHandler(security.handler(), position: .first)
            machine.secured()
        } catch {
            context.close(promise: nil)
        }
    }

    /// Asks the receiver. What is asked is answered to the end even if the connection is gone: a mail that was handed
    /// over is kept.
    private func ask(_ question: @escaping @Sendable () async -> SubmissionReply) {
        guard let loop = context?.eventLoop else { return }
        let handler = NIOLoopBound(self, eventLoop: loop)
        Task {
            let reply = await question()
            loop.execute { handler.value.perform(handler.value.machine.answered(reply)) }
        }
    }

    private func schedule(_ interval: Interval, _ context: ChannelHandlerContext) -> Scheduled<Void> {
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: interval.timeAmount) {
            handler.value.perform(handler.value.machine.timedOut())
        }
    }
}
