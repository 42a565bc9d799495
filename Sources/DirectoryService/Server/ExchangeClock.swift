// How long a connection may go on. Pure: told what happens and when, it says until when to wait. This is what ends peers that
// send or take a byte now and then.

internal import NIOCore

/// The clock of one connection.
struct ExchangeClock {
    private enum Stage: Hashable { case head, exchange, answer, parting }

    private let limits: DirectoryServerLimits
    private var stage = Stage.head
    private var end: NIODeadline
    private var progress: NIODeadline
    private var stop: NIODeadline?

    /// A connection that has just begun.
    init(_ limits: DirectoryServerLimits, at now: NIODeadline) {
        self.limits = limits
        end = now + TimeAmount(limits.firstHead)
        progress = now
    }

    /// When the connection must be closed, if nothing else happens.
    var deadline: NIODeadline {
        var deadline = end
        if stage == .answer { deadline = min(deadline, progress + TimeAmount(limits.silence)) }
        return stop.map { min(deadline, $0) } ?? deadline
    }

    /// Whether no further request is answered.
    var isParting: Bool { stage == .parting }

    /// The head of a request has come, and a body of at most `bytes` bytes is to come.
    mutating func begin(receiving bytes: Int, at now: NIODeadline) {
        enter(.exchange, for: limits.exchange(of: bytes), at: now)
    }

    /// An answer of `bytes` bytes is being sent.
    mutating func answer(sending bytes: Int, at now: NIODeadline) {
        progress = now
        enter(.answer, for: limits.exchange(of: bytes), at: now)
    }

    /// The peer has taken some of the answer.
    mutating func advance(at now: NIODeadline) { progress = now }

    /// The answer is sent. If it is the `last`, the connection goes on only for the peer to read it.
    mutating func finish(last: Bool, at now: NIODeadline) {
        enter(last ? .parting : .head, for: last ? limits.parting : limits.nextHead, at: now)
    }

    /// The server stops.
    mutating func stopping(at now: NIODeadline) { stop = now + TimeAmount(limits.stopping) }

    private mutating func enter(_ next: Stage, for duration: Duration, at now: NIODeadline) {
        guard stage != .parting else { return }
        stage = next
        end = now + TimeAmount(duration)
    }
}
