// How long a connection may go on. Pure: told what happens and when, it says until when to wait. This is what ends peers that
// send or take a byte now and then.

internal import NIOCore

/// The clock of one connection.
struct ExchangeClock {
    private enum Stage: Hashable { case head, body, work, answer, parting }

    private let limits: DirectoryServerLimits
    private var stage = Stage.head
    private var end: NIODeadline
    private var progress: NIODeadline
    /// Bytes of the body that came since `end` was set.
    private var received = 0
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
        switch stage {
        case .body: deadline = min(deadline, progress + TimeAmount(limits.bodySilence))
        case .answer: deadline = min(deadline, progress + TimeAmount(limits.silence))
        case .head, .work, .parting: break
        }
        return stop.map { min(deadline, $0) } ?? deadline
    }

    /// Whether no further request is answered.
    var isParting: Bool { stage == .parting }

    /// The head of a request has come, and a body is to come. What is announced of its length gives no time: only what
    /// has come gives time for more.
    mutating func receive(at now: NIODeadline) {
        progress = now
        received = 0
        enter(.body, for: limits.bodyWindow, at: now)
    }

    /// Some of the body has come.
    mutating func received(_ bytes: Int, at now: NIODeadline) {
        guard stage == .body, bytes > 0 else { return }
        progress = now
        received += bytes
        guard Double(received) >= limits.bodyWindowBytes else { return }
        received = 0
        enter(.body, for: limits.bodyWindow, at: now)
    }

    /// The whole request has come, and is being worked on.
    mutating func work(at now: NIODeadline) { enter(.work, for: limits.exchange, at: now) }

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
