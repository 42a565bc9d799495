// What the slot machine is told. The shell has checked every fact before: parsed the document, verified who signed it,
// and stored it. Authorities are numbers here, their places in the network file's order.

public import WireFormat

/// The documents that authorities exchange in a slot.
public enum SlotDocumentKind: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case vote, proposal, signature

    public var description: String { rawValue }
}

/// One vote among those that a proposal names.
public struct VoteReference: Hashable, Sendable {
    public let authority: Int
    public let digest: Digest

    public init(authority: Int, digest: Digest) {
        self.authority = authority
        self.digest = digest
    }
}

/// A vote that its authority signed.
public struct VoteFact: Hashable, Sendable {
    public let authority: Int
    public let slot: Slot
    public let digest: Digest

    public init(authority: Int, slot: Slot, digest: Digest) {
        self.authority = authority
        self.slot = slot
        self.digest = digest
    }
}

/// A proposal that its authority signed, whoever that is.
public struct ProposalFact: Hashable, Sendable {
    public let authority: Int
    public let slot: Slot
    public let digest: Digest
    /// What it names, in the order of the document.
    public let votes: [VoteReference]

    public init(authority: Int, slot: Slot, digest: Digest, votes: [VoteReference]) {
        self.authority = authority
        self.slot = slot
        self.digest = digest
        self.votes = votes
    }
}

/// A signature of an authority on a consensus.
public struct SignatureFact: Hashable, Sendable {
    public let authority: Int
    public let slot: Slot
    /// Of the consensus, not of the signature's document.
    public let digest: Digest

    public init(authority: Int, slot: Slot, digest: Digest) {
        self.authority = authority
        self.slot = slot
        self.digest = digest
    }
}

/// Two different documents of one kind that one authority signed for one slot.
public struct EvidenceFact: Hashable, Sendable {
    public let kind: SlotDocumentKind
    public let authority: Int
    public let slot: Slot

    public init(kind: SlotDocumentKind, authority: Int, slot: Slot) {
        self.kind = kind
        self.authority = authority
        self.slot = slot
    }
}

/// What came of computing the consensus of a proposal.
public enum ComputedConsensus: Hashable, Sendable {
    /// The digest of the consensus.
    case consensus(Digest)
    /// It could not be computed, in words for the operator: a vote does not hold, or the consensus names a previous one
    /// that this authority does not have. May be followed by a success when what was missing has come.
    case failure(String)
}

/// Whether a document is worth checking and storing.
public enum SlotAdmission: Hashable, Sendable {
    /// Check it, store it, tell the machine.
    case new
    /// The machine has it.
    case known
    case refused(SlotRefusal)
}

/// Why a document of an authority is not taken. Counted.
public enum SlotRefusal: String, Hashable, Sendable, CaseIterable {
    /// Of a slot that is closed.
    case slotClosed = "slot-closed"
    /// Of a slot that is more than one ahead.
    case slotAhead = "slot-ahead"
    case unknownAuthority = "unknown-authority"
    /// A proposal of an authority that does not lead the slot.
    case notLeader = "not-leader"
    /// Two different ones of this authority are known; they prove what there is to prove.
    case enough
}
