// What the machine holds of a slot that is not closed. Its size is bounded by the number of authorities: of each the
// first two different documents of a kind, which is all that evidence needs.

internal import WireFormat

/// One open slot.
struct OpenSlot: Sendable {
    /// Different documents of one kind that are kept of an authority.
    static let kept = 2

    let slot: Slot
    let leader: Int
    /// By authority.
    var votes: [[Digest]]
    var proposals: [ProposalFact] = []
    /// By authority: the consensuses that it signed.
    var signatures: [[Digest]]

    /// The proposal that this authority follows, and what of it has not come.
    private(set) var accepted: ProposalFact?
    private var missing: Set<VoteReference> = []
    var refusal: ProposalRefusal?
    var isComputing = false
    var computed: Digest?
    var computeFailure: String?
    var certified: Digest?
    /// What is being put together, because enough have signed it.
    var assembling: Set<Digest> = []
    /// What is being fetched, because others certified it.
    var wanted: Set<Digest> = []
    var isFailureTold = false

    init(_ slot: Slot, authorities: Int) {
        self.slot = slot
        leader = Int(slot.number % UInt64(authorities))
        votes = Array(repeating: [], count: authorities)
        signatures = Array(repeating: [], count: authorities)
    }

    /// Digests that are held.
    var size: Int {
        votes.reduce(0) { $0 + $1.count } + signatures.reduce(0) { $0 + $1.count } + missing.count + wanted.count
            + assembling.count
            + proposals.reduce(0) { $0 + 1 + $1.votes.count } + (accepted?.votes.count ?? 0)
    }

    /// The digests that are known of an authority.
    func known(_ kind: SlotDocumentKind, _ authority: Int) -> [Digest] {
        switch kind {
        case .vote: votes[authority]
        case .proposal: proposals.filter { $0.authority == authority }.map(\.digest)
        case .signature: signatures[authority]
        }
    }

    /// Whether a vote is one that the accepted proposal waits for.
    func isMissing(_ vote: VoteReference) -> Bool { missing.contains(vote) }

    /// Whether an authority is known to have said two things in this slot.
    func hasEquivocated(_ authority: Int) -> Bool {
        votes[authority].count > 1 || signatures[authority].count > 1 || (authority == leader && proposals.count > 1)
    }

    /// Follows a proposal; the votes that have to be fetched for it.
    mutating func accept(_ proposal: ProposalFact) -> [VoteReference] {
        accepted = proposal
        let lacking = proposal.votes.filter { !votes[$0.authority].contains($0.digest) }
        missing = Set(lacking)
        return lacking
    }

    /// Takes a vote; true if it is the second different one.
    mutating func take(_ vote: VoteReference) -> Bool {
        missing.remove(vote)
        guard !votes[vote.authority].contains(vote.digest), votes[vote.authority].count < Self.kept else {
            return false
        }
        votes[vote.authority].append(vote.digest)
        return votes[vote.authority].count == Self.kept
    }

    /// Whether there is a proposal to compute, all of whose votes are here.
    var isComplete: Bool { accepted != nil && missing.isEmpty }

    /// The authorities that signed a consensus.
    func signers(of digest: Digest) -> [Int] { signatures.indices.filter { signatures[$0].contains(digest) } }

    /// The consensus that most signed.
    var leading: (digest: Digest, signers: [Int])? {
        var best: (digest: Digest, signers: [Int])?
        for digest in Set(signatures.joined()) {
            let signers = signers(of: digest)
            if signers.count > (best?.signers.count ?? 0) { best = (digest, signers) }
        }
        return best
    }

    /// Why nothing is certified yet.
    func failure(quorum: Int) -> SlotFailure {
        let voted = votes.indices.filter { !votes[$0].isEmpty }.count
        if proposals.count > 1 { return .leaderEquivocated(leader: leader) }
        if proposals.isEmpty {
            return voted < quorum ? .fewVotes(have: voted, needed: quorum) : .noProposal(leader: leader)
        }
        if let refusal { return .proposalRefused(refusal) }
        if !missing.isEmpty { return .missingVotes(missing.map(\.authority).sorted()) }
        if computed == nil, let computeFailure { return .notComputed(computeFailure) }
        return .fewSignatures(have: leading?.signers.count ?? 0, needed: quorum)
    }

    func summary(quorum: Int) -> SlotSummary {
        let progress: SlotSummary.Progress
        if let certified {
            progress = .certified(certified)
        } else if isFailureTold {
            progress = .failed(failure(quorum: quorum))
        } else if computed != nil {
            progress = .signing
        } else {
            progress = proposals.isEmpty ? .voting : .proposed
        }
        return SlotSummary(
            slot: slot, leader: leader, votes: votes, proposals: proposals.map(\.digest), named: accepted?.votes ?? [],
            signatures: signatures, computed: computed, progress: progress)
    }
}
