// Computing a consensus again from the votes that it names, as anybody can who distrusts those who signed it.

public import WireFormat

/// What an audit found.
public enum AuditVerdict: Equatable, Sendable, CustomStringConvertible {
    /// The votes give this consensus, byte for byte.
    case identical
    /// A vote that the consensus names was not among those given.
    case missingVote(authority: String, digest: Digest)
    /// A vote that the consensus names is not one that this network accepts.
    case badVote(authority: String, AuthorityDocumentError)
    /// The votes that the consensus names make none.
    case noConsensus(TallyError)
    /// The votes give another consensus; the first line (from 1) that differs, empty where one text has ended.
    case differs(line: Int, published: String, computed: String)

    public var description: String {
        switch self {
        case .identical: "the votes give this consensus, byte for byte"
        case .missingVote(let name, let digest):
            "the vote of authority \(name) with digest \(digest.hex) is missing; fetch it from any authority and try again"
        case .badVote(let name, let error): "the vote of authority \(name) is not good: \(error)"
        case .noConsensus(let error): "the votes that the consensus names cannot make one: \(error)"
        case .differs(let line, let published, let computed):
            "line \(line) differs: the consensus says `\(published)`, the votes give `\(computed)`"
        }
    }
}

/// Checks that a consensus is what its votes say.
public enum ConsensusAudit {
    /// Tallies the votes that `certified` names anew and compares all bytes that are signed.
    /// - Parameters:
    ///   - votes: documents that hold these votes, in any order; others among them do not matter.
    ///   - network: the network file that the consensus was made under.
    public static func check(
        _ certified: CertifiedConsensus, votes: [[UInt8]], network: NetworkFile
    ) -> AuditVerdict {
        check(certified.consensus, votes: votes, network: network)
    }

    /// The same for a consensus that nobody has signed yet.
    public static func check(_ consensus: Consensus, votes: [[UInt8]], network: NetworkFile) -> AuditVerdict {
        var documents: [Digest: UnverifiedVote] = [:]
        for bytes in votes { if let vote = try? UnverifiedVote(bytes) { documents[vote.digest] = vote } }
        var used: [Vote] = []
        for counted in consensus.votes {
            let name = counted.name.text
            guard let document = documents[counted.digest], document.authority == counted.name else {
                return .missingVote(authority: name, digest: counted.digest)
            }
            do { used.append(try document.verify(in: network)) } catch {
                return .badVote(authority: name, error)
            }
        }
        let computed: Consensus
        do { computed = try Tally.consensus(of: used, slot: consensus.slot, network: network) } catch {
            return .noConsensus(error)
        }
        return computed.bytes == consensus.bytes ? .identical : difference(consensus.bytes, computed.bytes)
    }

    private static func difference(_ published: [UInt8], _ computed: [UInt8]) -> AuditVerdict {
        let lines = [published, computed].map { $0.split(separator: 10, omittingEmptySubsequences: false) }
        let count = max(lines[0].count, lines[1].count)
        func line(_ side: Int, _ index: Int) -> String {
            index < lines[side].count ? String(decoding: lines[side][index], as: UTF8.self) : ""
        }
        let first = (0..<count).first { line(0, $0) != line(1, $0) } ?? 0
        return .differs(line: first + 1, published: line(0, first), computed: line(1, first))
    }
}
