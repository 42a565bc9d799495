// The listener's side of one connection, without I/O: numbers frames, keeps answers in order although their
// completions are not, and knows when a dialer breaks the rules. Holds at most one body, `LinkFrame.window` digests and
// `LinkFrame.askWindow` blocks.

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
        /// A frame that asks for a block is complete and waits for `answer(number:)`. The body is 32,768 bytes.
        case ask(FrameType, number: UInt32, body: [UInt8])
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
        case ask(FrameType)
        case refused(RejectReason)
    }

    private var decoder = FrameDecoder()
    private var frame = Frame.padding
    private var begun: FrameType?
    private var begunAsks = false
    /// Ring of the unanswered frames; `number % window` is a frame's place.
    private var slots = [Slot](repeating: Slot(), count: LinkFrame.window)
    private var oldest: UInt32 = 0
    private var next: UInt32 = 0
    /// Bit `number % window`: the unanswered frame asked for a block.
    private var asks: UInt64 = 0
    /// Blocks by frame number; an answer without one here is followed by zeros if its frame asked for a block.
    private var blocks: [UInt32: HeldBlock] = [:]
    private let answersAsks: Bool
    private var isStopping = false
    private var broken: LinkViolation?

    /// A connection on which nothing has been received. With `answersAsks` false, frames that ask for a block are
    /// refused as malformed.
    public init(answersAsks: Bool = false) { self.answersAsks = answersAsks }

    /// Frames complete but not answered yet; 0...64.
    public var unanswered: Int { Int(next &- oldest) }
    /// How many of them ask for a block; 0...8.
    public var unansweredAsks: Int { asks.nonzeroBitCount }
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
            if type.asksForBlock, unansweredAsks >= LinkFrame.askWindow { return fail(.askWindowExceeded) }
            begun = type
            begunAsks = type.asksForBlock
            return .frameBegins(type)
        case .body(let body):
            let number = assignNumber(Slot())
            if case .ask(let type) = frame { return .ask(type, number: number, body: body) }
            return .packet(number: number, body: body)
        case .digest(let digest):
            switch frame {
            case .refused(let reason):
                _ = assignNumber(Slot(answer: .rejected(reason), digest: digest))
                return .refused(reason)
            case .packet, .padding, .ask:
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
        case .fetch, .directory: frame = answersAsks ? .ask(type) : .refused(.malformed)
        }
        decoder.begin(collecting: type == .packet || (type.asksForBlock && answersAsks))
    }

    /// Refuses the frame that has begun; its body is digested as it passes and never held.
    public mutating func refuse(_ reason: RejectReason) {
        guard begun != nil else { preconditionFailure("only a frame that has begun can be refused") }
        begun = nil
        frame = .refused(isStopping ? .shuttingDown : reason)
        decoder.begin(collecting: false)
    }

    /// Notes the answer to frame `number`, whose body had `digest`; false if that frame does not wait for one.
    @discardableResult
    public mutating func answer(number: UInt32, _ answer: Answer, digest: Digest) -> Bool {
        self.answer(number: number, answer, digest: digest, block: nil)
    }

    /// The same for a frame that asked for a block, with the block; without one, zeros follow the answer.
    mutating func answer(number: UInt32, _ answer: Answer, digest: Digest, block: HeldBlock?) -> Bool {
        guard number &- oldest < next &- oldest else { return false }
        let place = Int(number) % LinkFrame.window
        guard slots[place].answer == nil else { return false }
        slots[place] = Slot(answer: answer, digest: digest)
        if let block, asks & 1 << UInt64(place) != 0 { blocks[number] = block }
        return true
    }

    /// An answer whose turn has come.
    struct OrderedAnswer {
        var frame: AnswerFrame
        /// What follows it.
        var block: Block
        enum Block {
            case none, zeros
            case held(HeldBlock)
        }
    }

    /// The next answer in order, if it is known; nil also if a block would follow it and `withBlock` is false.
    mutating func nextAnswer(withBlock: Bool = true) -> OrderedAnswer? {
        guard unanswered > 0 else { return nil }
        let place = Int(oldest) % LinkFrame.window
        guard let answer = slots[place].answer, let digest = slots[place].digest else { return nil }
        var block = OrderedAnswer.Block.none
        if asks & 1 << UInt64(place) != 0 {
            guard withBlock else { return nil }
            asks &= ~(1 << UInt64(place))
            block = blocks.removeValue(forKey: oldest).map { .held($0) } ?? .zeros
        }
        defer { oldest &+= 1 }
        return OrderedAnswer(frame: AnswerFrame(answer, number: oldest, digest: digest), block: block)
    }

    /// The bytes of the next answer in order, if it is known: 40, or 32,808 with a block.
    public mutating func nextAnswerBytes() -> [UInt8]? {
        guard let next = nextAnswer() else { return nil }
        return switch next.block {
        case .none: next.frame.bytes
        case .zeros: next.frame.bytes + [UInt8](repeating: 0, count: LinkFrame.bodySize)
        case .held(let block): next.frame.bytes + block.bytes
        }
    }

    private mutating func assignNumber(_ slot: Slot) -> UInt32 {
        defer { next &+= 1 }
        let place = Int(next) % LinkFrame.window
        slots[place] = slot
        if begunAsks { asks |= 1 << UInt64(place) }
        return next
    }

    private mutating func fail(_ violation: LinkViolation) -> Step {
        broken = violation
        return .violation(violation)
    }
}
