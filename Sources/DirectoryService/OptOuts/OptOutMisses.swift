// Statements of opt-outs that were to be had nowhere: a descriptor can name a digest that nobody has, and a hundred such nodes
// must not make every exit ask all sources a thousand times at each refresh.

internal import Synchronization
internal import WireFormat

/// What was not to be had, and when it is asked for again. One for the time that a process runs.
public final class OptOutMisses: Sendable {
    private struct Miss {
        var until: Timestamp
        var pause: Interval
    }

    /// Slots that pass before what was not to be had is asked for again: at first, doubling each time, and at most. With slots
    /// of 20 minutes, 10 minutes and 5 h 20 min.
    static let firstPause = (slots: Int64(1), parts: Int64(2))
    static let longestPause = Int64(16)

    private let misses = Mutex<[Digest: Miss]>([:])

    public init() {}

    /// Digests that are remembered.
    var count: Int { misses.withLock { $0.count } }

    /// Whether it is time to ask for a statement.
    func isDue(_ digest: Digest, at now: Timestamp) -> Bool {
        misses.withLock { misses in
            guard let miss = misses[digest] else { return true }
            // A clock that was set back must not prolong it.
            return miss.until <= now || miss.until > now + miss.pause
        }
    }

    /// Nobody who answered had it.
    func note(_ digest: Digest, slot: Interval, at now: Timestamp) {
        let first = max(1, slot.milliseconds * Self.firstPause.slots / Self.firstPause.parts)
        let longest = max(first, slot.milliseconds * Self.longestPause)
        misses.withLock { misses in
            let pause = min(longest, misses[digest].map { $0.pause.milliseconds * 2 } ?? first)
            misses[digest] = Miss(until: now + .milliseconds(pause), pause: .milliseconds(pause))
        }
    }

    /// Forgets all but these: what no descriptor names any more, or is here.
    func keep(_ digests: Set<Digest>) {
        misses.withLock { misses in misses = misses.filter { digests.contains($0.key) } }
    }
}
