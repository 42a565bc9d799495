// Until when test mails are surely delivered here. A mail server of the operator's own that is down, full or misconfigured
// looks as if every exit lost its mail; only mail that arrives shows that mail can.

internal import Synchronization
internal import WireFormat

/// Which of the test mails that have not arrived can be called lost.
struct DeliveryProof: Sendable {
    private let deadline: Interval
    /// Those under way, and when they were sent.
    private var sent: [[UInt8]: Timestamp] = [:]
    private var order: [[UInt8]] = []
    /// Until when what arrived shows that mail does.
    private var shown: Timestamp?
    private var lastArrival: Timestamp
    private var sentSinceArrival = 0
    /// Nothing is judged before: none arrived for so long that the fault was this side's.
    private var heldUntil: Timestamp?

    /// Mails under way that are remembered; those of more are not known when they arrive.
    static let limit = 20_000
    /// So many that were sent for nothing, for a whole deadline, are the fault of this side.
    static let enoughForDoubt = 8

    /// How many are remembered.
    var underway: Int { sent.count }

    /// - Parameter deadline: a mail that has not arrived after so long is lost.
    init(deadline: Interval, now: Timestamp) {
        self.deadline = deadline
        lastArrival = now
    }

    /// A mail goes out.
    mutating func sent(_ tag: [UInt8], at time: Timestamp) {
        sent[tag] = time
        order.append(tag)
        sentSinceArrival += 1
        guard order.count > Self.limit else { return }
        for tag in order.prefix(Self.limit / 4) { sent[tag] = nil }
        order.removeFirst(Self.limit / 4)
    }

    /// A mail has arrived, for the first time.
    mutating func arrived(_ tag: [UInt8], at now: Timestamp) {
        guard let time = sent.removeValue(forKey: tag) else { return }
        if now - lastArrival >= deadline, sentSinceArrival >= Self.enoughForDoubt {
            // By then all that were sent meanwhile count for nothing.
            heldUntil = now + deadline * 2
        }
        (lastArrival, sentSinceArrival) = (now, 0)
        // One that is in time was sent after all that are overdue when it arrives, and shows that these could have arrived. One
        // that is late shows it only of those that were overdue when it was sent.
        let until = now - time < deadline ? now : time
        shown = max(shown ?? until, until)
    }

    /// The Maildir was read to its end at `began`: as of when it counts as emptied, nil if it does not. A mail that is overdue
    /// then is lost, for one that was sent later has arrived.
    mutating func emptied(at began: Timestamp) -> Timestamp? {
        guard let time = shown.map({ min($0, began) }) else { return nil }
        guard let until = heldUntil else { return time }
        // A clock that was set back ends it too.
        guard time >= until || until - began > deadline * 3 else { return nil }
        heldUntil = nil
        return time
    }
}

/// A `DeliveryProof` for many.
final class DeliveryBook: Sendable {
    private let proof: Mutex<DeliveryProof>

    init(_ proof: DeliveryProof) { self.proof = Mutex(proof) }

    func sent(_ tag: [UInt8], at time: Timestamp) { proof.withLock { $0.sent(tag, at: time) } }
    func arrived(_ tag: [UInt8], at now: Timestamp) { proof.withLock { $0.arrived(tag, at: now) } }
    func emptied(at began: Timestamp) -> Timestamp? { proof.withLock { $0.emptied(at: began) } }
}
