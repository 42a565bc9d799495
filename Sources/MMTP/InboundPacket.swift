// A packet on its way from a listener to whoever processes it, and the way back for its answer. A packet may be
// unwrapped in place: the digest that its answer must carry is taken when the body is handed out, by the thread that
// asks for it, so that event loops do not spend their time hashing.

internal import MixCrypto
internal import Synchronization
public import WireFormat

/// Takes the packets that a listener accepts.
public protocol PacketReceiver: Sendable {
    /// All packets that came with one read of one connection. Called on an event loop: hand them over and return.
    /// Every packet must be answered once, on any thread; one that is dropped unanswered costs its connection.
    func receive(_ packets: [InboundPacket])
}

/// One packet and the duty to answer it.
public struct InboundPacket: Sendable {
    private var held: [UInt8]
    private var knownDigest: Digest?
    let ticket: AnswerTicket

    init(body: [UInt8], ticket: AnswerTicket) {
        held = body
        self.ticket = ticket
    }

    /// A packet that comes from the node itself, for the same receiver. `answered` is called once, on whatever thread;
    /// a packet that is dropped unanswered counts as rejected because busy.
    public init(local body: [UInt8], answered: @escaping @Sendable (Answer) -> Void) {
        self.init(body: body, ticket: AnswerTicket(.local(answered)))
    }

    /// Moves the packet (32,768 bytes, no other owner) out, after taking its digest, which costs some 20 us.
    public mutating func takeBody() -> [UInt8] {
        if knownDigest == nil { knownDigest = .sha256(held) }
        var body: [UInt8] = []
        swap(&body, &held)
        return body
    }

    /// SHA-256 of the packet as it arrived.
    public var digest: Digest { knownDigest ?? .sha256(held) }

    /// Answers the packet. The first answer counts; more are ignored. For many packets at once use `AnswerBatch`.
    public func answer(_ answer: Answer) {
        ticket.post(answer, digest: digest)?.wake()
    }
}

/// Answers of one thread to many packets: each event loop is woken once for each connection, not for each packet.
public struct AnswerBatch: ~Copyable {
    private var toWake: [AnswerMailbox] = []

    public init() {}

    /// Notes an answer. It may leave before `send`, never after.
    public mutating func add(_ packet: borrowing InboundPacket, _ answer: Answer) {
        if let mailbox = packet.ticket.post(answer, digest: packet.digest) { toWake.append(mailbox) }
    }

    /// Lets all answers go.
    public mutating func send() {
        for mailbox in toWake { mailbox.wake() }
        toWake.removeAll(keepingCapacity: true)
    }

    deinit { for mailbox in toWake { mailbox.wake() } }
}

/// The duty to answer one packet.
final class AnswerTicket: Sendable {
    /// Where the answer goes.
    enum Destination: Sendable {
        /// To a frame of a connection, which holds a place among the frames in flight until then.
        case frame(number: UInt32, AnswerMailbox, InFlightGate)
        /// To the node itself.
        case local(@Sendable (Answer) -> Void)
    }

    private let destination: Destination
    private let isAnswered = Atomic<Bool>(false)

    /// For a frame, the caller has entered the gate.
    init(_ destination: Destination) { self.destination = destination }

    /// Passes the answer on, if it is the first; the mailbox that must be woken for it, if one must.
    func post(_ answer: Answer, digest: @autoclosure () -> Digest) -> AnswerMailbox? {
        guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else { return nil }
        switch destination {
        case .frame(let number, let mailbox, let gate):
            gate.leave()
            let entry = AnswerMailbox.Entry(number: number, answer: answer, digest: digest())
            return mailbox.post(entry) ? mailbox : nil
        case .local(let answered):
            answered(answer)
            return nil
        }
    }

    deinit {
        guard !isAnswered.load(ordering: .acquiring) else { return }
        switch destination {
        case .frame(_, let mailbox, let gate):
            gate.leave()
            mailbox.abandon()
        case .local(let answered):
            answered(.rejected(.busy))
        }
    }
}

/// Counts the packets that the receiver has not answered, of all connections, against a bound.
final class InFlightGate: Sendable {
    private let limit: Int
    private let count = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// Packets inside.
    var current: Int { count.load(ordering: .relaxed) }
    /// Whether another would be one too many.
    var isFull: Bool { current >= limit }

    /// Takes a place; false if there is none.
    func enter() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue > limit else { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    func leave() { count.subtract(1, ordering: .relaxed) }
}
