// The dialer's side of one connection, without I/O: keeps the window and matches answers to frames by order, number
// and digest. Holds at most `LinkFrame.window` digests and part of one answer with its block.

public import WireFormat

/// What a listener did that ends the connection to it.
public enum AnswerViolation: Error, Hashable, Sendable {
    /// Forty bytes that are no answer, or a block of other bytes than zeros after REJECTED.
    case malformed
    /// An answer although no frame waits for one.
    case unasked
    /// An answer to another frame than the oldest.
    case wrongNumber
    /// An answer to another body than the one sent.
    case wrongDigest
}

/// State of one outbound connection.
public struct DialerConnectionMachine: Sendable {
    /// What the listener's bytes amounted to.
    public enum Step: Equatable {
        /// All bytes are taken in.
        case needMoreBytes
        /// The oldest unanswered frame, of this number, is answered.
        case answered(number: UInt32, Answer)
        /// The same for a frame that asked for a block, which is 32,768 bytes.
        case answeredWithBlock(number: UInt32, Answer, block: [UInt8])
        /// The listener broke the rules; close the connection.
        case violation(AnswerViolation)
    }

    private var digests = [Digest?](repeating: nil, count: LinkFrame.window)
    private var oldest: UInt32 = 0
    private var next: UInt32 = 0
    private var partial: [UInt8] = []
    /// Bit `number % window`: the unanswered frame asked for a block.
    private var asks: UInt64 = 0
    /// The oldest frame's answer, while the block that follows it is being received into `block`.
    private var answerBeforeBlock: AnswerFrame?
    private var block: [UInt8] = []
    private var broken: AnswerViolation?
    private var isClosed = false

    /// A connection on which nothing has been sent.
    public init() { partial.reserveCapacity(AnswerFrame.size) }

    /// Frames sent but not answered; 0...64.
    public var unanswered: Int { Int(next &- oldest) }
    /// How many frames may be sent now.
    public var room: Int { isClosed || broken != nil ? 0 : LinkFrame.window - unanswered }

    /// How many frames that ask for a block may be sent now.
    public var roomForAsks: Int { min(room, LinkFrame.askWindow - asks.nonzeroBitCount) }

    /// Notes that a frame with this body's digest is being sent; its number. Only while `room` is not zero, and
    /// `roomForAsks` if it asks for a block. Without a digest the answer is matched by its number.
    public mutating func send(digest: Digest?, asksForBlock: Bool = false) -> UInt32 {
        precondition(room > 0, "a frame is sent only when the window has room")
        defer { next &+= 1 }
        let place = Int(next) % LinkFrame.window
        digests[place] = digest
        if asksForBlock {
            precondition(roomForAsks > 0, "a frame that asks for a block is sent only when their window has room")
            asks |= 1 << UInt64(place)
        }
        return next
    }

    /// Takes bytes off the front of `input` until an answer is complete or `input` is empty.
    public mutating func receive(_ input: inout UnsafeRawBufferPointer) -> Step {
        if let broken { return .violation(broken) }
        guard !isClosed else {
            input = UnsafeRawBufferPointer(start: nil, count: 0)
            return .needMoreBytes
        }
        if let answerBeforeBlock { return receiveBlock(after: answerBeforeBlock, &input) }
        let answer: AnswerFrame?
        if partial.isEmpty, input.count >= AnswerFrame.size {
            answer = AnswerFrame(UnsafeRawBufferPointer(rebasing: input.prefix(AnswerFrame.size)))
            input = UnsafeRawBufferPointer(rebasing: input.dropFirst(AnswerFrame.size))
        } else {
            let piece = input.prefix(AnswerFrame.size - partial.count)
            partial.append(contentsOf: piece)
            input = UnsafeRawBufferPointer(rebasing: input.dropFirst(piece.count))
            guard partial.count == AnswerFrame.size else { return .needMoreBytes }
            answer = partial.withUnsafeBytes { AnswerFrame($0) }
            partial.removeAll(keepingCapacity: true)
        }
        guard let answer else { return fail(.malformed) }
        guard unanswered > 0 else { return fail(.unasked) }
        guard answer.number == oldest else { return fail(.wrongNumber) }
        let place = Int(oldest) % LinkFrame.window
        if let digest = digests[place], answer.digest != digest { return fail(.wrongDigest) }
        if asks & 1 << UInt64(place) != 0 {
            answerBeforeBlock = answer
            block.reserveCapacity(LinkFrame.bodySize)
            return receiveBlock(after: answer, &input)
        }
        oldest &+= 1
        return .answered(number: answer.number, answer.answer)
    }

    private mutating func receiveBlock(after answer: AnswerFrame, _ input: inout UnsafeRawBufferPointer) -> Step {
        let piece = input.prefix(LinkFrame.bodySize - block.count)
        block.append(contentsOf: piece)
        input = UnsafeRawBufferPointer(rebasing: input.dropFirst(piece.count))
        guard block.count == LinkFrame.bodySize else { return .needMoreBytes }
        var whole: [UInt8] = []
        swap(&whole, &block)
        answerBeforeBlock = nil
        if case .rejected = answer.answer, whole.contains(where: { $0 != 0 }) { return fail(.malformed) }
        asks &= ~(1 << UInt64(Int(oldest) % LinkFrame.window))
        oldest &+= 1
        return .answeredWithBlock(number: answer.number, answer.answer, block: whole)
    }

    /// Ends the connection: the numbers of the frames that were sent and never answered, oldest first.
    public mutating func close() -> [UInt32] {
        let numbers = (0..<UInt32(unanswered)).map { oldest &+ $0 }
        oldest = next
        asks = 0
        block = []
        isClosed = true
        return numbers
    }

    private mutating func fail(_ violation: AnswerViolation) -> Step {
        broken = violation
        return .violation(violation)
    }
}
