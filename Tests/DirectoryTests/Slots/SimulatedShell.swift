// What an honest authority does around its slot machine: AuthorityProgram/Driver without network, disk and documents.

import Directory
import TestSupport
import WireFormat

extension SlotSimulation {
    private func clock(_ index: Int) -> Timestamp { Timestamp(milliseconds: now + plan.skew[index]) }

    func start(_ index: Int) {
        authorities[index].life += 1
        authorities[index].drop(nil)
        var disk = authorities[index].disk
        if plan.mistake == .forgetsSignatures {
            disk.own[.signature] = nil
            disk.highestSigned = nil
            disk.documents.removeAll { $0.identity?.kind == .signature }
        }
        if plan.mistake == .forgetsVotes {
            disk.own[.vote] = nil
            disk.documents.removeAll { $0.identity?.kind == .vote }
        }
        authorities[index].machine = SlotMachine(
            authorities: plan.count, own: index, quorum: plan.quorum,
            timing: SlotTiming(slotLength: .milliseconds(SlotPlan.slotLength)), memory: disk.memory)
        for document in disk.documents { authorities[index].hold(document) }
        schedule(.poll(index, life: authorities[index].life), after: Int64.random(in: 0...60_000, using: &random))
        tell(index) { _ in [] }
        for document in disk.documents { deliver(document, to: index) }
        tempt(index)
    }

    /// Lets time pass for a machine, tells it something, and does what it wants.
    func tell(_ index: Int, _ fact: (inout SlotMachine) -> [SlotAction]) {
        let life = authorities[index].life
        advance(index)
        guard isAlive(index, life) else { return }
        act(index, fact)
    }

    private func advance(_ index: Int) {
        act(index) { $0.advance(to: clock(index)) }
    }

    private func act(_ index: Int, _ fact: (inout SlotMachine) -> [SlotAction]) {
        let life = authorities[index].life
        let before = authorities[index].machine?.wakeUp
        let actions = authorities[index].machine.mutate(fact) ?? []
        if let wake = authorities[index].machine?.wakeUp, wake != before {
            schedule(.wake(index, life: life), after: max(1, (wake - clock(index)).milliseconds))
        }
        perform(actions, index)
    }

    private func crash(_ index: Int) {
        authorities[index].machine = nil
        authorities[index].life += 1
        let longest = Bool.random(using: &random) ? 30_000 : SlotPlan.slotLength
        schedule(.start(index), after: Int64.random(in: 1000...longest, using: &random))
    }

    /// True if it crashed here.
    private func mayCrash(_ index: Int) -> Bool {
        guard isTroubled, plan.crashes > 0, Double.random(in: 0..<1, using: &random) < plan.crashes else {
            return false
        }
        crash(index)
        return true
    }

    func deliver(_ document: SimulatedDocument, to index: Int) {
        switch document {
        case .vote, .proposal, .signature:
            guard let identity = document.identity else { return }
            let (kind, author, digest) = (identity.kind, identity.authority, identity.digest)
            advance(index)
            guard
                authorities[index].machine?.admit(kind, of: author, slot: document.slot, digest: digest) == .new
            else { return }
            judge.takes(kind, of: author, document.slot, digest)
            authorities[index].hold(document)
            act(index) { machine in
                switch document {
                case .vote(let fact, _): machine.receive(vote: fact)
                case .proposal(let fact): machine.receive(proposal: fact)
                case .signature(let fact): machine.receive(signature: fact)
                case .evidence, .certified: []
                }
            }
        case .evidence(let fact):
            tell(index) { $0.receive(evidence: fact) }
        case .certified(let link):
            guard !authorities[index].disk.certified.contains(link) else { return }
            authorities[index].disk.record(certified: link)
            judge.certifies(link)
            tell(index) { $0.certified(link) }
        }
    }

    private func perform(_ actions: [SlotAction], _ index: Int) {
        let life = authorities[index].life
        for action in actions {
            guard isAlive(index, life), !mayCrash(index) else { return }
            perform(action, index)
        }
    }

    private func perform(_ action: SlotAction, _ index: Int) {
        let life = authorities[index].life
        switch action {
        case .makeVote(let slot):
            let fact = VoteFact(authority: index, slot: slot, digest: .random(using: &random))
            make(.vote(fact, previous: authorities[index].disk.last), by: index)
        case .propose(let slot, let votes):
            let digest = Digest.random(using: &random)
            make(.proposal(ProposalFact(authority: index, slot: slot, digest: digest, votes: votes)), by: index)
        case .recordAndSign(let link):
            make(.signature(SignatureFact(authority: index, slot: link.slot, digest: link.digest)), by: index)
        case .fetchVote(let slot, let vote, let from):
            schedule(.fetch(by: index, life: life, slot, vote, from: from, attempt: 0), after: someDelay())
        case .compute(let slot, let proposal, let votes):
            let delay = Int64.random(in: 1...10_000, using: &random)
            schedule(.compute(index, life: life, slot, proposal: proposal, votes: votes), after: delay)
        case .send(let kind, let slot, let digest):
            judge.sends(kind, index, slot, digest)
            let identity = SimulatedDocument.Identity(kind: kind, authority: index, digest: digest)
            let document = authorities[index].document(identity)
            if let document {
                broadcast(document, from: index)
            } else {
                judge.fault("\(index) is to send a \(kind) that it does not have")
            }
        case .certified(let link):
            authorities[index].disk.record(certified: link)
            judge.certifies(link)
            tell(index) { $0.certified(link) }
        case .fetchConsensus(let link, _):
            schedule(.fetchConsensus(by: index, life: life, link, attempt: 0), after: someDelay())
        case .evidence(let fact, let one, let other):
            if one == other { judge.fault("evidence of two equal documents") }
            keep(fact, index)
        case .passOn(let fact): keep(fact, index)
        case .fork(let one, let other): judge.fault("fork: \(one) and \(other)")
        case .addSignature, .slotFailed: break
        case .closed(let summary): authorities[index].drop(summary.slot)
        }
    }

    /// Making and recording take a while.
    private func make(_ document: SimulatedDocument, by index: Int) {
        let delay = Int64.random(in: 1...5000, using: &random)
        schedule(.record(document, by: index, life: authorities[index].life), after: delay)
    }

    func record(_ document: SimulatedDocument, _ index: Int) {
        if plan.mistake == .sendsBeforeRecording {
            if let made = document.identity { judge.sends(made.kind, index, document.slot, made.digest) }
            broadcast(document, from: index)
            if mayCrash(index) { return }
        }
        authorities[index].disk.record(document)
        authorities[index].hold(document)
        if mayCrash(index) { return }
        tell(index) { machine in
            switch document {
            case .vote(let fact, _): machine.recorded(vote: fact.digest, slot: fact.slot)
            case .proposal(let fact): machine.recorded(proposal: fact.digest, votes: fact.votes, slot: fact.slot)
            case .signature(let fact):
                machine.recorded(signature: ConsensusLink(slot: fact.slot, digest: fact.digest))
            case .evidence, .certified: []
            }
        }
    }

    private func keep(_ fact: EvidenceFact, _ index: Int) {
        judge.accuses(fact.authority)
        authorities[index].disk.evidence.insert(fact)
        broadcast(.evidence(fact), from: index)
    }

    func poll(_ index: Int) {
        // Also when there is nothing to do.
        if mayCrash(index) { return }
        var next = SlotPlan.slotLength / 10
        if let machine = authorities[index].machine { judge.checkSize(machine) }
        authorities[index].nextPeer = (authorities[index].nextPeer + 1) % plan.count
        let peer = authorities[index].nextPeer
        if peer == index, plan.count > 1 {
            next = 1
        } else if passes(index, peer), authorities[peer].isUp {
            for document in authorities[peer].held where authorities[index].isUp {
                if let identity = document.identity, authorities[index].document(identity) == nil {
                    deliver(document, to: index)
                }
            }
            for fact in authorities[peer].disk.evidence.subtracting(authorities[index].disk.evidence).sorted(by: {
                ($0.slot.number, $0.authority, $0.kind.rawValue) < ($1.slot.number, $1.authority, $1.kind.rawValue)
            }) where authorities[index].isUp { deliver(.evidence(fact), to: index) }
            if let last = authorities[peer].disk.last, authorities[index].isUp {
                deliver(.certified(last), to: index)
            }
        } else if !plan.liars.contains(peer), !plan.dead.contains(peer), authorities[peer].isUp {
            // Asked again soon.
            authorities[index].nextPeer = (peer + plan.count - 1) % plan.count
            next = 20_000
        }
        schedule(.poll(index, life: authorities[index].life), after: next)
    }

    func fetch(_ index: Int, _ slot: Slot, _ vote: VoteReference, _ from: [Int], _ attempt: Int) {
        guard authorities[index].votes[vote.digest] == nil,
            authorities[index].machine?.summaries.contains(where: { $0.slot == slot }) ?? false
        else { return }
        let peer = attempt < from.count ? from[attempt] : Int.random(in: 0..<plan.count, using: &random)
        let document = plan.liars.contains(peer) ? liars.votes[vote.digest] : authorities[peer].votes[vote.digest]
        let isThere = plan.liars.contains(peer) || authorities[peer].isUp
        if let document, isThere, passes(index, peer) {
            deliver(document, to: index)
        } else {
            schedule(
                .fetch(by: index, life: authorities[index].life, slot, vote, from: from, attempt: attempt + 1),
                after: 10_000)
        }
    }

    func fetchConsensus(_ index: Int, _ link: ConsensusLink, _ attempt: Int) {
        let peer = Int.random(in: 0..<plan.count, using: &random)
        if authorities[peer].disk.certified.contains(link), authorities[peer].isUp, passes(index, peer) {
            deliver(.certified(link), to: index)
        } else if attempt < 200 {
            schedule(
                .fetchConsensus(by: index, life: authorities[index].life, link, attempt: attempt + 1), after: 10_000)
        }
    }

    func compute(_ index: Int, _ slot: Slot, _ proposal: Digest, _ votes: [VoteReference]) {
        let documents = votes.compactMap { authorities[index].votes[$0.digest] }
        guard documents.count == votes.count else {
            if authorities[index].machine?.summaries.contains(where: { $0.slot == slot }) ?? false {
                judge.fault("\(index) is to compute with votes that it does not have")
            }
            return
        }
        let previous = SimulatedTally.previous(documents, faults: plan.faults)
        if let previous, !authorities[index].disk.certified.contains(previous) {
            schedule(
                .fetchConsensus(by: index, life: authorities[index].life, previous, attempt: 0), after: someDelay())
            tell(index) { $0.computed(.failure("unknown previous"), slot: slot, proposal: proposal) }
        } else {
            let digest = SimulatedTally.digest(slot, votes)
            tell(index) { $0.computed(.consensus(digest), slot: slot, proposal: proposal) }
        }
    }
}

extension Optional where Wrapped == SlotMachine {
    /// Changes the machine in place.
    fileprivate mutating func mutate(_ change: (inout SlotMachine) -> [SlotAction]) -> [SlotAction]? {
        guard var machine = take() else { return nil }
        defer { self = machine }
        return change(&machine)
    }
}
