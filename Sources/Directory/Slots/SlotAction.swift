// What the slot machine wants done, and why a slot came to nothing.

public import WireFormat

/// What the shell is to do. Actions are done in their order; nothing is sent that is not on disk.
public enum SlotAction: Hashable, Sendable {
    /// Make this authority's vote, record it, then call `recorded(vote:slot:)`. Asked once; a store that holds a vote
    /// of this slot already must refuse another.
    case makeVote(Slot)
    /// Make a proposal of these votes, record it, then call `recorded(proposal:slot:)`.
    case propose(Slot, [VoteReference])
    /// Get this vote from one of these authorities, likeliest first, check it and tell the machine; try until the slot
    /// closes.
    case fetchVote(Slot, VoteReference, from: [Int])
    /// Compute the consensus of these votes, all of which are here, then call `computed(_:slot:proposal:)`.
    case compute(Slot, proposal: Digest, votes: [VoteReference])
    /// Record durably that this authority signs this consensus in this slot, sign, record the signature, then call
    /// `recorded(signature:slot:)`.
    case recordAndSign(ConsensusLink)
    /// Send an own document to all others, with retries until each has it or the slot closes. For a signature the
    /// digest is that of the consensus.
    case send(SlotDocumentKind, Slot, Digest)
    /// A quorum has signed, and the consensus was computed here: assemble it with its signatures, store and publish it,
    /// then call `certified(_:)`.
    case certified(ConsensusLink)
    /// One more signature for a consensus that is certified: add it.
    case addSignature(ConsensusLink, of: Int)
    /// A quorum has signed, but the consensus was not computed here: get it from one of these, then call
    /// `certified(_:)`.
    case fetchConsensus(ConsensusLink, from: [Int])
    /// Two different documents: make evidence of them, store it, send it to all others. For signatures the digests are
    /// those of the consensuses.
    case evidence(EvidenceFact, Digest, Digest)
    /// Evidence that came from elsewhere is new: store it, send it to all others.
    case passOn(EvidenceFact)
    /// Two certified consensuses of one slot: more authorities lie than the network can bear. Store both, alarm the
    /// operator.
    case fork(ConsensusLink, ConsensusLink)
    /// The slot's time is over and nothing is certified; late signatures may still change that.
    case slotFailed(Slot, SlotFailure)
    /// Nothing about this slot is taken any more: stop sending, keep the summary for the status pages.
    case closed(SlotSummary)
}

/// Why nothing is certified in a slot, as far as this authority saw.
public enum SlotFailure: Hashable, Sendable, CustomStringConvertible {
    case fewVotes(have: Int, needed: Int)
    case noProposal(leader: Int)
    case leaderEquivocated(leader: Int)
    case proposalRefused(ProposalRefusal)
    /// Votes of these authorities, named by the proposal, could not be fetched.
    case missingVotes([Int])
    case notComputed(String)
    case fewSignatures(have: Int, needed: Int)

    public var description: String {
        switch self {
        case .fewVotes(let have, let needed): "\(have) votes came, \(needed) are needed"
        case .noProposal: "no proposal came from the leader"
        case .leaderEquivocated: "the leader made two different proposals"
        case .proposalRefused(let reason): "the leader's proposal \(reason)"
        case .missingVotes(let authorities): "\(authorities.count) votes that the proposal names could not be had"
        case .notComputed(let reason): "the consensus could not be computed: \(reason)"
        case .fewSignatures(let have, let needed): "\(have) equal signatures came, \(needed) are needed"
        }
    }
}

/// Why this authority does not sign what a proposal leads to. Reads behind "the proposal".
public enum ProposalRefusal: Hashable, Sendable, CustomStringConvertible {
    case fewVotes(have: Int, needed: Int)
    /// Names an authority twice, or one that there is not.
    case malformed
    /// Names a vote of an authority that is excluded, or known to have equivocated in this slot.
    case excludedVote(of: Int)

    public var description: String {
        switch self {
        case .fewVotes(let have, let needed): "names \(have) votes, \(needed) are needed"
        case .malformed: "names an authority twice or an unknown one"
        case .excludedVote: "names the vote of an authority that equivocated"
        }
    }
}
