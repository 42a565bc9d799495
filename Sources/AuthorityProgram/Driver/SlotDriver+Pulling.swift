// Whoever was away, or could not be reached by the others, pulls what they have. Each peer is asked for itself and has its time:
// one that answers drop by drop delays nobody.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Spool
internal import WireFormat

extension SlotDriver {
    /// Pieces of evidence that are fetched from a peer in a round.
    private static let evidencePerRound = 16
    /// Pieces of evidence that could not be used and are not asked for again.
    private static let mostDeclined = 4096
    /// In which eighths of a slot its documents are pulled, while it is not certified; by the first of them the leader has
    /// proposed. In the third of these everything is.
    private static let eighths: [Int64] = [3, 5, 6, 7]

    /// In every slot, again and again while it is not certified.
    nonisolated func pullEverySlot() async {
        let slots = parts.network.slots
        while !Task.isCancelled {
            let now = parts.clock.now()
            guard let slot = slots.slot(at: now), let next = slot.advanced(by: 1) else { return }
            let due = [slot, next].flatMap { slot in
                Self.eighths.map { eighth in
                    (eighth, slots.start(of: slot) + .milliseconds(slots.length.milliseconds * eighth / 8))
                }
            }
            guard let (eighth, time) = due.first(where: { $0.1 > now }) else { return }
            // The clock may be set meanwhile: what is due then is found anew.
            while parts.clock.now() < time {
                do { try await parts.clock.sleep(until: time, atMost: AuthorityParts.longestSleep) } catch { return }
                if parts.clock.now() < now { break }
            }
            if eighth == 6 { await pull() } else if await !openSlots().isEmpty { await pullOpenSlots() }
        }
    }

    /// Asks all others for the newest consensus, the documents of open slots, and evidence.
    nonisolated func pull() async {
        await withTaskGroup(of: Void.self) { group in
            for peer in peers {
                group.addTask {
                    // An authority that is away is asked again later.
                    _ = await self.limited { await self.pullConsensus(from: peer) ? true : nil }
                    _ = await self.limited { await self.pullOpenSlots(from: peer) }
                    _ = await self.limited { await self.pullEvidence(from: peer) }
                }
            }
        }
    }

    private nonisolated func pullOpenSlots() async {
        await withTaskGroup(of: Void.self) { group in
            for peer in peers {
                group.addTask { _ = await self.limited { await self.pullOpenSlots(from: peer) } }
            }
        }
    }

    private nonisolated func pullConsensus(from peer: Peer) async -> Bool {
        let known = await latest?.link
        let newer: [UInt8]?? = try? await peer.ask { source throws(FetchError) in
            try await source.consensus(newerThan: known)
        }
        guard let answer = newer else { return false }
        if let bytes = answer, await isNews(bytes), let certified = await verified(bytes) { await pulled(certified) }
        return true
    }

    /// Whether a consensus is newer than the newest one here, or another one of a slot that has one.
    private func isNews(_ bytes: [UInt8]) -> Bool {
        guard let offered = try? UnverifiedConsensus(bytes) else { return true }
        if latest.map({ $0.slot < offered.slot }) ?? true { return true }
        guard let held = try? parts.store.consensus(slot: offered.slot.number), held.digest != offered.link.digest
        else {
            return false
        }
        return (try? parts.store.document(offered.link.digest)) == .some(.none)
    }

    // MARK: Open slots

    /// The current slot and the one before it, as far as they are not certified here.
    private func openSlots() -> [SlotSummary] {
        step()
        return machine.summaries.filter { summary in
            guard let current = machine.current, summary.slot <= current else { return false }
            if case .certified = summary.progress { return false }
            return latest.map { $0.slot < summary.slot } ?? true
        }
    }

    private nonisolated func pullOpenSlots(from peer: Peer) async {
        for summary in await openSlots() {
            let slot = summary.slot.number
            let list: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                try await source.bytes(.votes(slot), limit: 64 << 10)
            }
            for digest in await lackingVotes(list ?? [], summary.slot) {
                if let vote = await document(digest, from: peer) { _ = await receive(vote: vote, isPosted: false) }
            }
            if summary.proposals.isEmpty, let digest = await proposal(slot, from: peer),
                let proposal = await document(digest, from: peer)
            {
                _ = await receive(proposal: proposal)
            }
            let limit = DirectoryUpload.signature.mostBytes * Authority.maximumCount * 2
            let signatures: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                try await source.bytes(.signatures(slot), limit: limit)
            }
            for document in SignatureList.split(signatures ?? []) { _ = await receive(signature: document) }
        }
    }

    private nonisolated func document(_ digest: Digest, from peer: Peer) async -> [UInt8]? {
        try? await peer.ask { source throws(FetchError) in try await source.document(digest) }
    }

    /// Which votes in a list of lines `vote NAME DIGEST` the machine can use.
    private func lackingVotes(_ list: [UInt8], _ slot: Slot) -> [Digest] {
        guard let summary = machine.summaries.first(where: { $0.slot == slot }) else { return [] }
        var room = Array(repeating: 2, count: summary.votes.count)
        var found: [Digest] = []
        for line in String(decoding: list, as: UTF8.self).split(separator: "\n").prefix(4 * Authority.maximumCount) {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "vote", let digest = Digest(hex: words[2]),
                let index = Nickname(String(words[1])).flatMap({ parts.network.index(of: $0) }),
                !summary.votes[index].contains(digest), summary.votes[index].count < room[index]
            else { continue }
            room[index] -= 1
            found.append(digest)
        }
        return found
    }

    /// What the leader of a slot proposed, as a peer's list of slots has it.
    private nonisolated func proposal(_ slot: UInt64, from peer: Peer) async -> Digest? {
        let list: [UInt8]? = try? await peer.ask { source throws(FetchError) in
            try await source.bytes(.slots, limit: 4 << 20)
        }
        let slots = try? JSONDecoder().decode([HealthReport.SlotInfo].self, from: Data(list ?? []))
        return slots?.first { $0.slot == slot }?.proposal
    }

    // MARK: Evidence

    private nonisolated func pullEvidence(from peer: Peer) async {
        let list: [UInt8]? = try? await peer.ask { source throws(FetchError) in
            try await source.bytes(.evidence, limit: 1 << 20)
        }
        for digest in await lackingEvidence(EvidenceList.entries(list ?? [])) {
            let found: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                try await source.bytes(.document(digest), limit: Evidence.maximumSize)
            }
            guard let found else { continue }
            switch await receive(evidence: found) {
            case .stored, .busy: break
            case .known, .malformed, .refused, .conflict: await decline(digest)
            }
        }
    }

    /// What is neither here, nor of an authority, slot and kind of which there is evidence, nor was of no use before.
    private func lackingEvidence(_ entries: [EvidenceList.Entry]) -> [Digest] {
        guard let all = parts.tried({ () throws(AuthorityStoreError) in try parts.store.evidence() }) else { return [] }
        let known = Set(all.map { EvidenceList.Entry($0) })
        let lacking = entries.filter { !known.contains($0) && !declined.contains($0.digest) }
        return lacking.prefix(Self.evidencePerRound).map(\.digest)
    }

    private func decline(_ digest: Digest) {
        if declined.count >= Self.mostDeclined { declined.removeAll() }
        declined.insert(digest)
    }
}
