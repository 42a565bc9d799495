// Authorities that lie, and act as one: votes, proposals and signatures that are different for different peers.

import Directory
import TestSupport
import WireFormat

/// What all liars know together.
struct SimulatedLiars {
    /// All votes that one of them made or heard of, by digest.
    var votes: [Digest: SimulatedDocument] = [:]
    var signed: Set<SignatureFact> = []
    /// The proposals of a lying leader.
    var proposals: [ProposalFact] = []
}

extension SlotSimulation {
    /// A liar's part of a slot.
    func lie(_ liar: Int, _ slot: Slot) {
        schedule(.lie(liar, Slot(slot.number + 1)), after: SlotPlan.slotLength)
        liars.votes = liars.votes.filter { $0.value.slot.number + 2 >= slot.number }
        liars.signed = liars.signed.filter { $0.slot.number + 2 >= slot.number }
        let previous = honest.compactMap { authorities[$0].disk.last }.randomElement(using: &random)
        let faces = (0..<2).map { _ in
            SimulatedDocument.vote(
                VoteFact(authority: liar, slot: slot, digest: .random(using: &random)), previous: previous)
        }
        for case .vote(let fact, let previous) in faces { liars.votes[fact.digest] = .vote(fact, previous: previous) }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: break
        case 1, 2: for peer in honest { send(faces[0], from: liar, to: peer) }
        case 3: for peer in honest { for face in faces { send(face, from: liar, to: peer) } }
        default: for peer in honest { send(faces[Int.random(in: 0...1, using: &random)], from: liar, to: peer) }
        }
        if slot.number % UInt64(plan.count) == UInt64(liar) {
            schedule(
                .lyingProposal(liar, slot), after: Int64.random(in: 1000...SlotPlan.slotLength / 2, using: &random))
        }
    }

    /// Two proposals for two parts of the others; or one, or none, or one that names too little.
    func proposeLies(_ liar: Int, _ slot: Slot) {
        var known: [Int: [Digest]] = [:]
        for case .vote(let fact, _) in liars.votes.values where fact.slot == slot {
            known[fact.authority, default: []].append(fact.digest)
        }
        let proposals = (0..<2).map { number in
            let least = Int.random(in: 0..<8, using: &random) == 0 ? 1 : Quorum.needed(plan.count)
            let voters = known.keys.sorted().shuffled(using: &random).prefix(
                max(least, Int.random(in: 1...plan.count, using: &random)))
            return ProposalFact(
                authority: liar, slot: slot, digest: .random(using: &random),
                votes: voters.sorted().compactMap { voter in
                    let digest = (known[voter] ?? []).sorted().randomElement(using: &random)
                    return digest.map { VoteReference(authority: voter, digest: $0) }
                })
        }
        liars.proposals = proposals
        switch Int.random(in: 0..<4, using: &random) {
        case 0: break
        case 1: for peer in honest { send(.proposal(proposals[0]), from: liar, to: peer) }
        default:
            for peer in honest {
                send(.proposal(proposals[Int.random(in: 0...1, using: &random)]), from: liar, to: peer)
            }
        }
        // Those who follow one of the two must not lack a signature.
        for proposal in proposals where proposal.votes.count >= plan.quorum {
            signLies(slot, SimulatedTally.digest(slot, proposal.votes))
        }
    }

    /// Who starts again may have forgotten what it did, and is shown another proposal at once.
    func tempt(_ index: Int) {
        guard let proposal = liars.proposals.randomElement(using: &random) else { return }
        schedule(
            .arrive(
                to: index, from: proposal.authority, life: authorities[proposal.authority].life, .proposal(proposal),
                attempt: 0), after: 1)
    }

    /// All liars sign everything, for everybody or for some.
    func signLies(_ slot: Slot, _ digest: Digest) {
        for liar in plan.liars.sorted() {
            let fact = SignatureFact(authority: liar, slot: slot, digest: digest)
            guard liars.signed.insert(fact).inserted else { continue }
            let everybody = Bool.random(using: &random)
            for peer in honest where everybody || Bool.random(using: &random) {
                send(.signature(fact), from: liar, to: peer)
            }
        }
    }

    /// What one liar hears all know.
    func overhear(_ document: SimulatedDocument) {
        switch document {
        case .vote(let fact, _): liars.votes[fact.digest] = document
        case .signature(let fact): signLies(fact.slot, fact.digest)
        case .proposal, .evidence, .certified: break
        }
    }
}
