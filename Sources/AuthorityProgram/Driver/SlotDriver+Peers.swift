// To and from the other authorities: own documents are sent until each has them or the slot is over, missing ones are fetched,
// and whoever was away pulls what the others have.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Logging
internal import Spool
internal import WireFormat

extension SlotDriver {
    /// Pauses between tries, real time: doubled from the first to the last.
    private static let firstPause = Duration.milliseconds(200)
    private static let longestPause = Duration.seconds(30)
    /// Pieces of evidence that are fetched from a peer in a round.
    private static let evidencePerRound = 16

    // MARK: Sending

    /// Sends an own document to all others.
    func send(_ kind: SlotDocumentKind, _ slot: Slot, _ digest: Digest) {
        let (act, upload): (OwnAct, DirectoryUpload) =
            switch kind {
            case .vote: (.vote, .vote)
            case .proposal: (.proposal, .proposal)
            case .signature: (.signature, .signature)
            }
        // Always the recorded bytes, so that nothing else can ever be sent.
        guard let record = try? parts.store.own(act, slot: slot.number), record.digest == digest else {
            return parts.counters.count("own_documents_failed", kind: "lost")
        }
        broadcast(record.bytes, as: upload, slot: slot)
    }

    /// Sends a document to all others, to each until it answers for it or the slot is closed; without a slot for one slot's
    /// length.
    func broadcast(_ bytes: [UInt8], as kind: DirectoryUpload, slot: Slot?) {
        let length = parts.network.slots.length
        let end = slot.map { parts.network.slots.start(of: $0) + length * 2 } ?? parts.clock.now() + length
        for peer in peers where !peer.urls.isEmpty {
            spawn(slot) { await self.deliver(bytes, as: kind, to: peer, until: end) }
        }
    }

    private nonisolated func deliver(_ bytes: [UInt8], as kind: DirectoryUpload, to peer: Peer, until end: Timestamp)
        async
    {
        var pause = Self.firstPause
        while !Task.isCancelled, parts.clock.now() < end {
            var wait = pause
            switch await sender.post(bytes, as: kind, to: peer.urls) {
            case .accepted:
                Self.passSent(kind)
                return parts.counters.count("documents_sent", kind: kind.rawValue)
            case .refused:
                // Its words are not ours to log.
                parts.counters.count("documents_sent", kind: "refused")
                return parts.logger.warning("authority \(peer.name) refuses a document for \(kind.path)")
            case .busy(let after):
                wait = max(wait, .milliseconds(min(after.milliseconds, 30_000)))
            case .unreachable:
                parts.counters.count("documents_sent", kind: "unreachable")
            }
            do { try await Task.sleep(for: wait) } catch { return }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private static func passSent(_ kind: DirectoryUpload) {
        switch kind {
        case .vote: CrashPoint.reached(.authorityVoteSent)
        case .proposal: CrashPoint.reached(.authorityProposalSent)
        case .signature: CrashPoint.reached(.authoritySignatureSent)
        case .descriptor, .evidence, .report: break
        }
    }

    // MARK: Fetching

    /// Gets a vote that a proposal names, from those who must have it and then from all others.
    nonisolated func fetchVote(_ slot: Slot, _ vote: VoteReference, _ sources: [Int]) async {
        let first = sources.compactMap { index in peers.first { $0.index == index } }
        let others = peers.filter { !sources.contains($0.index) }
        var pause = Self.firstPause
        while !Task.isCancelled {
            for peer in first + others {
                let found: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                    try await source.document(vote.digest)
                }
                guard let found else { continue }
                // The machine looks at nothing but the digest that the proposal names.
                if case .stored = await receive(vote: found, isPosted: false) {
                    return parts.counters.count("votes_fetched")
                }
                if await hasVote(vote.digest) { return }
            }
            do { try await Task.sleep(for: pause) } catch { return }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private func hasVote(_ digest: Digest) -> Bool { documents.votes[digest] != nil }

    /// Gets a certified consensus that was not computed here.
    nonisolated func fetchConsensus(_ link: ConsensusLink, _ sources: [Int]) async {
        let first = sources.compactMap { index in peers.first { $0.index == index } }
        let others = peers.filter { !sources.contains($0.index) }
        var pause = Self.firstPause
        while !Task.isCancelled {
            for peer in first + others {
                let found: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                    try await source.bytes(.consensusAt(link.slot.number), limit: DirectoryLimits.documentSize)
                }
                guard let found, let certified = await verified(found), certified.link == link else { continue }
                return await pulled(certified)
            }
            do { try await Task.sleep(for: pause) } catch { return }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private nonisolated func verified(_ bytes: [UInt8]) async -> CertifiedConsensus? {
        let network = parts.network
        let certified = await parts.work.run { try? UnverifiedConsensus(bytes).verify(in: network) }
        if certified == nil { parts.counters.count("documents_refused", kind: "consensus") }
        return certified
    }

    /// Takes a certified consensus that others had first.
    private func pulled(_ certified: CertifiedConsensus) {
        step()
        // One of a slot that is to come is certified by clocks that all are wrong; it waits.
        guard certified.slot <= machine.current ?? certified.slot else { return }
        if let known = try? parts.store.consensus(slot: certified.slot.number), known.digest != certified.link.digest {
            keepFork(certified)
        } else if install(certified, isLate: true) {
            parts.counters.count("consensus_pulled")
            spawn { await self.fetchNamedVotes(certified) }
        }
        perform(machine.certified(certified.link))
    }

    // MARK: Pulling

    /// In every slot, after three quarters of it.
    nonisolated func pullEverySlot() async {
        let slots = parts.network.slots
        while !Task.isCancelled {
            let now = parts.clock.now()
            guard let slot = slots.slot(at: now) else { return }
            let offset = Interval.milliseconds(slots.length.milliseconds * 3 / 4)
            var due = slots.start(of: slot) + offset
            if due <= now { due = slots.start(of: slot) + slots.length + offset }
            do { try await parts.clock.sleep(until: due) } catch { return }
            await pull()
        }
    }

    /// Asks all others for the newest consensus, signatures and evidence.
    nonisolated func pull() async {
        for peer in peers.shuffled() where !Task.isCancelled {
            let known = await latest?.link
            let newer: [UInt8]?? = try? await peer.ask { source throws(FetchError) in
                try await source.consensus(newerThan: known)
            }
            // An authority that is away is asked again in the next slot.
            guard let answer = newer else { continue }
            if let bytes = answer, let certified = await verified(bytes),
                known.map({ $0.slot < certified.slot }) ?? true
            {
                await pulled(certified)
            }
            await pullSignatures(from: peer)
            await pullEvidence(from: peer)
        }
    }

    private nonisolated func pullSignatures(from peer: Peer) async {
        guard let slot = await uncertifiedSlot() else { return }
        let limit = DirectoryUpload.signature.mostBytes * Authority.maximumCount * 2
        let list: [UInt8]? = try? await peer.ask { source throws(FetchError) in
            try await source.bytes(.signatures(slot.number), limit: limit)
        }
        for document in SignatureList.split(list ?? []) { _ = await receive(signature: document) }
    }

    private func uncertifiedSlot() -> Slot? {
        step()
        guard let slot = machine.current, latest.map({ $0.slot < slot }) ?? true else { return nil }
        return slot
    }

    private nonisolated func pullEvidence(from peer: Peer) async {
        let list: [UInt8]? = try? await peer.ask { source throws(FetchError) in
            try await source.bytes(.evidence, limit: 1 << 20)
        }
        var fetched = 0
        for digest in EvidenceList.digests(list ?? []) where fetched < Self.evidencePerRound {
            guard (try? parts.store.document(digest)) == .some(.none) else { continue }
            fetched += 1
            let found: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                try await source.bytes(.document(digest), limit: DirectoryUpload.evidence.mostBytes)
            }
            if let found { _ = await receive(evidence: found) }
        }
    }

    // MARK: What a consensus names

    /// Fetches the descriptors that a consensus names and this authority does not have, so that it can serve all.
    nonisolated func complete(_ certified: CertifiedConsensus) async {
        let named = certified.consensus.nodes.map(\.descriptor)
        for peer in peers.shuffled() where !Task.isCancelled {
            guard let present = try? parts.store.present(among: named) else { return }
            let missing = named.filter { !present.contains($0) }
            guard !missing.isEmpty else { break }
            let found: [[UInt8]]? = try? await peer.ask { source throws(FetchError) in
                try await source.descriptors(missing, outOf: named.count)
            }
            let wanted = Set(missing)
            for bytes in found ?? [] {
                guard let descriptor = try? UnverifiedDescriptor(bytes).verify(network: parts.network.name),
                    wanted.contains(descriptor.digest)
                else { continue }
                _ = await registry.take(bytes)
                _ = try? parts.store.keep(
                    StoredDocument(
                        digest: descriptor.digest, kind: .descriptor, slot: certified.slot.number,
                        received: parts.clock.now(), bytes: bytes))
                parts.counters.count("descriptors_fetched")
            }
        }
        publication.descriptorsChanged()
    }

    /// Fetches the votes of a consensus that was pulled, so that this authority too can show what it was made from.
    private nonisolated func fetchNamedVotes(_ certified: CertifiedConsensus) async {
        let named = certified.consensus.votes
        for peer in peers.shuffled() where !Task.isCancelled {
            guard let present = try? parts.store.present(among: named.map(\.digest)) else { return }
            for counted in named where !present.contains(counted.digest) {
                let found: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                    try await source.document(counted.digest)
                }
                guard let found, let vote = try? UnverifiedVote(found).verify(in: parts.network),
                    vote.digest == counted.digest
                else { continue }
                do throws(AuthorityStoreError) { try await keep(vote) } catch { parts.storeFailed(error) }
            }
        }
    }
}
