// A slot without the running authority: each phase is one step on the same database, under the same lock, and what was
// recorded is never made anew. So the phases can be done by hand, on files, and an authority that runs later contradicts
// nothing of it.

internal import Daemon
internal import Directory
internal import Logging
internal import Spool
internal import WireFormat

/// One authority's part in one slot.
struct SlotByHand {
    let settings: AuthoritySettings
    let network: NetworkFile
    let parts: AuthorityParts
    let registry: NodeRegistry
    let reports: ReportDesk
    let slot: Slot
    /// What must not be contradicted.
    let memory: SlotMemory
    /// The newest certified consensus.
    let latest: CertifiedConsensus?
    private let lock: LockFile

    /// Opens the authority's database; fails while the authority runs.
    /// - Parameter wanted: nil is the slot that runs now.
    init(configuration: String, slot wanted: UInt64?) throws {
        settings = try AuthoritySettings(configuration: configuration)
        try ScaledClock.checkPlausible()
        network = try NetworkDocument.installed(settings.networkFile)
        let time = settings.clock.now()
        try AuthorityIdentity.check(settings, network: network)
        guard let own = network.index(of: settings.name), let current = network.slots.slot(at: time) else {
            throw CommandFailure("\(settings.networkFile) names no authority \(settings.name)", code: .usage)
        }
        slot = wanted.map { Slot($0) } ?? current
        // A slot far ahead would keep the authority from acting until then.
        guard slot <= current.advanced(by: 1) ?? current else {
            throw CommandFailure("slot \(slot) lies ahead; the current one is \(current)", code: .usage)
        }
        let files = AuthorityFiles(directory: settings.dataDirectory)
        _ = try PrivateDirectory(settings.dataDirectory, creating: false)
        do throws(CommandFailure) { lock = try LockFile(files.lock) } catch {
            throw CommandFailure("the authority runs, and does this itself: \(error.message)", code: .temporary)
        }
        let store = try AuthorityStore.open(path: files.database)
        var logger = Logger(label: "authority")
        logger.logLevel = .critical
        parts = AuthorityParts(
            editions: try AuthorityIdentity.editions(network, settings, store: store, at: time), own: own, store: store,
            clock: settings.clock, counters: EventCounters("authority"), logger: logger)
        (memory, latest) = try SlotDriver.remember(parts)
        reports = try ReportDesk(parts: parts, pingers: settings.pingers)
        let limits = settings.registry
        let clock = settings.clock
        registry = try NodeRegistry(
            store: store, network: network, limits: limits,
            voted: VotedFlags(bad: settings.bad, checksReachability: settings.checksReachability),
            lookup: HostLookup(limit: limits.parallelLookups, timeout: limits.lookupTimeout), now: { clock.now() })
    }

    func close() { parts.store.close() }

    var name: Nickname { parts.name }
    var leader: Nickname { network.leader(of: slot).name }

    /// The key that signs, with its certificate, which must be good at the slot's start.
    func signer() throws -> AuthoritySigner {
        try AuthorityIdentity.signer(settings, network: network, at: network.slots.start(of: slot))
    }

    /// Records an own document before anybody sees it. What was recorded before comes back.
    func record(_ act: OwnAct, _ digest: Digest, _ bytes: [UInt8]) throws -> [UInt8] {
        do throws(AuthorityStoreError) {
            return try parts.store.record(
                act, slot: slot.number, digest: digest, bytes: bytes, by: name.text
            ).bytes
        } catch {
            guard case .alreadyActed = error else { throw CommandFailure("\(error)") }
            throw CommandFailure(
                "\(error); the next slot, \(slot.advanced(by: 1) ?? slot), begins at "
                    + "\(network.slots.start(of: slot.advanced(by: 1) ?? slot))", code: .refused)
        }
    }

    // MARK: What is here

    /// Good votes of the slot by authority. Of an authority whose votes do not count, or that signed two, none.
    func votes() throws -> [Nickname: Vote] {
        var found: [Nickname: [Vote]] = [:]
        for stored in try parts.store.documents(.vote, slot: slot.number) {
            guard let vote = try? UnverifiedVote(stored.bytes).verify(in: network) else { continue }
            found[vote.contents.authority, default: []].append(vote)
        }
        return found.compactMapValues { $0.count == 1 ? $0[0] : nil }.filter { name, _ in
            network.index(of: name).map { !memory.isExcluded($0, slot) } ?? false
        }
    }

    /// The leader's proposal.
    func proposal() throws -> Proposal {
        let found = try parts.store.documents(.proposal, slot: slot.number).compactMap {
            try? UnverifiedProposal($0.bytes).verify(in: network)
        }.filter { $0.authority == leader }
        guard let first = found.first else {
            throw CommandFailure(
                "there is no proposal for slot \(slot) yet; import that of \(leader)", code: .temporary)
        }
        guard found.count == 1 else {
            throw CommandFailure(
                "\(leader) made two different proposals for slot \(slot): leave the slot out", code: .refused)
        }
        return first
    }

    /// What the proposal's votes give.
    func consensus() throws -> Consensus {
        let proposal = try proposal()
        guard proposal.votes.count >= network.quorum else {
            throw CommandFailure(
                "the proposal names \(proposal.votes.count) votes, and \(network.quorum) are needed", code: .refused)
        }
        let held = try votes()
        var missing: [String] = []
        var used: [Vote] = []
        for counted in proposal.votes {
            if let index = network.index(of: counted.name), memory.isExcluded(index, slot) {
                throw CommandFailure(
                    "the proposal names the vote of \(counted.name), against whom there is evidence: leave the slot out",
                    code: .refused)
            }
            if let vote = held[counted.name], vote.digest == counted.digest {
                used.append(vote)
            } else {
                missing.append("\(counted.name) (\(counted.digest.hex))")
            }
        }
        guard missing.isEmpty else {
            throw CommandFailure(
                "votes are missing: import those of \(missing.joined(separator: ", "))", code: .temporary)
        }
        do throws(TallyError) { return try Tally.consensus(of: used, slot: slot, network: network) } catch {
            throw CommandFailure("the votes give no consensus: \(error)")
        }
    }

    /// Signatures on `link` that are here.
    func signatures(on link: ConsensusLink) throws -> [ConsensusSignature] {
        try parts.store.signatures(slot: slot.number).compactMap { stored in
            guard stored.digest == link.digest, let sent = try? SentConsensusSignature(stored.bytes),
                sent.link == link, (try? sent.verify(in: network)) != nil
            else { return nil }
            return sent.signature
        }
    }

    /// Keeps a certified consensus as the running authority does.
    func keep(_ certified: CertifiedConsensus) async throws {
        let isKept = try parts.store.keep(
            StoredConsensus(
                slot: certified.slot.number, digest: certified.link.digest, certified: settings.clock.now(),
                bytes: certified.bytes))
        guard isKept else {
            throw CommandFailure(
                "another consensus of slot \(certified.slot) is certified and here: too many authorities lie; keep both and "
                    + "tell everybody", code: .refused)
        }
        try parts.store.noteNamed(certified.consensus.nodes.map(\.descriptor), in: certified.slot.number)
        await registry.noteCertified(certified.consensus)
    }
}
