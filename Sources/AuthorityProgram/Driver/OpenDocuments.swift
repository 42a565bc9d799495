// The documents of the open slots, parsed and checked. As many as the slot machine takes, and gone when it closes a slot.

internal import Directory
internal import WireFormat

/// Verified documents by digest.
struct OpenDocuments: Sendable {
    private(set) var votes: [Digest: Vote] = [:]
    private(set) var proposals: [Digest: Proposal] = [:]
    /// By what is signed, then by the authority's place.
    private(set) var signatures: [ConsensusLink: [Int: SentConsensusSignature]] = [:]
    /// Computed here.
    private(set) var computed: [ConsensusLink: Consensus] = [:]

    mutating func add(_ vote: Vote) { votes[vote.digest] = vote }
    mutating func add(_ proposal: Proposal) { proposals[proposal.digest] = proposal }
    mutating func add(_ signature: SentConsensusSignature, of authority: Int) {
        signatures[signature.link, default: [:]][authority] = signature
    }
    mutating func add(_ consensus: Consensus) { computed[consensus.link] = consensus }

    /// Signatures on a consensus.
    func signatures(on link: ConsensusLink) -> [ConsensusSignature] {
        (signatures[link] ?? [:]).sorted { $0.key < $1.key }.map(\.value.signature)
    }

    /// The document that the slot machine calls by this digest.
    func bytes(_ kind: SlotDocumentKind, _ slot: Slot, _ digest: Digest, of authority: Int) -> [UInt8]? {
        switch kind {
        case .vote: votes[digest]?.bytes
        case .proposal: proposals[digest]?.bytes
        case .signature: signatures[ConsensusLink(slot: slot, digest: digest)]?[authority]?.bytes
        }
    }

    /// Forgets a slot.
    mutating func close(_ slot: Slot) {
        votes = votes.filter { $0.value.contents.slot != slot }
        proposals = proposals.filter { $0.value.slot != slot }
        signatures = signatures.filter { $0.key.slot != slot }
        computed = computed.filter { $0.key.slot != slot }
    }
}
