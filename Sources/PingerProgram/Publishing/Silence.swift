// Why a pinger says nothing of the nodes. What it cannot see it must not take for the network's fault: a report that is wrong
// does more harm than one that is missing, for which the authorities' other pingers stand in.

internal import Measurement
internal import WireFormat

/// A reason to say nothing.
enum Silence: Hashable, Sendable {
    /// No node can be reached: the line of this machine is cut.
    case blind(since: Timestamp)
    /// The clock was set, or stood still, and has not been right for long enough.
    case clockWrong(since: Timestamp)
    /// The pinger was off, cut off, or its clock wrong, and nothing that was sent afterwards has come back yet.
    case settling(after: PastGap)
    /// Most of what was sent came to nothing for reasons of the pinger's own.
    case voided(Int, of: Int)
    /// There is no consensus to measure.
    case noConsensus
    /// The newest consensus was made after what this machine takes for now.
    case clockBehind(consensus: Timestamp)
    /// The newest consensus may not be used any more: the clock is ahead, or the directory cannot be reached.
    case consensusExpired(Timestamp)
    /// The database cannot be read or written.
    case store(String)
}

extension Silence {
    /// Nil while the watch sees.
    init?(_ state: WatchState) {
        switch state {
        case .watching: return nil
        case .blind(let since): self = .blind(since: since)
        case .clockWrong(let since): self = .clockWrong(since: since)
        }
    }
}

/// A time in which the pinger saw nothing.
struct PastGap: Hashable, Sendable {
    var from: Timestamp
    var to: Timestamp
    /// `GapReason`, as the database has it.
    var reason: String

    /// When it was over; when it began, if its end lies in the future because the clock was.
    func end(at now: Timestamp) -> Timestamp { to <= now ? to : min(from, now) }
}

extension Silence: CustomStringConvertible {
    /// For people: lower case, no end, under the rules of the log.
    var description: String {
        switch self {
        case .blind(let since): WatchState.blind(since: since).description
        case .clockWrong(let since): WatchState.clockWrong(since: since).description
        case .settling(let gap):
            "nothing was seen from \(gap.from) to \(gap.to) (\(gap.reason)), and no probe that was sent since has come back yet"
        case .voided(let void, let total):
            "\(void) of \(total) probes came to nothing because the pinger was off, cut off, or could not empty its mailboxes"
        case .noConsensus: "there is no consensus yet, so it is not known which nodes there are"
        case .clockBehind(let consensus):
            "the clock of this machine is behind the newest consensus, of \(consensus); set it (timedatectl set-ntp true)"
        case .consensusExpired(let time):
            "the newest consensus expired at \(time): the clock of this machine is ahead, or the directory cannot be reached"
        case .store(let words): "the database cannot be used: \(words)"
        }
    }

    /// Whether it is the same trouble as `other`, whatever its numbers.
    func isSameKind(as other: Silence) -> Bool { kind == other.kind }

    /// One word, for programs.
    var kind: String {
        switch self {
        case .blind: "cut-off"
        case .clockWrong, .clockBehind: "clock"
        case .settling: "settling"
        case .voided: "void"
        case .noConsensus: "no-consensus"
        case .consensusExpired: "expired-consensus"
        case .store: "database"
        }
    }

    /// The last moment for which the probes tell the truth, at most `now`: what pages show is as of then.
    func asOf(_ now: Timestamp) -> Timestamp {
        switch self {
        case .blind(let since), .clockWrong(let since): min(since, now)
        case .settling(let gap): min(gap.from, now)
        case .voided, .noConsensus, .clockBehind, .consensusExpired, .store: now
        }
    }
}
