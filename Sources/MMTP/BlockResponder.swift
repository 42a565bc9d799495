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

/// The frames that ask for a block and are not dealt with: a bound for all connections, and a smaller one for each part of
/// the network, so that whoever asks and does not read shuts nobody else out.
final class AskGate: Sendable {
    private let gate: InFlightGate
    private let shareOfOne: Int
    private let seats = Mutex<[PeerLimits.Seat: Int]>([:])

    /// - Parameter limit: of all connections. One part of the network has an eighth of it, at least what one connection may
    ///   have.
    init(limit: Int) {
        gate = InFlightGate(limit: limit)
        shareOfOne = max(LinkFrame.askWindow, limit / 8)
    }

    /// Places that are taken.
    var current: Int { gate.current }

    /// Whether another frame of `seat` would be one too many.
    func isFull(for seat: PeerLimits.Seat) -> Bool {
        gate.isFull || seats.withLock { $0[seat] ?? 0 } >= shareOfOne
    }

    fileprivate func enter(_ seat: PeerLimits.Seat) -> Bool {
        guard gate.enter() else { return false }
        let isIn = seats.withLock { seats in
            guard seats[seat, default: 0] < shareOfOne else { return false }
            seats[seat, default: 0] += 1
            return true
        }
        if !isIn { gate.leave() }
        return isIn
    }

    fileprivate func leave(_ seat: PeerLimits.Seat) {
        seats.withLock { seats in
            guard let count = seats[seat] else { return }
            seats[seat] = count > 1 ? count - 1 : nil
        }
        gate.leave()
    }
}

/// A place in the gate, given back when nobody holds it any more.
final class GatePlace: Sendable {
    private let gate: AskGate
    private let seat: PeerLimits.Seat

    /// Nil if the gate is full for `seat`.
    init?(in gate: AskGate, for seat: PeerLimits.Seat) {
        guard gate.enter(seat) else { return nil }
        self.gate = gate
        self.seat = seat
    }

    deinit { gate.leave(seat) }
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
