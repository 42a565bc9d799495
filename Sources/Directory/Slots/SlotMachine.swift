// The slot protocol of one authority (doc/DIRECTORY.md, the slot protocol), without clock, network, disk or documents:
// facts go in, actions come out. Safety rests on one rule, that an authority signs once in a slot, and never on time;
// time only decides when to give up. The shell is AuthorityProgram/Driver.

public import WireFormat

/// An authority's part in agreeing on one consensus per slot.
public struct SlotMachine: Sendable {
    /// How many authorities there are.
    public let authorities: Int
    /// This one's place among them.
    public let own: Int
    /// Votes that a proposal needs, and signatures that certify.
    public let quorum: Int
    public let timing: SlotTiming
    /// What the shell has recorded, as far as the machine needs it.
    public var memory: SlotMemory { documents.memory }
    /// Documents that were not taken.
    public private(set) var refused: [SlotRefusal: Int] = [:]
    /// The slot that it is by this authority's clock; nil before `advance`.
    public private(set) var current: Slot?

    private var now = Timestamp(milliseconds: 0)
    /// The current slot and its two neighbours.
    private(set) var open: [Slot: OpenSlot] = [:]
    private(set) var documents: OwnDocuments

    /// - Parameters:
    ///   - authorities: at least 1.
    ///   - own: less than `authorities`.
    ///   - quorum: `Quorum.needed(authorities)`.
    public init(authorities: Int, own: Int, quorum: Int, timing: SlotTiming, memory: SlotMemory) {
        precondition(authorities > 0 && (0..<authorities).contains(own), "no such authority")
        self.authorities = authorities
        self.own = own
        self.quorum = quorum
        self.timing = timing
        documents = OwnDocuments(memory: memory)
    }

    // MARK: Time

    /// Tells the time. Call it at the start, at `wakeUp`, and before every batch of facts. After a start, tell the
    /// machine of the stored documents of the open slots next, this authority's own among them.
    public mutating func advance(to now: Timestamp) -> [SlotAction] {
        guard let slot = timing.calendar.slot(at: now) else { return [] }
        self.now = now
        guard slot != current else { return settle(slot) }
        current = slot
        var actions: [SlotAction] = []
        for old in open.keys.sorted() {
            if old < slot { actions += fail(old) }
            if !window.contains(old), let closed = open.removeValue(forKey: old) {
                actions.append(.closed(closed.summary(quorum: quorum)))
            }
        }
        for opened in window where open[opened] == nil {
            open[opened] = OpenSlot(opened, authorities: authorities)
            // Nobody was here to see how a slot before the first one went.
            if opened < slot { open[opened]?.isFailureTold = true }
            actions += restore(opened)
        }
        for opened in window { actions += settle(opened) }
        return actions
    }

    /// When `advance` must be called next; nil before the first call.
    public var wakeUp: Timestamp? {
        guard let current, let next = current.advanced(by: 1) else { return nil }
        let end = timing.calendar.start(of: next)
        guard let state = open[current], state.leader == own, documents.isFree(.proposal, current) else { return end }
        let propose = timing.proposeTime(current)
        return now < propose ? min(propose, end) : end
    }

    /// The slots whose documents are taken.
    private var window: [Slot] {
        guard let current else { return [] }
        return [current.advanced(by: -1), current, current.advanced(by: 1)].compactMap { $0 }
    }

    // MARK: Facts

    /// Whether a document, not yet checked, is worth checking. Counts refusals.
    public mutating func admit(
        _ kind: SlotDocumentKind, of authority: Int, slot: Slot, digest: Digest
    ) -> SlotAdmission {
        guard (0..<authorities).contains(authority) else { return refuse(.unknownAuthority) }
        guard let state = open[slot] else {
            return refuse(slot < (current ?? slot) ? .slotClosed : .slotAhead)
        }
        if kind == .vote, state.isMissing(VoteReference(authority: authority, digest: digest)) { return .new }
        if kind == .proposal, state.leader != authority { return refuse(.notLeader) }
        let known = state.known(kind, authority)
        if known.contains(digest) { return .known }
        return known.count < OpenSlot.kept ? .new : refuse(.enough)
    }

    private mutating func refuse(_ reason: SlotRefusal) -> SlotAdmission {
        refused[reason, default: 0] += 1
        return .refused(reason)
    }

    /// A vote came, or is this authority's own.
    public mutating func receive(vote: VoteFact) -> [SlotAction] {
        guard admit(.vote, of: vote.authority, slot: vote.slot, digest: vote.digest) == .new else { return [] }
        adopt(.vote, of: vote.authority, vote.slot, vote.digest)
        let isSecond = open[vote.slot]?.take(VoteReference(authority: vote.authority, digest: vote.digest)) ?? false
        return (isSecond ? accuse(.vote, vote.authority, vote.slot) : []) + settle(vote.slot)
    }

    /// A proposal came, or is this authority's own.
    public mutating func receive(proposal: ProposalFact) -> [SlotAction] {
        guard
            admit(.proposal, of: proposal.authority, slot: proposal.slot, digest: proposal.digest) == .new
        else { return [] }
        adopt(.proposal, of: proposal.authority, proposal.slot, proposal.digest)
        open[proposal.slot]?.proposals.append(proposal)
        let isSecond = open[proposal.slot]?.proposals.count == OpenSlot.kept
        return (isSecond ? accuse(.proposal, proposal.authority, proposal.slot) : []) + settle(proposal.slot)
    }

    /// A signature on a consensus came, or is this authority's own.
    public mutating func receive(signature: SignatureFact) -> [SlotAction] {
        let (authority, slot, digest) = (signature.authority, signature.slot, signature.digest)
        guard admit(.signature, of: authority, slot: slot, digest: digest) == .new else { return [] }
        adopt(.signature, of: authority, slot, digest)
        open[slot]?.signatures[authority].append(digest)
        var actions: [SlotAction] = []
        if open[slot]?.signatures[authority].count == OpenSlot.kept { actions += accuse(.signature, authority, slot) }
        if open[slot]?.certified == digest {
            actions.append(.addSignature(ConsensusLink(slot: slot, digest: digest), of: authority))
        }
        return actions + settle(slot)
    }

    /// The consensus of a proposal was computed, or could not be.
    public mutating func computed(_ result: ComputedConsensus, slot: Slot, proposal: Digest) -> [SlotAction] {
        guard let state = open[slot], state.accepted?.digest == proposal, state.computed == nil else { return [] }
        switch result {
        case .consensus(let digest): open[slot]?.computed = digest
        case .failure(let reason): open[slot]?.computeFailure = reason
        }
        return settle(slot)
    }

    /// This authority's vote is on disk.
    public mutating func recorded(vote: Digest, slot: Slot) -> [SlotAction] {
        documents.note(.vote, slot, vote)
        return receive(vote: VoteFact(authority: own, slot: slot, digest: vote)) + sendOwn(.vote, slot, vote)
    }

    /// This authority's proposal is on disk.
    public mutating func recorded(proposal: Digest, votes: [VoteReference], slot: Slot) -> [SlotAction] {
        documents.note(.proposal, slot, proposal)
        let fact = ProposalFact(authority: own, slot: slot, digest: proposal, votes: votes)
        return receive(proposal: fact) + sendOwn(.proposal, slot, proposal)
    }

    /// This authority's signature is on disk.
    public mutating func recorded(signature link: ConsensusLink) -> [SlotAction] {
        documents.note(.signature, link.slot, link.digest)
        let fact = SignatureFact(authority: own, slot: link.slot, digest: link.digest)
        return receive(signature: fact) + sendOwn(.signature, link.slot, link.digest)
    }

    /// A document that was asked for could not be made or recorded, and nothing of it is on disk or sent: it is asked for
    /// again, if its time is not over.
    public mutating func failed(_ kind: SlotDocumentKind, slot: Slot) -> [SlotAction] {
        documents.release(kind, slot)
        return settle(slot)
    }

    /// A consensus that a quorum signed could not be assembled or stored: that is asked for again.
    public mutating func failed(assembling link: ConsensusLink) -> [SlotAction] {
        open[link.slot]?.assembling.remove(link.digest)
        return settle(link.slot)
    }

    /// A certified consensus, assembled or fetched, is stored here. What could not be computed without it is tried again.
    public mutating func certified(_ link: ConsensusLink) -> [SlotAction] {
        var actions = note(link)
        // Nothing can stand on the second one of a slot.
        guard actions.isEmpty else { return actions }
        for slot in open.keys.sorted() where open[slot]?.computed == nil && open[slot]?.computeFailure != nil {
            open[slot]?.computeFailure = nil
            open[slot]?.isComputing = false
            actions += settle(slot)
        }
        return actions
    }

    private mutating func note(_ link: ConsensusLink) -> [SlotAction] {
        if let other = open[link.slot]?.certified, other != link.digest {
            return [.fork(ConsensusLink(slot: link.slot, digest: other), link)]
        }
        if let last = memory.lastCertified, last.slot == link.slot, last.digest != link.digest {
            return [.fork(last, link)]
        }
        open[link.slot]?.certified = link.digest
        if memory.lastCertified.map({ $0.slot < link.slot }) ?? true { documents.lastCertified = link }
        return []
    }

    /// Verified evidence came. What excludes nobody now is not taken: of slots long past, and of slots ahead, which
    /// would mean that its authority is not excluded yet.
    public mutating func receive(evidence: EvidenceFact) -> [SlotAction] {
        guard (0..<authorities).contains(evidence.authority), let current,
            evidence.slot <= current.advanced(by: 1) ?? current,
            evidence.slot.advanced(by: SlotTiming.exclusionSlots).map({ $0 >= current }) ?? false
        else { return [] }
        let before = memory.exclusions
        documents.exclude(evidence.authority, since: evidence.slot)
        return before == memory.exclusions ? [] : [.passOn(evidence)]
    }

    // MARK: The rules

    /// Everything that is due in a slot. May be called at any time: what was asked for once is not asked for again.
    private mutating func settle(_ slot: Slot) -> [SlotAction] {
        var actions: [SlotAction] = []
        if slot == current {
            if documents.ask(.vote, slot) { actions.append(.makeVote(slot)) }
            actions += propose(slot)
            actions += accept(slot)
        }
        if let state = open[slot], state.isComplete, !state.isComputing, let proposal = state.accepted {
            open[slot]?.isComputing = true
            actions.append(.compute(slot, proposal: proposal.digest, votes: proposal.votes))
        }
        actions += sign(slot)
        actions += certify(slot)
        return actions
    }

    /// The leader proposes when it has all votes, or after a quarter of the slot a quorum of them.
    private mutating func propose(_ slot: Slot) -> [SlotAction] {
        guard let state = open[slot], state.leader == own, documents.isFree(.proposal, slot) else { return [] }
        let eligible = (0..<authorities).filter { !memory.isExcluded($0, slot) && !state.hasEquivocated($0) }
        let votes = eligible.compactMap { authority in
            state.votes[authority].first.map { VoteReference(authority: authority, digest: $0) }
        }
        guard votes.count >= quorum, votes.count == eligible.count || now >= timing.proposeTime(slot),
            documents.ask(.proposal, slot)
        else { return [] }
        return [.propose(slot, votes)]
    }

    /// Judges the leader's proposal once, by what is known then: evidence that comes later drops the authority's votes
    /// from the next slots, and cannot be timed so as to split those who have signed from those who have not.
    private mutating func accept(_ slot: Slot) -> [SlotAction] {
        guard let state = open[slot], state.accepted == nil, state.refusal == nil, state.proposals.count == 1,
            let proposal = state.proposals.first
        else { return [] }
        if let refusal = judge(proposal, state) {
            open[slot]?.refusal = refusal
            return []
        }
        let lacking = open[slot]?.accept(proposal) ?? []
        return lacking.map { vote in
            .fetchVote(
                slot, vote,
                from: [state.leader, vote.authority].reduce(into: []) { list, authority in
                    if authority != own, !list.contains(authority) { list.append(authority) }
                })
        }
    }

    private func judge(_ proposal: ProposalFact, _ state: OpenSlot) -> ProposalRefusal? {
        let named = proposal.votes.map(\.authority)
        guard Set(named).count == named.count, named.allSatisfy((0..<authorities).contains) else { return .malformed }
        guard named.count >= quorum else { return .fewVotes(have: named.count, needed: quorum) }
        let excluded = named.first { memory.isExcluded($0, state.slot) || state.hasEquivocated($0) }
        return excluded.map { .excludedVote(of: $0) }
    }

    /// One signature in a slot, none for a slot whose time is over, none against a quorum.
    private mutating func sign(_ slot: Slot) -> [SlotAction] {
        guard slot == current, let state = open[slot], let digest = state.computed, state.proposals.count == 1,
            state.certified == nil || state.certified == digest, documents.ask(.signature, slot)
        else { return [] }
        return [.recordAndSign(ConsensusLink(slot: slot, digest: digest))]
    }

    private mutating func certify(_ slot: Slot) -> [SlotAction] {
        guard let state = open[slot] else { return [] }
        var actions: [SlotAction] = []
        for digest in Set(state.signatures.joined()) where digest != state.certified {
            let signers = state.signers(of: digest)
            guard signers.count >= quorum else { continue }
            let link = ConsensusLink(slot: slot, digest: digest)
            if state.computed == digest {
                // It is certified when it is stored: until then nothing stands on it.
                if open[slot]?.assembling.insert(digest).inserted ?? false { actions.append(.certified(link)) }
            } else if open[slot]?.wanted.insert(digest).inserted ?? false {
                actions.append(.fetchConsensus(link, from: signers.filter { $0 != own }))
            }
        }
        return actions
    }

    private mutating func accuse(_ kind: SlotDocumentKind, _ authority: Int, _ slot: Slot) -> [SlotAction] {
        documents.exclude(authority, since: slot)
        guard let known = open[slot]?.known(kind, authority), known.count == OpenSlot.kept else { return [] }
        return [.evidence(EvidenceFact(kind: kind, authority: authority, slot: slot), known[0], known[1])]
    }

    private mutating func fail(_ slot: Slot) -> [SlotAction] {
        guard let state = open[slot], state.certified == nil, !state.isFailureTold else { return [] }
        open[slot]?.isFailureTold = true
        return [.slotFailed(slot, state.failure(quorum: quorum))]
    }

    // MARK: Own documents

    /// An own document that the memory does not have: the state is from a backup. It is kept to.
    private mutating func adopt(_ kind: SlotDocumentKind, of authority: Int, _ slot: Slot, _ digest: Digest) {
        if authority == own { documents.note(kind, slot, digest) }
    }

    /// Own documents of a slot that opens are sent again: who crashed between recording and sending has sent nothing.
    private mutating func restore(_ slot: Slot) -> [SlotAction] {
        var actions: [SlotAction] = []
        if let vote = memory.own(.vote, slot) {
            _ = open[slot]?.take(VoteReference(authority: own, digest: vote))
            actions.append(.send(.vote, slot, vote))
        }
        if let proposal = memory.own(.proposal, slot) { actions.append(.send(.proposal, slot, proposal)) }
        if let signature = memory.own(.signature, slot) {
            open[slot]?.signatures[own] = [signature]
            actions.append(.send(.signature, slot, signature))
        }
        if let last = memory.lastCertified, last.slot == slot { open[slot]?.certified = last.digest }
        return actions
    }

    private func sendOwn(_ kind: SlotDocumentKind, _ slot: Slot, _ digest: Digest) -> [SlotAction] {
        // A slot that closed meanwhile is nobody's concern any more, and a document that is not the remembered one must
        // not go.
        open[slot] == nil || memory.own(kind, slot) != digest ? [] : [.send(kind, slot, digest)]
    }
}
