// The phases of a slot as commands: `vote`, `propose`, `tally`, `sign`, `assemble`; and `skip`.

internal import Daemon
internal import Directory
internal import Spool
internal import WireFormat

/// Which slot, of which authority.
public struct SlotChoice: Sendable {
    public var configuration: String
    /// Nil is the one that runs now.
    public var slot: UInt64?

    public init(configuration: String, slot: UInt64?) {
        self.configuration = configuration
        self.slot = slot
    }

    func open() throws -> SlotByHand { try SlotByHand(configuration: configuration, slot: slot) }
}

extension AuthorityCommands {
    /// `vote`: makes, records and writes this authority's vote. Once made, it is the same vote every time.
    public func vote(_ choice: SlotChoice, output: String?) async throws {
        let work = try choice.open()
        defer { work.close() }
        if let record = try work.parts.store.own(.vote, slot: work.slot.number) {
            try write(record.bytes, to: output)
            return terminal.message("the vote of slot \(work.slot), as it was made before")
        }
        let start = work.network.slots.start(of: work.slot)
        let verdict = await work.reports.verdict(at: start)
        let nodes = await work.registry.ballot(
            at: start, listed: work.latest.map { Set($0.consensus.nodes.map(\.id)) }, verdict: verdict)
        let contents = VoteContents(
            slot: work.slot, authority: work.name, published: Timestamp(seconds: work.settings.clock.now().seconds),
            previous: work.latest.map(\.link).flatMap { $0.slot < work.slot ? $0 : nil },
            parameters: work.settings.votedParameters(work.network.parameters), nodes: nodes,
            brokenLinks: verdict.brokenLinks, reports: verdict.used, software: AuthorityVersion.text)
        let vote = try Vote.make(contents, network: work.network, signer: work.signer())
        let bytes = try work.record(.vote, vote.digest, vote.bytes)
        try work.keep(vote)
        try work.parts.store.noteNamed(nodes.map(\.descriptor), in: work.slot.number)
        try work.parts.store.noteNamed(reports: verdict.used, in: work.slot.number)
        try write(bytes, to: output)
        terminal.message("voted in slot \(work.slot) for \(nodes.count) nodes; \(work.leader) leads")
    }

    /// `propose`: names the votes that are here, if this authority leads the slot.
    public func propose(_ choice: SlotChoice, output: String?) throws {
        let work = try choice.open()
        defer { work.close() }
        if let record = try work.parts.store.own(.proposal, slot: work.slot.number) {
            try write(record.bytes, to: output)
            return terminal.message("the proposal of slot \(work.slot), as it was made before")
        }
        guard work.leader == work.name else {
            throw CommandFailure("\(work.leader) leads slot \(work.slot); import its proposal", code: .refused)
        }
        let votes = try work.votes()
        let lacking = work.network.authorities.map(\.name).filter { votes[$0] == nil }
        guard votes.count >= work.network.quorum else {
            throw CommandFailure(
                "there are \(votes.count) votes for slot \(work.slot), and \(work.network.quorum) are needed; import those of "
                    + lacking.map(\.text).joined(separator: ", "), code: .temporary)
        }
        let proposal = try Proposal.make(
            slot: work.slot, votes: votes.map { CountedVote(name: $0.key, digest: $0.value.digest) },
            network: work.network, signer: work.signer())
        let bytes = try work.record(.proposal, proposal.digest, proposal.bytes)
        try work.keep(proposal)
        try write(bytes, to: output)
        terminal.message("proposed \(votes.count) votes for slot \(work.slot)")
        if !lacking.isEmpty {
            terminal.message("without the votes of \(lacking.map(\.text).joined(separator: ", "))")
        }
    }

    /// `tally`: computes what the proposal's votes give, and signs nothing.
    public func tally(_ choice: SlotChoice, output: String?) throws {
        let work = try choice.open()
        defer { work.close() }
        let consensus = try work.consensus()
        try write(consensus.bytes, to: output)
        terminal.message("slot \(work.slot): \(consensus.nodes.count) nodes from \(consensus.votes.count) votes")
        terminal.message("consensus \(consensus.digest.hex): the same for all who tally these votes")
    }

    /// `sign`: records that this authority signs what the votes give, then signs it.
    public func sign(_ choice: SlotChoice, output: String?) throws {
        let work = try choice.open()
        defer { work.close() }
        if let record = try work.parts.store.own(.signature, slot: work.slot.number) {
            try write(record.bytes, to: output)
            return terminal.message("the signature of slot \(work.slot), as it was made before")
        }
        let consensus = try work.consensus()
        if let previous = consensus.previous {
            guard try work.parts.store.consensus(slot: previous.slot.number)?.digest == previous.digest else {
                throw CommandFailure(
                    "the consensus of slot \(previous.slot), on which it stands, is not here; import it first",
                    code: .temporary)
            }
        }
        if let objection = PreviousRule.objection(
            to: consensus, votes: Array(try work.votes().values), held: work.latest, network: work.network,
            now: work.settings.clock.now())
        {
            throw CommandFailure(
                "the consensus is not signed: \(objection); fetch or import the newest one", code: .refused)
        }
        let signature = try ConsensusSignature.make(consensus.link, network: work.network, signer: work.signer())
        let sent = SentConsensusSignature(signature, on: consensus.link, network: work.network)
        let bytes = try work.record(.signature, consensus.digest, sent.bytes)
        try work.keep(sent)
        try write(bytes, to: output)
        terminal.message("signed the consensus \(consensus.digest.hex) of slot \(work.slot)")
    }

    /// `assemble`: puts the consensus and the signatures that are here together, and keeps it.
    public func assemble(_ choice: SlotChoice, output: String?) async throws {
        let work = try choice.open()
        defer { work.close() }
        let consensus = try work.consensus()
        let signatures = try work.signatures(on: consensus.link)
        let signers = Set(signatures.map(\.authority))
        let lacking = work.network.authorities.map(\.name).filter { !signers.contains($0) }.map(\.text)
        guard signers.count >= work.network.quorum else {
            let others = try work.parts.store.signatures(slot: work.slot.number).filter {
                $0.digest != consensus.digest
            }.map(\.authority)
            throw CommandFailure(
                "\(signers.count) have signed this consensus, and \(work.network.quorum) are needed; import the signatures of "
                    + lacking.joined(separator: ", ")
                    + (others.isEmpty ? "" : "; another consensus was signed by \(others.joined(separator: ", "))"),
                code: .temporary)
        }
        let certified = try CertifiedConsensus(consensus, signatures: signatures, network: work.network)
        try await work.keep(certified)
        try write(certified.bytes, to: output)
        terminal.message("slot \(work.slot) is certified by \(certified.signers.map(\.text).joined(separator: ", "))")
    }

    /// `skip`: from now on nothing is done in the current slot and those after it, `count` in all: for a database that may
    /// have forgotten what was done.
    public func skip(configuration: String, count: Int) throws {
        guard (1...1000).contains(count) else { throw CommandFailure("--slots takes 1 to 1000", code: .usage) }
        let work = try SlotByHand(configuration: configuration, slot: nil)
        defer { work.close() }
        let last = work.slot.advanced(by: count - 1) ?? work.slot
        try work.parts.store.raiseFloor(to: last.number)
        let next = last.advanced(by: 1) ?? last
        terminal.message(
            "nothing is done up to slot \(last); the authority takes part again from slot \(next) on, at "
                + "\(work.network.slots.start(of: next))")
    }
}

extension SlotByHand {
    @discardableResult
    func keep(_ vote: Vote) throws(AuthorityStoreError) -> Bool {
        try parts.store.keep(
            StoredDocument(
                digest: vote.digest, kind: .vote, slot: vote.contents.slot.number,
                authority: vote.contents.authority.text, received: settings.clock.now(), bytes: vote.bytes))
    }

    @discardableResult
    func keep(_ proposal: Proposal) throws(AuthorityStoreError) -> Bool {
        try parts.store.keep(
            StoredDocument(
                digest: proposal.digest, kind: .proposal, slot: proposal.slot.number,
                authority: proposal.authority.text, received: settings.clock.now(), bytes: proposal.bytes))
    }

    @discardableResult
    func keep(_ sent: SentConsensusSignature) throws(AuthorityStoreError) -> Bool {
        try parts.store.keep(
            StoredSignature(
                slot: sent.link.slot.number, authority: sent.signature.authority.text, digest: sent.link.digest,
                bytes: sent.bytes))
    }
}
