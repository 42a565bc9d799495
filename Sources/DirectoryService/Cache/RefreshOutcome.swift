// What a refresh did, in values that can be counted and in words.

public import Directory
internal import WireFormat

/// Why a source, or the cache itself, did not help.
public enum RefreshProblem: String, Hashable, Sendable, CaseIterable {
    /// No answer, or one that is no document.
    case unreachable
    /// The source does not have it.
    case notFound = "not-found"
    /// What it gave is damaged, forged, signed by too few, or of another network.
    case untrue
    /// What it gave is older than what is here.
    case behind
    /// What it gave has expired, or lies in the future: its clock or ours is wrong.
    case untimely
    /// It gave a second certified document for a slot.
    case fork
    /// The network file changed, and the way from here to there is broken.
    case networkFile = "network-file"
    /// Too many descriptors were to be had nowhere.
    case incomplete
    /// The cache cannot be read or written.
    case storage

    /// Whether whoever gave this lies or is broken, so that nothing else of it is wanted in this run.
    var endsSource: Bool { self != .behind && self != .notFound && self != .incomplete }
}

/// A problem, with whom and in words.
public struct RefreshFailure: Hashable, Sendable, CustomStringConvertible {
    public let problem: RefreshProblem
    /// The source's name; nil for the cache itself.
    public let source: String?
    public let reason: String

    public var description: String { source.map { "\($0): \(reason)" } ?? reason }
}

/// What came of a refresh.
public struct RefreshOutcome: Sendable {
    public enum Result: String, Hashable, Sendable {
        /// There is a newer consensus now.
        case updated
        /// A source says that nothing is newer.
        case current
        /// No source helped. What was there is there.
        case failed
    }
    public internal(set) var result = Result.failed
    /// The consensus that is installed now.
    public internal(set) var consensus: CertifiedConsensus?
    /// Who gave it, or said that there is nothing newer.
    public internal(set) var source: String?
    /// Editions of the network file that were installed.
    public internal(set) var editions: [UInt32] = []
    public internal(set) var failures: [RefreshFailure] = []
    /// Descriptors that were fetched.
    public internal(set) var fetched = 0
    /// Descriptors that were to be had nowhere.
    public internal(set) var missing = 0
    /// Nodes that are listed and not used.
    public internal(set) var refused: [RefusedDescriptor] = []
    /// What the new consensus names as the one before it, if another one is kept for that slot: somebody lies.
    public internal(set) var contradiction: ConsensusLink?
    /// How many sources were asked.
    public internal(set) var asked = 0

    public init() {}

    /// Whether somebody gave a second certified document for a slot.
    public var sawFork: Bool { failures.contains { $0.problem == .fork } }

    /// How often each problem was met.
    public var counts: [RefreshProblem: Int] { failures.reduce(into: [:]) { $0[$1.problem, default: 0] += 1 } }

    /// What people should know, most important last; without what went as it should.
    public var warnings: [String] {
        var lines = failures.map(\.description) + refused.map(\.description)
        if let contradiction, !sawFork {
            lines.append(
                "the new consensus names another consensus of slot \(contradiction.slot) than the one that was installed here; "
                    + "authorities may have lied to you or to others")
        }
        if missing > 0 {
            lines.append("the descriptors of \(missing) nodes could not be fetched; those nodes are not used for now")
        }
        return lines
    }

    /// In one line.
    public var summary: String {
        let editions = editions.last.map { ", network file now version \($0)" } ?? ""
        switch result {
        case .updated:
            let height = consensus.map { " of slot \($0.slot) with \($0.consensus.nodes.count) nodes" } ?? ""
            return "consensus\(height) from \(source ?? "here")\(editions)"
        case .current: return "nothing newer at \(source ?? "any source")\(editions)"
        case .failed where asked == 0 && failures.isEmpty: return "there is no source to ask\(editions)"
        case .failed where asked == 1: return "the only source that was asked has no newer consensus\(editions)"
        case .failed: return "none of the \(asked) sources that were asked has a newer consensus\(editions)"
        }
    }
}
