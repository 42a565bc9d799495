// The listener's side of one connection, without I/O: numbers frames, keeps answers in order although their
// completions are not, and knows when a dialer breaks the rules. Holds at most one body and `LinkFrame.window` digests.

public import WireFormat

/// State of one inbound connection.
public struct ListenerConnectionMachine: Sendable {
    /// What the dialer's bytes amounted to.
    public enum Step {
        /// All bytes are taken in.
        case needMoreBytes
        /// A frame begins; `accept` or `refuse` must be called before the next step.
        case frameBegins(FrameType)
        /// A packet is complete and waits for `answer(number:)`. The body is 32,768 bytes.
        case packet(number: UInt32, body: [UInt8])
        /// A padding frame is complete and answered.
        case padding
        /// A frame is complete and answered with this reason.
        case refused(RejectReason)
        /// The dialer broke the rules; close the connection and feed the machine no more.
        case violation(LinkViolation)
    }

    private struct Slot: Sendable {
        var answer: Answer?
        var digest: Digest?
    }

    private enum Frame {
        case packet, padding
        case refused(RejectReason)
    }

    private var decoder = FrameDecoder()
    private var frame = Frame.padding
    private var begun: FrameType?
    /// Ring of the unanswered frames; `number % window` is a frame's place.
    private var slots = [Slot](repeating: Slot(), count: LinkFrame.window)
    private var oldest: UInt32 = 0
    private var next: UInt32 = 0
    private var isStopping = false
    private var broken: LinkViolation?

    /// A connection on which nothing has been received.
    public init() {}

    /// Frames complete but not answered yet; 0...64.
    public var unanswered: Int { Int(next &- oldest) }
    /// Whether the window has room. While it has none there is no reason to read from the socket.
    public var hasRoom: Bool { unanswered < LinkFrame.window }
    /// Whether part of a frame has been received.
    public var isInsideFrame: Bool { decoder.isInsideFrame }
    /// Whether `stop` was called and nothing is unanswered: the connection may be closed.
    public var isDrained: Bool { isStopping && unanswered == 0 }

    /// From now on new frames are refused as `shuttingDown`.
    public mutating func stop() { isStopping = true }

    /// Takes bytes off the front of `input` until something is complete or `input` is empty.
    public mutating func receive(_ input: inout UnsafeRawBufferPointer) -> Step {
        if let broken { return .violation(broken) }
        switch decoder.next(&input) {
        case .needMoreBytes:
            return .needMoreBytes
        case .header(let type):
            guard hasRoom else { return fail(.windowExceeded) }
            begun = type
            return .frameBegins(type)
        case .body(let body):
            return .packet(number: assignNumber(Slot()), body: body)
        case .digest(let digest):
            switch frame {
            case .refused(let reason):
                _ = assignNumber(Slot(answer: .rejected(reason), digest: digest))
                return .refused(reason)
            case .packet, .padding:
                _ = assignNumber(Slot(answer: .received, digest: digest))
                return .padding
            }
        case .violation(let violation):
            return fail(violation)
        }
    }

    /// Goes on with the frame that has begun. While stopping, and for frame types that are not served, it is refused
    /// all the same.
    public mutating func accept() {
        guard let type = begun else { preconditionFailure("only a frame that has begun can be accepted") }
        if isStopping { return refuse(.shuttingDown) }
        begun = nil
        switch type {
        case .packet: frame = .packet
        case .padding: frame = .padding
        case .fetch, .directory: frame = .refused(.malformed)
        }
        decoder.begin(collecting: type == .packet)
    }

    /// Refuses the frame that has begun; its body is digested as it passes and never held.
    public mutating func refuse(_ reason: RejectReason) {
        guard begun != nil else { preconditionFailure("only a frame that has begun can be refused") }
        begun = nil
        frame = .refused(isStopping ? .shuttingDown : reason)
        decoder.begin(collecting: false)
    }

    /// Notes the answer to packet `number`, whose body had `digest`; false if that packet does not wait for one.
    @discardableResult
    public mutating func answer(number: UInt32, _ answer: Answer, digest: Digest) -> Bool {
        guard number &- oldest < next &- oldest else { return false }
        let place = Int(number) % LinkFrame.window
        guard slots[place].answer == nil else { return false }
        slots[place] = Slot(answer: answer, digest: digest)
        return true
    }

    /// The next answer in order, if it is known.
    mutating func nextAnswer() -> AnswerFrame? {
        guard unanswered > 0 else { return nil }
        let place = Int(oldest) % LinkFrame.window
        guard let answer = slots[place].answer, let digest = slots[place].digest else { return nil }
        defer { oldest &+= 1 }
        return AnswerFrame(answer, number: oldest, digest: digest)
    }

    /// The 40 bytes of the next answer in order, if it is known.
    public mutating func nextAnswerBytes() -> [UInt8]? { nextAnswer()?.bytes }

    private mutating func assignNumber(_ slot: Slot) -> UInt32 {
        defer { next &+= 1 }
        slots[Int(next) % LinkFrame.window] = slot
        return next
    }

    private mutating func fail(_ violation: LinkViolation) -> Step {
        broken = violation
        return .violation(violation)
    }
}
