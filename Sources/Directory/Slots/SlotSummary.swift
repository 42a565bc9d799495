// A slot as one authority saw it, for status pages and for the record.

public import WireFormat

/// What happened in a slot.
public struct SlotSummary: Hashable, Sendable {
    /// How far it came.
    public enum Progress: Hashable, Sendable {
        /// Votes come in.
        case voting
        /// There is a proposal; votes that it names are fetched, or the consensus is computed.
        case proposed
        /// The consensus is computed here; signatures come in.
        case signing
        case certified(Digest)
        case failed(SlotFailure)
    }

    public let slot: Slot
    public let leader: Int
    /// By authority: the digests of its votes; two are an equivocation.
    public let votes: [[Digest]]
    /// Digests of the leader's proposals; two are an equivocation.
    public let proposals: [Digest]
    /// What the accepted proposal names.
    public let named: [VoteReference]
    /// By authority: the consensuses that it signed; two are an equivocation.
    public let signatures: [[Digest]]
    /// What was computed here.
    public let computed: Digest?
    public let progress: Progress

    /// Authorities that said two different things in this slot, and in what.
    public var equivocations: [EvidenceFact] {
        var found: [EvidenceFact] = []
        for (authority, digests) in votes.enumerated() where digests.count > 1 {
            found.append(EvidenceFact(kind: .vote, authority: authority, slot: slot))
        }
        if proposals.count > 1 { found.append(EvidenceFact(kind: .proposal, authority: leader, slot: slot)) }
        for (authority, digests) in signatures.enumerated() where digests.count > 1 {
            found.append(EvidenceFact(kind: .signature, authority: authority, slot: slot))
        }
        return found
    }

    /// Authorities whose vote has not come.
    public var silent: [Int] { votes.indices.filter { votes[$0].isEmpty } }

    /// Authorities that signed another consensus than the one that is certified or was computed here.
    public var disagreeing: [Int] {
        let wanted: Digest?
        if case .certified(let digest) = progress { wanted = digest } else { wanted = computed }
        guard let wanted else { return [] }
        return signatures.indices.filter { !signatures[$0].isEmpty && !signatures[$0].contains(wanted) }
    }
}
