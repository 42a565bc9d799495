// One inbound connection on its event loop: feeds the machine, hands packets on, writes answers, keeps time. Reading
// stops while the window is full or answers pile up unsent, so that a fast sender is slowed by TCP and not by memory.

internal import MixCrypto
internal import NIOCore
internal import NIOTLS
internal import WireFormat

/// The last handler of a listener's connection, above TLS.
final class ListenerHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase { case handshaking, open, closing }

    private let core: ListenerCore
    private let seat: PeerLimits.Seat
    private let closer: TransportCloser
    private let mailbox: AnswerMailbox
    private var context: ChannelHandlerContext?
    private var phase = Phase.handshaking
    private var machine: ListenerConnectionMachine
    private var isReadHeld = false
    private var isWriting = false
    private var unwritableSince: NIODeadline?
    private var timer: Scheduled<Void>?
    private var lastFrame = NIODeadline.now()
    private var frameBegan: NIODeadline?
    private var answers = ByteBuffer()

    init(core: ListenerCore, seat: PeerLimits.Seat, closer: TransportCloser, eventLoop: any EventLoop) {
        self.core = core
        self.seat = seat
        self.closer = closer
        mailbox = AnswerMailbox(eventLoop: eventLoop)
        machine = ListenerConnectionMachine(answersAsks: core.responder != nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        mailbox.open(for: self)
        schedule(in: core.configuration.handshakeTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        mailbox.close()
        self.context = nil
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        if mayRead(context) { context.read() } else { isReadHeld = true }
    }

    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        phase != .open || (machine.hasRoom && context.channel.isWritable)
    }

    private func resumeReading(_ context: ChannelHandlerContext) {
        guard isReadHeld, mayRead(context) else { return }
        isReadHeld = false
        if frameBegan != nil { frameBegan = .now() }
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : .now()
        // This may come from within a write, which goes on by itself.
        if phase == .open, unwritableSince == nil, !isWriting { writeAnswers(context) } else { resumeReading(context) }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open else { return }
        let buffer = Self.unwrapInboundIn(data)
        let now = NIODeadline.now()
        var packets: [InboundPacket] = []
        let violation = buffer.withUnsafeReadableBytes { bytes in
            var input = bytes
            return receive(&input, now: now, packets: &packets)
        }
        if !packets.isEmpty {
            core.count(.packet, packets.count)
            core.receiver.receive(packets)
        }
        if let violation {
            core.count(.violation(violation), 1)
            core.punish(seat)
            closeHard()
        } else {
            writeAnswers(context)
        }
    }

    /// Feeds the machine to the end of `input`; the violation that stopped it, if one did.
    private func receive(
        _ input: inout UnsafeRawBufferPointer, now: NIODeadline, packets: inout [InboundPacket]
    ) -> LinkViolation? {
        while true {
            switch machine.receive(&input) {
            case .needMoreBytes:
                if !machine.isInsideFrame { frameBegan = nil } else if frameBegan == nil { frameBegan = now }
                return nil
            case .frameBegins(let type):
                frameBegan = now
                if type.asksForBlock ? core.askGate.isFull(for: seat) : core.gate.isFull {
                    machine.refuse(.busy)
                } else if !core.takeFrame(seat) {
                    machine.refuse(.rateLimited)
                } else {
                    machine.accept()
                }
            case .packet(let number, let body):
                lastFrame = now
                if core.gate.enter() {
                    let ticket = AnswerTicket(.frame(number: number, mailbox, core.gate))
                    packets.append(InboundPacket(body: body, ticket: ticket))
                } else {
                    machine.answer(number: number, .rejected(.busy), digest: .sha256(body))
                    core.count(.rejected(.busy), 1)
                }
            case .ask(let type, let number, let body):
                lastFrame = now
                ask(type, number: number, body: body)
            case .padding:
                lastFrame = now
                core.count(.padding, 1)
            case .refused(let reason):
                lastFrame = now
                core.count(.rejected(reason), 1)
            case .violation(let violation):
                return violation
            }
        }
    }

    private func ask(_ type: FrameType, number: UInt32, body: [UInt8]) {
        guard let responder = core.responder, let place = GatePlace(in: core.askGate, for: seat) else {
            machine.answer(number: number, .rejected(.busy), digest: .sha256(body))
            core.count(.rejected(.busy), 1)
            return
        }
        core.count(.ask, 1)
        let ticket = BlockTicket(number: number, body: body, mailbox: mailbox, place: place)
        responder.respond(to: type, body: body) { answer, block in ticket.reply(answer, block: block) }
    }

    // MARK: Answering

    /// Takes what the receiver has answered so far.
    func takeAnswers() {
        let (entries, isAbandoned) = mailbox.drain()
        guard phase == .open, let context else { return }
        for entry in entries {
            _ = machine.answer(number: entry.number, entry.answer, digest: entry.digest, block: entry.block)
            switch entry.answer {
            case .received: core.count(.received, 1)
            case .rejected(let reason): core.count(.rejected(reason), 1)
            }
        }
        writeAnswers(context)
        if isAbandoned {
            core.count(.abandoned, 1)
            closeOrderly(context)
        }
    }

    /// Writes every answer whose turn has come. Each is a write of its own and so a TLS record of its own, or three if a
    /// block follows it. A block waits in the machine until the socket takes bytes.
    private func writeAnswers(_ context: ChannelHandlerContext) {
        isWriting = true
        answers.clear()
        while let answer = machine.nextAnswer(withBlock: context.channel.isWritable) {
            if case .none = answer.block {
                write(answer.frame)
                continue
            }
            flushAnswers(context, recordSize: AnswerFrame.size)
            write(answer.frame)
            if case .held(let block) = answer.block {
                answers.writeBytes(block.bytes)
            } else {
                answers.writeRepeatingByte(0, count: LinkFrame.bodySize)
            }
            flushAnswers(context, recordSize: LinkFrame.blockRecordSize)
        }
        flushAnswers(context, recordSize: AnswerFrame.size)
        isWriting = false
        if machine.isDrained { closeOrderly(context) } else { resumeReading(context) }
    }

    private func write(_ answer: AnswerFrame) {
        answers.writeInteger(answer.head)
        answers.writeInteger(answer.number)
        answer.digest.withBytes { _ = answers.writeBytes($0) }
    }

    private func flushAnswers(_ context: ChannelHandlerContext, recordSize: Int) {
        guard answers.readableBytes > 0 else { return }
        while let piece = answers.readSlice(length: recordSize) {
            context.write(Self.wrapOutboundOut(piece), promise: nil)
        }
        context.flush()
        answers.clear()
    }

    // MARK: Beginning and end

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted(let protocolName) = event, phase == .handshaking
        {
            guard protocolName == LinkTLS.protocolName else {
                core.count(.wrongProtocol, 1)
                return closeHard()
            }
            phase = .open
            lastFrame = .now()
            core.count(.opened, 1)
            if machine.isDrained { closeOrderly(context) } else { scheduleCheck() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if phase == .handshaking {
            // The reason is the peer's business; what it says is not looked at.
            core.count(.handshakeFailed, 1)
        }
        closeHard()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if phase == .handshaking { core.count(.handshakeFailed, 1) }
        phase = .closing
        context.fireChannelInactive()
    }

    /// Refuses further frames, lets those in flight be answered, then closes.
    func stop() {
        machine.stop()
        guard let context else { return }
        switch phase {
        case .handshaking: closeHard()
        case .open: if machine.isDrained { closeOrderly(context) }
        case .closing: break
        }
    }

    private func closeOrderly(_ context: ChannelHandlerContext) {
        guard phase != .closing else { return }
        phase = .closing
        context.close(promise: nil)
        // The end of TLS needs the peer's last record.
        resumeReading(context)
    }

    private func closeHard() {
        phase = .closing
        closer.close()
    }

    // MARK: Time

    private func scheduleCheck() {
        schedule(
            in: min(
                core.configuration.frameTimeout, core.configuration.loadedIdleTimeout, core.configuration.idleTimeout))
    }

    private func schedule(in interval: Interval) {
        timer?.cancel()
        timer = context?.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(interval.milliseconds)) {
            self.check()
        }
    }

    private func check() {
        guard let context else { return }
        switch phase {
        case .handshaking:
            core.count(.handshakeTimeout, 1)
            closeHard()
        case .open:
            let now = NIODeadline.now()
            if let frameBegan, !isReadHeld,
                now - frameBegan >= .milliseconds(core.configuration.frameTimeout.milliseconds)
            {
                core.count(.frameTimeout, 1)
                return closeHard()
            }
            if let unwritableSince,
                now - unwritableSince >= .milliseconds(core.configuration.frameTimeout.milliseconds)
            {
                core.count(.writeTimeout, 1)
                return closeHard()
            }
            let idle = core.isUnderLoad ? core.configuration.loadedIdleTimeout : core.configuration.idleTimeout
            // While an answer is owed the silence is ours.
            if machine.unanswered == 0, now - lastFrame >= .milliseconds(idle.milliseconds) {
                core.count(.idleTimeout, 1)
                return closeOrderly(context)
            }
            scheduleCheck()
        case .closing:
            break
        }
    }
}
