// From votes to a certified consensus, and what comes of authorities that say two things.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Logging
internal import Spool
internal import WireFormat

extension SlotDriver {
    /// Computes the consensus of a proposal.
    func compute(_ slot: Slot, _ proposal: Digest, _ references: [VoteReference]) {
        let votes = references.compactMap { documents.votes[$0.digest] }
        guard votes.count == references.count else {
            return perform(machine.computed(.failure("a vote is missing"), slot: slot, proposal: proposal))
        }
        let network = parts.network
        spawn(slot) {
            let result = await self.parts.work.run {
                Result { () throws(TallyError) in try Tally.consensus(of: votes, slot: slot, network: network) }
            }
            await self.computed(result, slot, proposal, votes)
        }
    }

    private func computed(
        _ result: Result<Consensus, TallyError>, _ slot: Slot, _ proposal: Digest, _ votes: [Vote]
    ) {
        step()
        switch result {
        case .failure(let error):
            parts.counters.count("tallies_failed")
            perform(machine.computed(.failure(error.description), slot: slot, proposal: proposal))
        case .success(let consensus):
            documents.add(consensus)
            // What is signed must stand on something that is certified and can be had.
            if let previous = consensus.previous, !holds(previous) {
                return lacks(previous, slot, proposal)
            }
            let now = parts.clock.now()
            if let words = PreviousRule.objection(
                to: consensus, votes: votes, held: latest, network: parts.network, now: now)
            {
                return perform(machine.computed(.failure(words), slot: slot, proposal: proposal))
            }
            perform(machine.computed(.consensus(consensus.digest), slot: slot, proposal: proposal))
        }
    }

    /// The consensus on which the computed one is to stand is not here, or another one of its slot is. That other one is
    /// looked for once, to have the proof that two were certified; nothing stands on it.
    private func lacks(_ previous: ConsensusLink, _ slot: Slot, _ proposal: Digest) {
        let held = try? parts.store.consensus(slot: previous.slot.number)
        let words =
            held == nil
            ? "the consensus of slot \(previous.slot), on which it is to stand, is not here"
            : "it stands on another consensus of slot \(previous.slot) than the one that is here"
        perform(machine.computed(.failure(words), slot: slot, proposal: proposal))
        let isKnown = ((try? parts.store.document(previous.digest)) ?? nil) != nil
        if held == nil || !isKnown { spawn(slot) { await self.fetchConsensus(previous, []) } }
    }

    func holds(_ link: ConsensusLink) -> Bool {
        (try? parts.store.consensus(slot: link.slot.number))?.digest == link.digest
    }

    /// Puts consensus and signatures together, the first time or with more of them. Only what is on the disk is certified for
    /// the machine.
    func assemble(_ link: ConsensusLink) {
        do {
            guard let certified = try assembled(link), install(certified, isLate: false) else {
                return again(assembling: link)
            }
        } catch {
            parts.counters.count("consensus_not_assembled")
            parts.logger.error("cannot assemble the consensus of slot \(link.slot): \(error)")
            return again(assembling: link)
        }
        perform(machine.certified(link))
    }

    private func assembled(_ link: ConsensusLink) throws -> CertifiedConsensus? {
        let network = parts.network
        // They were checked when they came; one that does not hold nevertheless must not spoil the others.
        let signatures = documents.signatures(on: link).filter { (try? $0.verify(link, in: network)) != nil }
        if let latest, latest.link == link { return try latest.adding(signatures, network: network) }
        if let computed = documents.computed[link] {
            return try CertifiedConsensus(computed, signatures: signatures, network: network)
        }
        guard let stored = try parts.store.consensus(slot: link.slot.number), stored.digest == link.digest else {
            return nil
        }
        return try UnverifiedConsensus(stored.bytes).verify(in: network).adding(signatures, network: network)
    }

    private func again(assembling link: ConsensusLink) {
        spawn(link.slot) {
            do { try await Task.sleep(for: Self.retryPause) } catch { return }
            await self.assembleAgain(link)
        }
    }

    private func assembleAgain(_ link: ConsensusLink) {
        step()
        perform(machine.failed(assembling: link))
    }

    /// Keeps and publishes a certified consensus. False if it could not be kept.
    @discardableResult
    func install(_ certified: CertifiedConsensus, isLate: Bool) -> Bool {
        let now = parts.clock.now()
        do throws(AuthorityStoreError) {
            let isKept = try parts.store.keep(
                StoredConsensus(
                    slot: certified.slot.number, digest: certified.link.digest, certified: now,
                    bytes: certified.bytes))
            // Another one is the slot's consensus here: the machine tells of the fork.
            guard isKept else { return true }
            try parts.store.noteNamed(certified.consensus.nodes.map(\.descriptor), in: certified.slot.number)
            parts.storeWorks()
        } catch {
            parts.storeFailed(error)
            return false
        }
        CrashPoint.reached(.authorityCertified)
        if isLate || parts.network.slots.slot(at: now).map({ $0 > certified.slot }) ?? false {
            lateSlots.insert(certified.slot)
        }
        let isFirst = latest.map { $0.slot < certified.slot } ?? true
        guard isFirst || latest?.link == certified.link else { return true }
        latest = certified
        publication.update(certified)
        guard isFirst else { return true }
        parts.counters.count("consensus_certified")
        parts.logger.info("slot \(certified.slot) is certified by \(certified.signers.count) authorities")
        spawn {
            await self.registry.noteCertified(certified.consensus)
            await self.complete(certified)
            await self.expire()
        }
        return true
    }

    /// Forgets what is old.
    private func expire() {
        do throws(AuthorityStoreError) { try parts.store.expire(keepSlots: keepSlots) } catch {
            parts.storeFailed(error)
        }
    }

    // MARK: Liars

    /// Writes down that an authority said two things.
    func accuse(_ fact: EvidenceFact, _ first: Digest, _ second: Digest) {
        // One of the two may be here alone: sending the proof would be what it proves. Who has both will tell.
        guard fact.authority != parts.own else { return contradicted(fact) }
        guard let one = documents.bytes(fact.kind, fact.slot, first, of: fact.authority),
            let other = documents.bytes(fact.kind, fact.slot, second, of: fact.authority),
            let evidence = try? Evidence.make(fact.kind, one, other, network: parts.network)
        else {
            parts.counters.count("evidence_lost")
            return
        }
        do throws(AuthorityStoreError) {
            guard try keep(evidence) else { return }
        } catch { parts.storeFailed(error) }
        tell(fact)
        broadcast(evidence.bytes, as: .evidence, slot: fact.slot)
    }

    /// This authority has made two things: its database is from a backup, or another runs with its keys.
    private func contradicted(_ fact: EvidenceFact) {
        parts.counters.count("own_documents_failed", kind: "contradicted")
        let words = """
            somebody has another \(fact.kind) of this authority for slot \(fact.slot): its database is from a backup, or \
            its keys are used elsewhere; find out which, and renew the signing key
            """
        parts.counters.health.set("contradiction", trouble: words)
        parts.logger.critical("\(words)")
    }

    /// Hands on evidence that came from another authority.
    func passOn(_ fact: EvidenceFact) {
        let name = parts.name(of: fact.authority)
        guard
            let piece = try? parts.store.evidence().first(where: {
                $0.authority == name && $0.slot == fact.slot.number && $0.kind == fact.kind.rawValue
            }), let stored = try? parts.store.document(piece.digest)
        else { return }
        broadcast(stored.bytes, as: .evidence, slot: nil)
    }

    /// Keeps evidence; false if it is there, or other pieces say the same.
    func keep(_ evidence: Evidence) throws(AuthorityStoreError) -> Bool {
        try parts.store.keep(
            StoredEvidence(
                authority: evidence.authority.text, slot: evidence.slot.number, kind: evidence.kind.rawValue,
                digest: evidence.digest, seen: parts.clock.now()), document: evidence.bytes,
            spanning: UInt64(SlotTiming.exclusionSlots))
    }

    func tell(_ fact: EvidenceFact) {
        parts.counters.count("evidence", kind: fact.kind.rawValue)
        parts.logger.error(
            """
            authority \(parts.name(of: fact.authority)) made two different \(fact.kind)s for slot \(fact.slot); the \
            evidence is kept, and its votes do not count for \(SlotTiming.exclusionSlots) slots
            """)
    }

    /// Two certified documents for one slot: more than f authorities lie, and nothing here can mend that.
    func fork(_ first: ConsensusLink, _ second: ConsensusLink) {
        parts.counters.count("forks")
        let words = "two different consensuses of slot \(first.slot) are certified: too many authorities lie"
        parts.counters.health.set("fork", trouble: words)
        parts.logger.critical("\(words): \(first.digest) and \(second.digest)")
        // Both stay: the first one as the slot's consensus, the other beside it.
        for link in [first, second] where !holds(link) {
            guard let consensus = documents.computed[link],
                let certified = try? CertifiedConsensus(
                    consensus, signatures: documents.signatures(on: link), network: parts.network)
            else { continue }
            keepFork(certified)
        }
    }

    /// Keeps a second certified consensus of a slot.
    func keepFork(_ certified: CertifiedConsensus) {
        let document = StoredDocument(
            digest: certified.link.digest, kind: .fork, slot: certified.slot.number, received: parts.clock.now(),
            bytes: certified.bytes)
        do throws(AuthorityStoreError) { try parts.store.keep(document) } catch { parts.storeFailed(error) }
    }
}
