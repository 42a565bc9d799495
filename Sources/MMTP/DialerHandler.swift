// One outbound connection on its event loop: keeps the window full, matches answers, gives back what stays unanswered.

internal import NIOCore
internal import NIOTLS
internal import WireFormat

/// The last handler of a dialer's connection, above TLS.
final class DialerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The reports of one call of `send`; nil for padding, of which nobody wants to know.
    typealias Report = @Sendable (_ index: Int, _ outcome: FrameOutcome) -> Void

    /// The report of a frame that asked for a block.
    typealias BlockReport = @Sendable (Result<(answer: Answer, block: [UInt8]), DialFailure>) -> Void

    struct Pending: Sendable {
        var type: FrameType
        var body: [UInt8]
        /// What the answer must carry; nil for a frame whose answer is matched by its number alone.
        var digest: Digest?
        var sender: Sender
    }

    /// Who hears what became of a frame.
    enum Sender: Sendable {
        case outcome(index: Int, Report?)
        case block(BlockReport)

        func hear(_ answer: Answer, block: [UInt8]) {
            switch self {
            case .outcome(let index, let report):
                switch answer {
                case .received: report?(index, .received)
                case .rejected(let reason): report?(index, .rejected(reason))
                }
            case .block(let report): report(.success((answer, block)))
            }
        }

        func hear(_ failure: DialFailure) {
            switch self {
            case .outcome(let index, let report): report?(index, .notAcknowledged(failure))
            case .block(let report): report(.failure(failure))
            }
        }
    }

    private enum Phase { case handshaking, open, finishing, closed }

    /// Frames encrypted and written at a time: enough to make a system call worth it, few enough to keep the
    /// buffers of a connection at a quarter of a megabyte.
    private static let framesPerFlush = 4

    private let configuration: DialerConfiguration
    private let closer: TransportCloser
    private let verdict: VerificationVerdict
    private let ready: EventLoopPromise<Void>
    private let ended: EventLoopPromise<DialFailure>
    private let dequeued: @Sendable (Int) -> Void
    private var context: ChannelHandlerContext?
    private var phase = Phase.handshaking
    private var machine = DialerConnectionMachine()
    private var pending = CircularBuffer<Pending>()
    /// Frames that ask for a block; they have a window of their own, and packets need not wait for it.
    private var pendingAsks = CircularBuffer<Pending>()
    private var inFlight = CircularBuffer<Sender>()
    private var scratch = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var lastProgress = NIODeadline.now()

    /// `ready` is completed when frames may be sent, `ended` at the end; `dequeued` hears how many frames left the
    /// queue.
    init(
        configuration: DialerConfiguration, closer: TransportCloser, verdict: VerificationVerdict,
        ready: EventLoopPromise<Void>, ended: EventLoopPromise<DialFailure>, dequeued: @escaping @Sendable (Int) -> Void
    ) {
        self.configuration = configuration
        self.closer = closer
        self.verdict = verdict
        self.ready = ready
        self.ended = ended
        self.dequeued = dequeued
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.closed)
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        schedule(in: .milliseconds(configuration.handshakeTimeout.milliseconds))
        context.fireChannelActive()
    }

    // MARK: Sending

    /// Queues frames behind those that wait.
    func enqueue(_ frames: [Pending]) {
        guard phase == .open else {
            dequeued(frames.count)
            for frame in frames { frame.sender.hear(.closed) }
            return
        }
        pending.append(contentsOf: frames)
        pump()
    }

    /// Queues a frame that asks for a block.
    func enqueue(ask frame: Pending) {
        guard phase == .open else {
            dequeued(1)
            return frame.sender.hear(.closed)
        }
        pendingAsks.append(frame)
        pump()
    }

    /// The next frame that may leave.
    private func nextFrame() -> Pending? {
        if !pendingAsks.isEmpty, machine.roomForAsks > 0 { return pendingAsks.popFirst() }
        return machine.room > 0 ? pending.popFirst() : nil
    }

    private var mayLeave: Bool {
        machine.room > 0 && (!pending.isEmpty || (!pendingAsks.isEmpty && machine.roomForAsks > 0))
    }

    /// Sends as much as the window and the socket take.
    private func pump() {
        guard phase == .open || phase == .finishing, let context else { return }
        if inFlight.isEmpty { lastProgress = .now() }
        while mayLeave, context.channel.isWritable {
            scratch.clear(minimumCapacity: Self.framesPerFlush * LinkFrame.size)
            var count = 0
            while count < Self.framesPerFlush, let frame = nextFrame() {
                scratch.writeInteger(LinkFrame.header(frame.type))
                scratch.writeBytes(frame.body)
                _ = machine.send(digest: frame.digest, asksForBlock: frame.type.asksForBlock)
                inFlight.append(frame.sender)
                count += 1
            }
            dequeued(count)
            // Every write becomes one TLS record, so all records have one size.
            while let piece = scratch.readSlice(length: LinkFrame.recordSize) {
                context.write(Self.wrapOutboundOut(piece), promise: nil)
            }
            context.flush()
        }
        if inFlight.isEmpty {
            if phase == .finishing, pending.isEmpty, pendingAsks.isEmpty { closeOrderly(context) }
        } else if timer == nil {
            schedule(in: .milliseconds(configuration.answerTimeout.milliseconds))
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pump()
        context.fireChannelWritabilityChanged()
    }

    /// Takes no more frames and closes when all are answered.
    func finish() {
        guard phase == .open else { return }
        phase = .finishing
        pump()
    }

    /// Closes now; what is unanswered is given back.
    func close() {
        guard let context else { return end(.closed) }
        if phase == .handshaking { fail(.closed) } else { closeOrderly(context) }
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open || phase == .finishing else { return }
        let buffer = Self.unwrapInboundIn(data)
        var isProgress = false
        let violation: AnswerViolation? = buffer.withUnsafeReadableBytes { bytes in
            var input = bytes
            while true {
                switch machine.receive(&input) {
                case .needMoreBytes:
                    return nil
                case .answered(_, let answer):
                    guard let sender = inFlight.popFirst() else { return .unasked }
                    // Only whole answers count as progress, or a byte now and then would put the deadline off.
                    isProgress = true
                    sender.hear(answer, block: [])
                case .answeredWithBlock(_, let answer, let block):
                    guard let sender = inFlight.popFirst() else { return .unasked }
                    isProgress = true
                    sender.hear(answer, block: block)
                case .violation(let violation):
                    return violation
                }
            }
        }
        if let violation { return fail(.violation(violation)) }
        guard isProgress else { return }
        lastProgress = .now()
        pump()
    }

    // MARK: Beginning and end

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted(let protocolName) = event, phase == .handshaking
        {
            guard protocolName == LinkTLS.protocolName else { return fail(.wrongProtocol) }
            phase = .open
            timer?.cancel()
            timer = nil
            ready.succeed(())
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(phase == .handshaking ? verdict.failure ?? .handshakeFailed : .closed)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(phase == .handshaking ? verdict.failure ?? .handshakeFailed : .closed)
        context.fireChannelInactive()
    }

    private func closeOrderly(_ context: ChannelHandlerContext) {
        end(.closed)
        context.close(promise: nil)
    }

    private func fail(_ failure: DialFailure) {
        end(failure)
        closer.close()
    }

    /// Gives everything unanswered back and tells of the end, once.
    private func end(_ failure: DialFailure) {
        guard phase != .closed else { return }
        phase = .closed
        timer?.cancel()
        timer = nil
        _ = machine.close()
        dequeued(pending.count + pendingAsks.count)
        while let sender = inFlight.popFirst() { sender.hear(failure) }
        while let frame = pending.popFirst() { frame.sender.hear(failure) }
        while let frame = pendingAsks.popFirst() { frame.sender.hear(failure) }
        // If it was ready before, this changes nothing.
        ready.fail(failure)
        ended.succeed(failure)
    }

    // MARK: Time

    private func schedule(in time: TimeAmount) {
        timer = context?.eventLoop.assumeIsolated().scheduleTask(in: time) { self.check() }
    }

    private func check() {
        timer = nil
        switch phase {
        case .handshaking:
            fail(.handshakeTimeout)
        case .open, .finishing:
            guard !inFlight.isEmpty else { return }
            let left = .milliseconds(configuration.answerTimeout.milliseconds) - (NIODeadline.now() - lastProgress)
            if left <= .zero { fail(.silence) } else { schedule(in: left) }
        case .closed:
            break
        }
    }
}

/// What the certificate check of one connection found; used on its event loop alone.
final class VerificationVerdict {
    /// Nil until a check has failed.
    var failure: DialFailure?
}
