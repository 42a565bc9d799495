// The thin shell around `SMTPClientMachine` on one connection: it moves bytes, keeps the clock and reads the body. All
// of it runs on the connection's event loop, save the reading of the body, which may block and runs on a thread pool.

internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import WireFormat

/// How a mail fared on a connection.
struct SMTPAttempt: Sendable {
    var outcomes: [ExitOutcome]
    /// The connection had been used before and turned out dead before this mail had got anywhere: worth a fresh one at
    /// once.
    var isStale = false
    /// The connection can take another mail.
    var isReusable = false
}

/// Runs the mails of one connection, one at a time.
final class SMTPClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let settings: SMTPSettings
    private let security: SMTPSecurity
    private let threadPool: NIOThreadPool
    private var machine: SMTPClientMachine
    private var mail: SMTPMail?
    private var promise: EventLoopPromise<SMTPAttempt>?
    private var context: ChannelHandlerContext?
    private var stepTimer: Scheduled<Void>?
    private var mailTimer: Scheduled<Void>?
    private var encoder = LineEncoder(.smtp)
    private var mails = 1
    private var isSecuring: Bool

    /// How long a server may take to say goodbye.
    private static let farewell = Interval.seconds(10)

    /// The outcome of the first mail, which starts when the connection is up.
    let first: EventLoopFuture<SMTPAttempt>

    init(
        settings: SMTPSettings, security: SMTPSecurity, threadPool: NIOThreadPool, mail: SMTPMail,
        eventLoop: any EventLoop
    ) {
        self.settings = settings
        self.security = security
        self.threadPool = threadPool
        self.mail = mail
        machine = SMTPClientMachine(settings: settings, envelope: mail.envelope)
        isSecuring = settings.security == .implicit
        let promise = eventLoop.makePromise(of: SMTPAttempt.self)
        self.promise = promise
        first = promise.futureResult
    }

    // MARK: - For the client, on the event loop

    /// Sends another mail over a connection that was reusable.
    func send(_ mail: SMTPMail, on eventLoop: any EventLoop) -> EventLoopFuture<SMTPAttempt> {
        let promise = eventLoop.makePromise(of: SMTPAttempt.self)
        guard self.promise == nil, context != nil else {
            let outcomes = mail.envelope.recipients.map { _ in ExitOutcome.deferred(.closed) }
            promise.succeed(SMTPAttempt(outcomes: outcomes, isStale: true))
            return promise.futureResult
        }
        self.mail = mail
        self.promise = promise
        mails += 1
        startMailTimer()
        apply { $0.begin(mail.envelope) }
        return promise.futureResult
    }

    /// Ends what is under way because of something on our side.
    func fail(_ reason: DeferralReason) { apply { $0.failed(reason) } }

    /// Takes leave if no mail is under way.
    func quit() { apply { $0.quit() } }

    // MARK: - Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { started() }
    }

    func channelActive(context: ChannelHandlerContext) {
        started()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        apply { $0.received(bytes.readableBytesView) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            isSecuring = false
            apply { $0.tlsEstablished() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The cause of the error is not looked at beyond its time: every one is a deferral.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        apply { $0.failed(isSecuring ? .tlsFailed : .closed) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
        self.context = nil
    }

    private func started() {
        guard stepTimer == nil else { return }
        startMailTimer()
        restartStepTimer()
    }

    private func ended() {
        if isSecuring { apply { $0.failed(.tlsFailed) } }
        apply { $0.closed() }
        stepTimer?.cancel()
        mailTimer?.cancel()
    }

    // MARK: - Actions

    private func apply(_ event: (inout SMTPClientMachine) -> [SMTPClientMachine.Action]) {
        let before = machine.step
        let actions = event(&machine)
        for action in actions { perform(action, before: before) }
        // A timer is for the whole of a reply: bytes that do not complete one do not start it again.
        if !actions.isEmpty || machine.step != before { restartStepTimer() }
    }

    private func perform(_ action: SMTPClientMachine.Action, before: SMTPClientMachine.Step) {
        switch action {
        case .send(let bytes):
            context?.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .startTLS:
            isSecuring = true
            do {
                try context?.pipeline.syncOperations.addHandler(security.handler(), position: .first)
            } catch {
                fail(.tlsFailed)
            }
        case .sendContent:
            startContent()
        case .finished(let outcomes):
            finish(outcomes, before: before)
        case .close:
            context?.close(promise: nil)
        }
    }

    private func finish(_ outcomes: [ExitOutcome], before: SMTPClientMachine.Step) {
        let hadNoAnswer = [.ready, .reset, .sender].contains(before)
        let isDead = outcomes.allSatisfy { outcome in
            guard case .deferred(let deferral) = outcome else { return false }
            return deferral.reason == .closed || deferral.code == 421
        }
        mailTimer?.cancel()
        mail = nil
        let promise = promise
        self.promise = nil
        promise?.succeed(
            SMTPAttempt(
                outcomes: outcomes, isStale: mails > 1 && hadNoAnswer && isDead,
                isReusable: machine.step == .ready && mails < settings.mailsPerConnection))
    }

    // MARK: - Content

    private func startContent() {
        guard let mail else { return }
        encoder = LineEncoder(.smtp)
        let body = mail.body
        let loop = context?.eventLoop
        let head = encoder.encode(mail.head)
        guard let loop else { return }
        let handler = NIOLoopBound(self, eventLoop: loop)
        threadPool.runIfActive(eventLoop: loop) { try body.open() }.whenComplete { result in
            switch result {
            case .success(let read): handler.value.write(head, thenFrom: read)
            case .failure: handler.value.fail(.bodyUnreadable)
            }
        }
    }

    /// Writes one piece and asks for the next when the system has taken it, so that no more than one piece is in
    /// memory.
    private func write(_ bytes: [UInt8], thenFrom read: @escaping ExitBody.Reader) {
        guard machine.step == .content, let context else { return }
        restartStepTimer()
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: written)
        let threadPool = threadPool
        let loop = context.eventLoop
        written.futureResult.flatMap {
            threadPool.runIfActive(eventLoop: loop) { try read() }
        }.whenComplete { result in
            handler.value.continueContent(result, from: read)
        }
    }

    private func continueContent(_ result: Result<[UInt8]?, any Error>, from read: @escaping ExitBody.Reader) {
        guard machine.step == .content, let context else { return }
        switch result {
        case .success(let piece?):
            write(encoder.encode(piece), thenFrom: read)
        case .success(nil):
            let rest = encoder.finish()
            if !rest.isEmpty { context.write(wrapOutboundOut(ByteBuffer(bytes: rest)), promise: nil) }
            apply { $0.contentSent() }
        case .failure(let error):
            fail(error is ChannelError || error is IOError ? .closed : .bodyUnreadable)
        }
    }

    // MARK: - Time

    private func restartStepTimer() {
        stepTimer?.cancel()
        stepTimer = nil
        guard let context, machine.step != .closed, promise != nil || machine.step == .ready || machine.step == .quit
        else {
            return
        }
        stepTimer = schedule(limit(of: machine.step), on: context.eventLoop) { handler in
            handler.apply { $0.step == .ready ? $0.quit() : $0.timedOut() }
        }
    }

    private func startMailTimer() {
        guard let context else { return }
        mailTimer?.cancel()
        mailTimer = schedule(settings.timeouts.mail, on: context.eventLoop) { handler in handler.apply { $0.timedOut() }
        }
    }

    private func schedule(
        _ interval: Interval, on loop: any EventLoop, _ body: @escaping @Sendable (SMTPClientHandler) -> Void
    ) -> Scheduled<Void> {
        let handler = NIOLoopBound(self, eventLoop: loop)
        return loop.scheduleTask(in: interval.timeAmount) { body(handler.value) }
    }

    private func limit(of step: SMTPClientMachine.Step) -> Interval {
        let timeouts = settings.timeouts
        return switch step {
        case .greeting, .handshake: timeouts.greeting
        case .hello, .startTLS, .authentication, .reset, .sender, .recipient: timeouts.command
        case .data: timeouts.data
        case .content: timeouts.block
        case .final: timeouts.final
        case .ready: settings.idle
        case .quit, .closed: min(timeouts.command, Self.farewell)
        }
    }
}

extension Interval {
    /// For NIO's timers; saturating.
    var timeAmount: TimeAmount {
        let (nanoseconds, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return .nanoseconds(overflow ? .max / 4 : nanoseconds)
    }
}
