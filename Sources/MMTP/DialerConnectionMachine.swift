// The dialer's side of one connection, without I/O: keeps the window and matches answers to frames by order, number
// and digest. Holds at most `LinkFrame.window` digests and part of one answer.

public import WireFormat

/// What a listener did that ends the connection to it.
public enum AnswerViolation: Error, Hashable, Sendable {
    /// Forty bytes that are no answer.
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
        /// The listener broke the rules; close the connection.
        case violation(AnswerViolation)
    }

    private var digests = [Digest?](repeating: nil, count: LinkFrame.window)
    private var oldest: UInt32 = 0
    private var next: UInt32 = 0
    private var partial: [UInt8] = []
    private var broken: AnswerViolation?
    private var isClosed = false

    /// A connection on which nothing has been sent.
    public init() { partial.reserveCapacity(AnswerFrame.size) }

    /// Frames sent but not answered; 0...64.
    public var unanswered: Int { Int(next &- oldest) }
    /// How many frames may be sent now.
    public var room: Int { isClosed || broken != nil ? 0 : LinkFrame.window - unanswered }

    /// Notes that a frame with this body's digest is being sent; its number. Only while `room` is not zero. Without a
    /// digest the answer is matched by its number.
    public mutating func send(digest: Digest?) -> UInt32 {
        precondition(room > 0, "a frame is sent only when the window has room")
        defer { next &+= 1 }
        digests[Int(next) % LinkFrame.window] = digest
        return next
    }

    /// Takes bytes off the front of `input` until an answer is complete or `input` is empty.
    public mutating func receive(_ input: inout UnsafeRawBufferPointer) -> Step {
        if let broken { return .violation(broken) }
        guard !isClosed else {
            input = UnsafeRawBufferPointer(start: nil, count: 0)
            return .needMoreBytes
        }
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
        if let digest = digests[Int(oldest) % LinkFrame.window], answer.digest != digest { return fail(.wrongDigest) }
        oldest &+= 1
        return .answered(number: answer.number, answer.answer)
    }

    /// Ends the connection: the numbers of the frames that were sent and never answered, oldest first.
    public mutating func close() -> [UInt32] {
        let numbers = (0..<UInt32(unanswered)).map { oldest &+ $0 }
        oldest = next
        isClosed = true
        return numbers
    }

    private mutating func fail(_ violation: AnswerViolation) -> Step {
        broken = violation
        return .violation(violation)
    }
}
