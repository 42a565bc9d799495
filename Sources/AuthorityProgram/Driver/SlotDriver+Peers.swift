// To and from the other authorities: own documents are sent until each has them or the slot is over, and missing ones are
// fetched.

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
    /// By how much those who are likely to have something are asked before the others.
    private static let headStart = Duration.milliseconds(500)
    /// The least time that a peer gets for a question.
    private static let shortestDeadline = Duration.seconds(5)

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
            spawn(slot) { await self.deliver(bytes, as: kind, of: slot, to: peer, until: end) }
        }
    }

    private nonisolated func deliver(
        _ bytes: [UInt8], as kind: DirectoryUpload, of slot: Slot?, to peer: Peer, until end: Timestamp
    ) async {
        var pause = Self.firstPause
        while !Task.isCancelled, parts.clock.now() < end, await maySend(kind, slot) {
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

    /// False for an own document once another one of its kind and slot is known: whoever does not have it must not get it.
    private func maySend(_ kind: DirectoryUpload, _ slot: Slot?) -> Bool {
        let summary = slot.flatMap { slot in machine.summaries.first { $0.slot == slot } }
        let own = (summary?.equivocations ?? []).filter { $0.authority == parts.own }.map(\.kind)
        switch kind {
        case .vote: return !own.contains(.vote)
        case .proposal: return !own.contains(.proposal)
        case .signature: return !own.contains(.signature)
        case .descriptor, .evidence, .report, .optOuts: return true
        }
    }

    private static func passSent(_ kind: DirectoryUpload) {
        switch kind {
        case .vote: CrashPoint.reached(.authorityVoteSent)
        case .proposal: CrashPoint.reached(.authorityProposalSent)
        case .signature: CrashPoint.reached(.authoritySignatureSent)
        case .descriptor, .evidence, .report, .optOuts: break
        }
    }

    // MARK: Fetching

    /// Gets a vote that a proposal names, from those who must have it and then from all others.
    nonisolated func fetchVote(_ slot: Slot, _ vote: VoteReference, _ sources: [Int]) async {
        await fetch(from: sources) { peer in
            let found: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                try await source.document(vote.digest)
            }
            guard let found else { return false }
            // The machine looks at nothing but the digest that the proposal names.
            if case .stored = await self.receive(vote: found, isPosted: false) {
                self.parts.counters.count("votes_fetched")
            }
            return await self.hasVote(vote.digest)
        }
    }

    /// Asks every peer for itself, the likeliest first, until one has what is wanted: one that is slow holds up nobody.
    private nonisolated func fetch(from likely: [Int], _ attempt: @escaping @Sendable (Peer) async -> Bool) async {
        await withTaskGroup(of: Bool.self) { group in
            for peer in peers {
                let isLikely = likely.isEmpty || likely.contains(peer.index)
                group.addTask {
                    var pause = Self.firstPause
                    do {
                        if !isLikely { try await Task.sleep(for: Self.headStart) }
                        while await self.limited({ await attempt(peer) }) != true {
                            try await Task.sleep(for: pause)
                            pause = min(pause * 2, Self.longestPause)
                        }
                        return true
                    } catch { return false }
                }
            }
            for await isFound in group where isFound { return group.cancelAll() }
        }
    }

    /// What comes of a question to one peer, or nil when its time is over.
    nonisolated func limited<Result: Sendable>(
        _ question: @escaping @Sendable () async -> Result?
    ) async -> Result? {
        let limit = max(Self.shortestDeadline, eighthOfSlot)
        return await withTaskGroup(of: Result?.self) { group in
            group.addTask { await question() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func hasVote(_ digest: Digest) -> Bool { documents.votes[digest] != nil }

    /// Gets a certified consensus that was not computed here.
    nonisolated func fetchConsensus(_ link: ConsensusLink, _ sources: [Int]) async {
        await fetch(from: sources) { peer in
            let found: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                try await source.bytes(.consensusAt(link.slot.number), limit: DirectoryLimits.documentSize)
            }
            guard let found, let certified = await self.verified(found), certified.link == link else { return false }
            await self.pulled(certified)
            return true
        }
    }

    nonisolated func verified(_ bytes: [UInt8]) async -> CertifiedConsensus? {
        let certified = await checked(bytes)
        if certified == nil { parts.counters.count("documents_refused", kind: "consensus") }
        return certified
    }

    /// Takes a certified consensus that others had first.
    func pulled(_ certified: CertifiedConsensus) {
        step()
        // One of a slot that is to come is certified by clocks that all are wrong; it waits.
        guard certified.slot <= machine.current ?? certified.slot, mayFollow(certified) else { return }
        if let known = try? parts.store.consensus(slot: certified.slot.number), known.digest != certified.link.digest {
            keepFork(certified)
            let actions = machine.certified(certified.link)
            perform(actions)
            // The machine does not remember the consensuses of slots long past.
            if actions.isEmpty { fork(ConsensusLink(slot: certified.slot, digest: known.digest), certified.link) }
            return
        } else if install(certified, isLate: true) {
            parts.counters.count("consensus_pulled")
            spawn { await self.fetchNamedVotes(certified) }
        }
        perform(machine.certified(certified.link))
    }

    // MARK: What a consensus names

    /// Fetches the descriptors that a consensus names and this authority does not have, so that it can serve all.
    nonisolated func complete(_ certified: CertifiedConsensus) async {
        let named = certified.consensus.nodes.map(\.descriptor)
        for peer in peers.shuffled() where !Task.isCancelled {
            guard let present = parts.tried({ () throws(AuthorityStoreError) in try parts.store.present(among: named) })
            else { return }
            let missing = named.filter { !present.contains($0) }
            guard !missing.isEmpty else { break }
            let found: [[UInt8]]? = await limited {
                try? await peer.ask { source throws(FetchError) in
                    try await source.descriptors(missing, outOf: named.count)
                }
            }
            let wanted = Set(missing)
            for bytes in found ?? [] {
                guard let descriptor = try? UnverifiedDescriptor(bytes).verify(network: parts.network.name),
                    wanted.contains(descriptor.digest)
                else { continue }
                _ = await registry.take(bytes)
                do throws(AuthorityStoreError) {
                    try parts.store.keep(
                        StoredDocument(
                            digest: descriptor.digest, kind: .descriptor, slot: certified.slot.number,
                            received: parts.clock.now(), bytes: bytes))
                    parts.counters.count("descriptors_fetched")
                } catch { parts.storeFailed(error) }
            }
        }
        publication.descriptorsChanged()
        await fetchNamedReports(certified)
    }

    /// Fetches the votes of a consensus that was pulled, so that this authority too can show what it was made from.
    private nonisolated func fetchNamedVotes(_ certified: CertifiedConsensus) async {
        let named = certified.consensus.votes
        for peer in peers.shuffled() where !Task.isCancelled {
            guard
                let present = parts.tried({ () throws(AuthorityStoreError) in
                    try parts.store.present(among: named.map(\.digest))
                })
            else { return }
            for counted in named where !present.contains(counted.digest) {
                let found: [UInt8]? = await limited {
                    try? await peer.ask { source throws(FetchError) in try await source.document(counted.digest) }
                }
                guard let found, let vote = try? UnverifiedVote(found).verify(in: parts.network),
                    vote.digest == counted.digest
                else { continue }
                do throws(AuthorityStoreError) { try await keep(vote) } catch { parts.storeFailed(error) }
            }
        }
        await fetchNamedReports(certified)
    }
}
