// What this authority says itself. Each document is recorded before the machine hears of it, and only then sent.

internal import Daemon
internal import Directory
internal import Logging
internal import Spool
internal import WireFormat

extension SlotDriver {
    /// What the machine must not forget, and the newest consensus, from the store.
    static func remember(_ parts: AuthorityParts) throws -> (SlotMemory, CertifiedConsensus?) {
        let store = parts.store
        // Nobody knows what an authority without a store did before: the slot that runs is left out.
        if store.isNew, let slot = parts.network.slots.slot(at: parts.clock.now()) {
            try store.raiseFloor(to: slot.number)
        }
        var own: [OwnAct: [Slot: Digest]] = [:]
        for record in try store.ownRecords(from: 0) {
            own[record.act, default: [:]][Slot(record.slot)] = record.digest
        }
        var latest: CertifiedConsensus?
        for (number, _) in try store.consensusSlots(limit: 3) where latest == nil {
            // Until there is one of the edition in force, the last one of the edition before stays good.
            latest = try store.consensus(slot: number).flatMap {
                try? parts.editions.verify($0.bytes)
            }
        }
        let evidence = try store.evidence().compactMap { piece in
            Nickname(piece.authority).flatMap { parts.network.index(of: $0) }.map {
                (authority: $0, slot: Slot(piece.slot))
            }
        }
        let floor = try store.floor().map { Slot($0) }
        let signed = try store.highest(.signature).map { Slot($0) }
        let memory = SlotMemory(
            votes: own[.vote] ?? [:], proposals: own[.proposal] ?? [:], signatures: own[.signature] ?? [:],
            highestSigned: [signed, floor].compactMap { $0 }.max(), forgottenThrough: floor,
            lastCertified: latest?.link, evidence: evidence)
        return (memory, latest)
    }

    /// After a start: what the store has of the open slots. Own documents are taken from their records: whoever crashed
    /// right after recording has nothing else.
    func restoreOpenSlots() {
        for slot in machine.summaries.map(\.slot) {
            do throws(AuthorityStoreError) {
                let number = slot.number
                let own = try OwnAct.allCases.map { act throws(AuthorityStoreError) in
                    try parts.store.own(act, slot: number)?.bytes
                }
                for bytes in [own[0]] + (try parts.store.documents(.vote, slot: number).map(\.bytes)) {
                    try restore(vote: bytes ?? [])
                }
                for bytes in [own[1]] + (try parts.store.documents(.proposal, slot: number).map(\.bytes)) {
                    try restore(proposal: bytes ?? [])
                }
                for bytes in [own[2]] + (try parts.store.signatures(slot: number).map(\.bytes)) {
                    try restore(signature: bytes ?? [])
                }
            } catch {
                parts.storeFailed(error)
            }
        }
    }

    /// Nil for no bytes: there is none. What was made under another edition of the network file parses, and is left out.
    private func restored<Stored>(_ kind: String, _ bytes: [UInt8], _ parse: ([UInt8]) throws -> Stored) -> Stored? {
        bytes.isEmpty ? nil : parts.parsed(kind, bytes, parse)
    }

    private func restore(vote bytes: [UInt8]) throws(AuthorityStoreError) {
        guard let parsed = restored("vote", bytes, { try UnverifiedVote($0) }),
            let vote = try? parsed.verify(in: parts.network), documents.votes[vote.digest] == nil,
            let index = parts.network.index(of: vote.contents.authority)
        else { return }
        documents.add(vote)
        if index == parts.own { try keep(vote) }
        perform(
            machine.receive(vote: VoteFact(authority: index, slot: vote.contents.slot, digest: vote.digest)))
    }

    private func restore(proposal bytes: [UInt8]) throws(AuthorityStoreError) {
        guard let parsed = restored("proposal", bytes, { try UnverifiedProposal($0) }),
            let proposal = try? parsed.verify(in: parts.network),
            documents.proposals[proposal.digest] == nil, let fact = proposal.fact(in: parts.network)
        else { return }
        documents.add(proposal)
        if fact.authority == parts.own { try keep(proposal) }
        perform(machine.receive(proposal: fact))
    }

    private func restore(signature bytes: [UInt8]) throws(AuthorityStoreError) {
        guard let sent = restored("signature", bytes, { try SentConsensusSignature($0) }),
            (try? sent.verify(in: parts.network)) != nil,
            let index = parts.network.index(of: sent.signature.authority)
        else { return }
        documents.add(sent, of: index)
        if index == parts.own { try keep(sent) }
        perform(
            machine.receive(
                signature: SignatureFact(authority: index, slot: sent.link.slot, digest: sent.link.digest)))
    }

    /// Makes, records and sends the vote of a slot.
    func makeVote(_ slot: Slot) async {
        let start = parts.network.slots.start(of: slot)
        let verdict = await reports.verdict(at: start)
        let nodes = await registry.ballot(
            at: start, listed: latest.map { Set($0.consensus.nodes.map(\.id)) }, verdict: verdict)
        let previous = latest.map(\.link).flatMap { $0.slot < slot ? $0 : nil }
        let contents = VoteContents(
            slot: slot, authority: parts.name, published: Timestamp(seconds: parts.clock.now().seconds),
            previous: previous, parameters: parameters, nodes: nodes, brokenLinks: verdict.brokenLinks,
            reports: verdict.used, software: AuthorityVersion.text)
        let (network, signer) = (parts.network, signer)
        let made = await parts.work.run { Result { try Vote.make(contents, network: network, signer: signer) } }
        switch made {
        case .success(let vote): record(vote)
        case .failure(let error): failedToMake(.vote, slot, error)
        }
    }

    private func record(_ vote: Vote) {
        let slot = vote.contents.slot
        do throws(AuthorityStoreError) {
            try record(.vote, slot: slot.number, digest: vote.digest, bytes: vote.bytes)
            CrashPoint.reached(.authorityVoteRecorded)
        } catch {
            return failedToRecord(.vote, slot, error)
        }
        documents.add(vote)
        // It is recorded, so it is sent, whatever becomes of the rest.
        afterwards { () throws(AuthorityStoreError) in
            try keep(vote)
            try parts.store.noteNamed(vote.contents.nodes.map(\.descriptor), in: slot.number)
            try parts.store.noteNamed(reports: vote.contents.reports, in: slot.number)
        }
        step()
        perform(machine.recorded(vote: vote.digest, slot: slot))
    }

    /// The last door: what others know of this authority, or the machine remembers, is not contradicted.
    private func record(
        _ act: OwnAct, slot: UInt64, digest: Digest, bytes: [UInt8]
    ) throws(AuthorityStoreError) {
        let kind: SlotDocumentKind =
            switch act {
            case .vote: .vote
            case .proposal: .proposal
            case .signature: .signature
            }
        guard machine.memory.own(kind, Slot(slot)) ?? digest == digest else { throw .alreadyActed(act, slot: slot) }
        _ = try parts.store.record(act, slot: slot, digest: digest, bytes: bytes, by: parts.name.text)
    }

    /// Makes, records and sends a proposal.
    func propose(_ slot: Slot, _ votes: [VoteReference]) {
        let counted = votes.map { CountedVote(name: parts.network.authorities[$0.authority].name, digest: $0.digest) }
        let proposal: Proposal
        do {
            proposal = try Proposal.make(slot: slot, votes: counted, network: parts.network, signer: signer)
        } catch {
            return failedToMake(.proposal, slot, error)
        }
        do throws(AuthorityStoreError) {
            try record(.proposal, slot: slot.number, digest: proposal.digest, bytes: proposal.bytes)
            CrashPoint.reached(.authorityProposalRecorded)
        } catch {
            return failedToRecord(.proposal, slot, error)
        }
        documents.add(proposal)
        afterwards { () throws(AuthorityStoreError) in try keep(proposal) }
        perform(machine.recorded(proposal: proposal.digest, votes: votes, slot: slot))
    }

    /// Signs a consensus, records the signature and sends it. A signature that is not recorded is in memory for a moment, and
    /// gone if the program dies there.
    func sign(_ link: ConsensusLink) {
        let sent: SentConsensusSignature
        do {
            let signature = try ConsensusSignature.make(link, network: parts.network, signer: signer)
            sent = SentConsensusSignature(signature, on: link, network: parts.network)
            // A certificate that has ended makes signatures that nobody takes.
            try sent.verify(in: parts.network)
        } catch {
            return failedToMake(.signature, link.slot, error)
        }
        do throws(AuthorityStoreError) {
            try record(.signature, slot: link.slot.number, digest: link.digest, bytes: sent.bytes)
            CrashPoint.reached(.authoritySignatureRecorded)
        } catch {
            return failedToRecord(.signature, link.slot, error)
        }
        documents.add(sent, of: parts.own)
        afterwards { () throws(AuthorityStoreError) in try keep(sent) }
        perform(machine.recorded(signature: link))
    }

    /// What is done with an own document that is recorded.
    private func afterwards(_ body: () throws(AuthorityStoreError) -> Void) {
        do throws(AuthorityStoreError) {
            try body()
            parts.storeWorks()
        } catch { parts.storeFailed(error) }
    }

    private func failedToMake(_ kind: SlotDocumentKind, _ slot: Slot, _ error: any Error) {
        parts.counters.count("own_documents_failed", kind: kind.rawValue)
        parts.logger.error("cannot make the \(kind) of slot \(slot): \(error)")
        again(kind, slot, after: max(Self.retryPause, eighthOfSlot))
    }

    private func failedToRecord(_ kind: SlotDocumentKind, _ slot: Slot, _ error: AuthorityStoreError) {
        parts.counters.count("own_documents_failed", kind: kind.rawValue)
        if case .alreadyActed = error {
            parts.logger.error("the \(kind) of slot \(slot) is not sent: \(error)")
        } else {
            parts.storeFailed(error)
            again(kind, slot, after: Self.retryPause)
        }
    }

    /// A full disk or a certificate that has ended may be mended before the slot ends.
    private func again(_ kind: SlotDocumentKind, _ slot: Slot, after pause: Duration) {
        spawn(slot) {
            do { try await Task.sleep(for: pause) } catch { return }
            await self.askAgain(kind, slot)
        }
    }

    private func askAgain(_ kind: SlotDocumentKind, _ slot: Slot) {
        step()
        perform(machine.failed(kind, slot: slot))
    }

    // MARK: Keeping documents

    func keep(_ vote: Vote) throws(AuthorityStoreError) {
        try parts.store.keep(
            StoredDocument(
                digest: vote.digest, kind: .vote, slot: vote.contents.slot.number,
                authority: vote.contents.authority.text, received: parts.clock.now(), bytes: vote.bytes))
    }

    func keep(_ proposal: Proposal) throws(AuthorityStoreError) {
        try parts.store.keep(
            StoredDocument(
                digest: proposal.digest, kind: .proposal, slot: proposal.slot.number,
                authority: proposal.authority.text, received: parts.clock.now(), bytes: proposal.bytes))
    }

    func keep(_ sent: SentConsensusSignature) throws(AuthorityStoreError) {
        try parts.store.keep(
            StoredSignature(
                slot: sent.link.slot.number, authority: sent.signature.authority.text, digest: sent.link.digest,
                bytes: sent.bytes))
    }
}
