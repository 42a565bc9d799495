// Documents of others, from files or from peers. Each is checked as the running authority checks what is posted to it, and
// kept; two different ones of one authority for one slot become evidence.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Spool
internal import WireFormat

/// What became of a document.
struct Imported {
    /// What it is, in words.
    var what: String
    var isNew: Bool
    /// A further thing to tell.
    var warning: String?
}

extension SlotByHand {
    /// Checks and keeps a document of any kind.
    /// - Throws: `CommandFailure` with what is wrong with it.
    func take(_ bytes: [UInt8]) async throws -> Imported {
        let first = bytes.prefix { $0 != 10 && $0 != 32 }
        guard let kind = DocumentKind(rawValue: String(decoding: first.prefix(64), as: UTF8.self)) else {
            throw CommandFailure("it is no document of a directory")
        }
        switch kind {
        case .descriptor: return try await take(descriptor: bytes)
        case .vote: return try take(vote: bytes)
        case .proposal: return try take(proposal: bytes)
        case .consensusSignature: return try take(signature: bytes)
        case .consensus: return try await take(consensus: bytes)
        case .evidence: return try take(evidence: bytes)
        case .network:
            throw CommandFailure("it is a network file: put it at \(settings.networkFile) instead")
        case .certificate:
            throw CommandFailure("it is a certificate: use `nightjar-authority certificate install`")
        case .report: return try await take(report: bytes)
        case .optOuts:
            throw CommandFailure("it is a node's list of opt-outs: nodes send these to running authorities themselves")
        }
    }

    private func take(descriptor bytes: [UInt8]) async throws -> Imported {
        let name = (try? UnverifiedDescriptor(bytes).verify(network: network.name))?.fields.nickname.text ?? "?"
        switch await registry.take(bytes) {
        case .stored: return Imported(what: "the descriptor of node \(name)", isNew: true)
        case .known: return Imported(what: "the descriptor of node \(name)", isNew: false)
        case .malformed(let words): throw CommandFailure(words)
        case .refused(let refusal): throw CommandFailure(refusal.words, code: .refused)
        case .busy(let wait):
            throw CommandFailure("too many new nodes; again in \(wait.milliseconds / 1000) seconds", code: .temporary)
        case .unavailable: throw CommandFailure("it cannot be stored: is the disk full?", code: .temporary)
        }
    }

    private func take(vote bytes: [UInt8]) throws -> Imported {
        let vote = try checked { try UnverifiedVote(bytes).verify(in: network) }
        let (slot, authority) = (vote.contents.slot, vote.contents.authority)
        try checkSlot(slot)
        let isNew = try keepOnce { () throws(AuthorityStoreError) in try keep(vote) }
        return Imported(
            what: "the vote of \(authority) for slot \(slot)", isNew: isNew,
            warning: try accuse(.vote, authority, slot, try parts.store.documents(.vote, slot: slot.number)))
    }

    private func take(proposal bytes: [UInt8]) throws -> Imported {
        let proposal = try checked { try UnverifiedProposal(bytes).verify(in: network) }
        try checkSlot(proposal.slot)
        guard network.leader(of: proposal.slot).name == proposal.authority else {
            throw CommandFailure(
                "it is a proposal of \(proposal.authority), but \(network.leader(of: proposal.slot).name) leads slot "
                    + "\(proposal.slot)", code: .refused)
        }
        let isNew = try keepOnce { () throws(AuthorityStoreError) in try keep(proposal) }
        return Imported(
            what: "the proposal of \(proposal.authority) for slot \(proposal.slot)", isNew: isNew,
            warning: try accuse(
                .proposal, proposal.authority, proposal.slot,
                try parts.store.documents(.proposal, slot: proposal.slot.number)))
    }

    private func take(signature bytes: [UInt8]) throws -> Imported {
        let sent = try checked { () throws -> SentConsensusSignature in
            let sent = try SentConsensusSignature(bytes)
            try sent.verify(in: network)
            return sent
        }
        let (slot, authority) = (sent.link.slot, sent.signature.authority)
        try checkSlot(slot)
        let isNew = try keepOnce { () throws(AuthorityStoreError) in try keep(sent) }
        let all = try parts.store.signatures(slot: slot.number).filter { $0.authority == authority.text }
        return Imported(
            what: "the signature of \(authority) for slot \(slot)", isNew: isNew,
            warning: try accuse(.signature, authority, slot, all.map(\.bytes)))
    }

    private func take(consensus bytes: [UInt8]) async throws -> Imported {
        let unverified = try checked { try UnverifiedConsensus(bytes) }
        let certified: CertifiedConsensus
        do throws(ConsensusError) { certified = try unverified.verify(in: network) } catch {
            throw CommandFailure("\(error)", code: .refused)
        }
        try checkSlot(certified.slot)
        let known = try parts.store.consensus(slot: certified.slot.number)
        try await keep(certified)
        return Imported(what: "the consensus of slot \(certified.slot)", isNew: known == nil)
    }

    private func take(evidence bytes: [UInt8]) throws -> Imported {
        let evidence = try checked { try UnverifiedEvidence(bytes).verify(in: network) }
        try checkSlot(evidence.slot)
        return Imported(
            what: "evidence against \(evidence.authority) of slot \(evidence.slot)", isNew: try keep(evidence))
    }

    private func take(report bytes: [UInt8]) async throws -> Imported {
        let report = try checked { try UnverifiedReport(bytes) }
        let what = "the report of pinger \(report.pinger)"
        switch await reports.receive(bytes) {
        case .stored: return Imported(what: what, isNew: true)
        case .known: return Imported(what: what, isNew: false)
        case .malformed(let words): throw CommandFailure(words)
        case .refused(let words), .conflict(let words): throw CommandFailure(words, code: .refused)
        case .busy:
            let newest = await reports.known().first { $0.pinger.key == report.keyDigest }?.newest
            let next = newest.map { $0.received + ReportRules(network: network).pause }
            if let next, next > settings.clock.now() {
                throw CommandFailure(
                    "\(what) comes too soon after the one before, which stays; import it again after \(next)",
                    code: .temporary)
            }
            throw CommandFailure("it cannot be stored: is the disk full?", code: .temporary)
        }
    }

    // MARK: Checks

    private func checked<Value>(_ parse: () throws -> Value) throws -> Value {
        do { return try parse() } catch { throw CommandFailure("it is not taken: \(error)", code: .refused) }
    }

    private func checkSlot(_ slot: Slot) throws {
        let current = network.slots.slot(at: settings.clock.now()) ?? slot
        guard slot <= current.advanced(by: 1) ?? current else {
            throw CommandFailure(
                "it is of slot \(slot), which lies ahead; the current one is \(current)", code: .refused)
        }
    }

    /// False if the store has it, or enough that contradicts it.
    private func keepOnce(_ keep: () throws(AuthorityStoreError) -> Bool) throws -> Bool {
        do throws(AuthorityStoreError) { return try keep() } catch {
            guard case .tooMany = error else { throw error }
            return false
        }
    }

    // MARK: Evidence

    private func accuse(
        _ kind: SlotDocumentKind, _ authority: Nickname, _ slot: Slot, _ stored: [StoredDocument]
    ) throws -> String? {
        try accuse(kind, authority, slot, stored.filter { $0.authority == authority.text }.map(\.bytes))
    }

    /// Two different documents are kept as evidence.
    private func accuse(
        _ kind: SlotDocumentKind, _ authority: Nickname, _ slot: Slot, _ documents: [[UInt8]]
    ) throws -> String? {
        guard documents.count > 1,
            let evidence = try? Evidence.make(kind, documents[0], documents[1], network: network)
        else { return nil }
        // One of the two may be here alone: the proof is not made public.
        guard authority != name else {
            return
                "there are two \(kind)s of this authority for slot \(slot): its keys are used elsewhere, or its database is "
                + "from a backup; publish none of them"
        }
        _ = try keep(evidence)
        return
            "\(authority) made two different \(kind)s for slot \(slot): the evidence is kept, and its votes do not count for "
            + "\(SlotTiming.exclusionSlots) slots"
    }

    func keep(_ evidence: Evidence) throws(AuthorityStoreError) -> Bool {
        try parts.store.keep(
            StoredEvidence(
                authority: evidence.authority.text, slot: evidence.slot.number, kind: evidence.kind.rawValue,
                digest: evidence.digest, seen: settings.clock.now()), document: evidence.bytes,
            spanning: UInt64(SlotTiming.exclusionSlots))
    }
}
