// Frames that ask for a block (FETCH, DIRECTORY): who answers them, and the way back for the answer. The answer may
// come on any thread; the digest of the question is taken there, not on the event loop.

internal import MixCrypto
internal import Synchronization

/// Answers the frames that ask for a block.
public protocol BlockResponder: Sendable {
    /// One FETCH or DIRECTORY frame with its body of 32,768 bytes. Called on an event loop: hand it over and return.
    /// `reply` is to be called once, on any thread; further calls are ignored, and letting go of it uncalled costs the
    /// connection. The block is `LinkFrame.bodySize` bytes with RECEIVED; with REJECTED it is not looked at and
    /// the dialer gets zeros.
    func respond(to type: FrameType, body: [UInt8], reply: @escaping @Sendable (Answer, [UInt8]) -> Void)
}

/// The bytes of a block that waits to be written, with its place among those of all connections.
struct HeldBlock: Sendable {
    var bytes: [UInt8]
    var place: GatePlace?
}

/// A place in a gate, given back when nobody holds it any more.
final class GatePlace: Sendable {
    private let gate: InFlightGate

    /// Nil if the gate is full.
    init?(in gate: InFlightGate) {
        guard gate.enter() else { return nil }
        self.gate = gate
    }

    deinit { gate.leave() }
}

/// The duty to answer one frame that asks for a block.
final class BlockTicket: Sendable {
    private let number: UInt32
    private let body: [UInt8]
    private let mailbox: AnswerMailbox
    private let place: GatePlace
    private let isAnswered = Atomic<Bool>(false)

    init(number: UInt32, body: [UInt8], mailbox: AnswerMailbox, place: GatePlace) {
        self.number = number
        self.body = body
        self.mailbox = mailbox
        self.place = place
    }

    /// Passes the answer on, if it is the first.
    func reply(_ answer: Answer, block: [UInt8]) {
        guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var entry = AnswerMailbox.Entry(number: number, answer: answer, digest: .sha256(body))
        if case .received = answer {
            precondition(block.count == LinkFrame.bodySize, "a block has \(LinkFrame.bodySize) bytes")
            entry.block = HeldBlock(bytes: block, place: place)
        }
        if mailbox.post(entry) { mailbox.wake() }
    }

    deinit { if !isAnswered.load(ordering: .acquiring) { mailbox.abandon() } }
}
