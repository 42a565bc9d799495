// The shell of a slot machine without network and disk, but with what would be on the disk.

import Directory
import WireFormat

/// A document as it travels in the simulation.
enum SimulatedDocument: Hashable {
    /// With the last certified consensus that the voter knew.
    case vote(VoteFact, previous: ConsensusLink?)
    case proposal(ProposalFact)
    case signature(SignatureFact)
    case evidence(EvidenceFact)
    case certified(ConsensusLink)

    var slot: Slot {
        switch self {
        case .vote(let fact, _): fact.slot
        case .proposal(let fact): fact.slot
        case .signature(let fact): fact.slot
        case .evidence(let fact): fact.slot
        case .certified(let link): link.slot
        }
    }

    /// What it is, if it is one of the three that are made in a slot.
    var identity: Identity? {
        switch self {
        case .vote(let fact, _): Identity(kind: .vote, authority: fact.authority, digest: fact.digest)
        case .proposal(let fact): Identity(kind: .proposal, authority: fact.authority, digest: fact.digest)
        case .signature(let fact): Identity(kind: .signature, authority: fact.authority, digest: fact.digest)
        case .evidence, .certified: nil
        }
    }

    struct Identity: Hashable {
        let kind: SlotDocumentKind
        let authority: Int
        let digest: Digest
    }
}

/// What survives a crash.
struct SimulatedDisk {
    /// Own documents.
    var own: [SlotDocumentKind: [Slot: Digest]] = [:]
    var documents: [SimulatedDocument] = []
    var forgottenThrough: Slot?
    var highestSigned: Slot?
    var certified: Set<ConsensusLink> = []
    var last: ConsensusLink?
    var evidence: Set<EvidenceFact> = []

    var memory: SlotMemory {
        SlotMemory(
            votes: own[.vote] ?? [:], proposals: own[.proposal] ?? [:], signatures: own[.signature] ?? [:],
            highestSigned: highestSigned, forgottenThrough: forgottenThrough, lastCertified: last,
            evidence: evidence.map { ($0.authority, $0.slot) })
    }

    /// Records an own document. The first of a slot stays, as a store with a unique key would have it, but that is not
    /// what is tested: the machine must never ask for a second.
    mutating func record(_ document: SimulatedDocument) {
        guard let identity = document.identity else { return }
        let kind = identity.kind
        own[kind, default: [:]][document.slot] = identity.digest
        documents.append(document)
        if kind == .signature { highestSigned = max(highestSigned ?? document.slot, document.slot) }
        // Old things are deleted, sooner than a real store would.
        let kept = 16
        if kind == .vote, let votes = own[.vote], votes.count > kept, let oldest = votes.keys.min() {
            forgottenThrough = max(forgottenThrough ?? oldest, oldest)
            for kind in SlotDocumentKind.allCases { own[kind] = own[kind]?.filter { $0.key > oldest } }
            documents.removeAll { $0.slot <= oldest }
        }
    }

    mutating func record(certified link: ConsensusLink) {
        certified.insert(link)
        if last.map({ $0.slot < link.slot }) ?? true { last = link }
    }
}

/// An honest authority.
struct SimulatedAuthority {
    var machine: SlotMachine?
    var disk = SimulatedDisk()
    /// Counts starts: what was under way for an earlier one is lost.
    var life = 0
    /// What it holds of the open slots, and could give to others, oldest first.
    private(set) var held: [SimulatedDocument] = []
    private var places: [SimulatedDocument.Identity: Int] = [:]
    /// The votes among them, by digest.
    private(set) var votes: [Digest: SimulatedDocument] = [:]
    /// Whom it asks next what is new.
    var nextPeer = 0

    var isUp: Bool { machine != nil }

    func document(_ identity: SimulatedDocument.Identity) -> SimulatedDocument? { places[identity].map { held[$0] } }

    mutating func hold(_ document: SimulatedDocument) {
        guard let identity = document.identity, places[identity] == nil else { return }
        places[identity] = held.count
        held.append(document)
        if case .vote(let fact, _) = document { votes[fact.digest] = document }
    }

    /// Forgets what it holds, all or that of a slot.
    mutating func drop(_ slot: Slot?) {
        let kept = held.filter { slot != nil && $0.slot != slot }
        held = []
        places = [:]
        votes = [:]
        for document in kept { hold(document) }
    }
}
