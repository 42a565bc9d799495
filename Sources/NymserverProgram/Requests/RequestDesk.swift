// Requests of nyms: mails for `server@`, each with a sealed request in it. Whoever hands one over learns nothing of what
// became of it: that it is done is told to the nym alone, through its reply blocks.

internal import Daemon
internal import Exits
internal import MixCrypto
internal import NymProtocol
internal import Sphinx
internal import Spool
internal import WireFormat

/// Executes requests.
struct RequestDesk: Sendable {
    let parts: NymserverParts

    /// How often a request is begun anew because its account has changed meanwhile.
    static let attempts = 16
    /// Answers to creations that were refused and wait for their moment; beyond it there are none, so that nobody makes
    /// this server send as much as he likes.
    static let mostRefusals = 256
    /// Held synopses that one request can ask for.
    static let mostSynopses = 4000

    /// Takes a mail. When it returns, the request is done and durable, or it was none.
    /// - Throws: `NymStoreError`: nothing was done, and the mail has to come again.
    func take(_ mail: [UInt8], at now: Timestamp) throws(NymStoreError) {
        guard let sealed = NymRequestText.find(in: mail) else { return refuse("no-text") }
        let request: UnverifiedNymRequest
        do throws(NymError) {
            request = try UnverifiedNymRequest(opening: sealed, domain: parts.settings.domain, with: parts.keys.request)
        } catch {
            return refuse(error.kind)
        }
        for _ in 0..<Self.attempts {
            do throws(NymStoreError) { return try execute(request, at: now) } catch {
                guard error == .conflict else { throw error }
                parts.counters.count("request_conflicts")
            }
        }
        throw .busy(path: parts.store.path)
    }

    private func refuse(_ kind: String) { parts.counters.count("requests_refused", kind: kind) }

    private func execute(_ unverified: UnverifiedNymRequest, at now: Timestamp) throws(NymStoreError) {
        guard let id = try parts.store.account(named: unverified.account.text) else {
            guard let key = unverified.creationKey, let request = try? unverified.verify(key) else {
                return refuse("unknown-account")
            }
            return try create(request, at: now)
        }
        guard let stored = try parts.store.account(id) else { throw .conflict }
        guard let account = try? NymAccount(decoding: stored.content) else { throw .damaged(path: parts.store.path) }
        if account.name == unverified.account, let request = try? unverified.verify(account.signing) {
            return try execute(request, account, stored, at: now)
        }
        // Somebody else wants the name.
        if let key = unverified.creationKey, let request = try? unverified.verify(key) {
            return try create(request, at: now)
        }
        refuse("bad-signature")
    }

    private func facts(_ request: NymRequest, _ stored: StoredNym?) throws(NymStoreError) -> NymFacts {
        var facts = NymFacts(domain: parts.settings.domain)
        let taken = try parts.store.taken(of: request.wantedNames.map(\.text))
        facts.takenNames = Set(taken.compactMap { NymName($0) })
        facts.blocks = stored?.load.blocks ?? 0
        facts.outgoingBytes = stored?.load.outgoingBytes ?? 0
        if stored == nil { facts.accounts = try parts.store.accounts() }
        return facts
    }

    private func execute(
        _ request: NymRequest, _ old: NymAccount, _ stored: StoredNym, at now: Timestamp
    ) throws(NymStoreError) {
        var facts = try facts(request, stored)
        var items: [StoredNymItem] = []
        if !request.wantedItems.isEmpty {
            items = try parts.store.items(of: stored.id, numbers: request.wantedItems, limit: 2 * NymCommand.mostRanges)
            facts.knownItems = Set(items.map(\.state.item))
        }
        if request.commands.contains(.list) {
            items += try heldSynopses(of: stored.id, besides: facts.knownItems)
        }
        // Once to see what it comes to, for asking who declined costs time, and a copy of an old request shall cost none.
        var account = old
        var effects = account.execute(request, at: now, facts: facts, limits: parts.limits)
        facts.declined = declined(effects)
        if !facts.declined.isEmpty {
            account = old
            effects = account.execute(request, at: now, facts: facts, limits: parts.limits)
        }
        guard account != old || !effects.isEmpty else { return parts.counters.count("requests_repeated") }
        var rows = rows(request, at: now, items: items)
        var changes = rows.changes(account, effects)
        if account.packets != old.packets {
            changes.nextSlot = parts.slots.next(
                // Slots up to there may have been spent.
                after: max(now + CycleRounds.lead(of: parts.clock), stored.nextSlot - .milliseconds(1)),
                account: UInt64(stored.id),
                count: account.packets.packets)
        }
        try parts.store.apply(changes, to: stored.id, revision: stored.revision)
        done(rows)
    }

    private func create(_ request: NymRequest, at now: Timestamp) throws(NymStoreError) {
        // Work first: whoever has done none makes nobody look anything up.
        var facts = NymFacts(domain: parts.settings.domain)
        if request.isPaid(in: facts.domain, bits: parts.limits.workBits) { facts = try self.facts(request, nil) }
        var outcome = NymAccount.create(request, at: now, facts: facts, limits: parts.limits)
        if case .created(_, let effects) = outcome {
            facts.declined = declined(effects)
            if !facts.declined.isEmpty {
                outcome = NymAccount.create(request, at: now, facts: facts, limits: parts.limits)
            }
        }
        switch outcome {
        case .created(let account, let effects):
            var rows = rows(request, at: now, items: [])
            var changes = rows.changes(account, effects)
            changes.addNames.insert(account.name.text, at: 0)
            let id = try parts.store.create(changes) { id in
                parts.slots.next(after: now, account: UInt64(id), count: account.packets.packets)
            }
            // Somebody was faster: the request is looked at again.
            guard id != nil else { throw .conflict }
            parts.counters.count("accounts_created")
            done(rows)
        case .refused(let status):
            parts.counters.count("creations_refused", kind: status.results.first.map { "\($0.code)" })
            try answer(request, status, at: now)
        }
    }

    private func declined(_ effects: [NymEffect]) -> Set<String> {
        var declined: Set<String> = []
        for case .sendMail(let mail) in effects {
            // Of whom nothing is known yet is asked again before each attempt.
            for recipient in mail.recipients where parts.declines(recipient) == true { declined.insert(recipient) }
        }
        return declined
    }

    /// Of mails that are held, whole: synopses of mails that come anyway are not wanted.
    private func heldSynopses(of account: Int64, besides known: Set<UInt64>) throws(NymStoreError) -> [StoredNymItem] {
        try parts.store.partsOfHeld(of: account, kind: NymItemKind.synopsis.rawValue, limit: Self.mostSynopses)
            .filter { $0.state.isHeld && !known.contains($0.state.item) }
    }

    private func rows(_ request: NymRequest, at now: Timestamp, items: [StoredNymItem]) -> RequestChanges {
        RequestChanges(
            request, now: now, limits: parts.limits, lifetime: parts.settings.retries.lifetime,
            messageKey: parts.keys.messages, items: items)
    }

    private func done(_ rows: RequestChanges) {
        parts.counters.count("requests_done")
        if rows.badBlocks > 0 { parts.counters.count("blocks_refused", by: rows.badBlocks) }
    }

    /// Tells a creation that was refused why, at a random moment within a cycle, through one of its blocks.
    private func answer(_ request: NymRequest, _ status: NymStatus, at now: Timestamp) throws(NymStoreError) {
        let blocks = request.commands.flatMap { command -> [[UInt8]] in
            if case .surbs(let batch) = command { batch.blocks } else { [] }
        }
        guard let network = parts.network() else { return }
        let release = now + .milliseconds(.random(in: 0..<NymTiming.cycle.milliseconds))
        let maker = PacketMaker(network: network, keys: [:], now: now)
        for block in blocks {
            guard let surb = try? SURB(block), maker.canUse(surb, at: release),
                let body = try? NymPacket(status: status, records: []),
                let packet = try? maker.packet(body, through: surb, release: release)
            else { continue }
            guard parts.refusals.take(request.digest, at: now, limit: Self.mostRefusals) else { return }
            // A copy of the request finds its block spent.
            _ = try parts.store.addPacket(
                packet, through: NewNymBlock(generation: 0, expiry: surb.expiry, content: block))
            return
        }
    }
}

extension NymRequest {
    /// By which a copy is known.
    fileprivate var digest: Digest { .sha256(encoded) }

    /// Whether the work of a creation was done.
    fileprivate func isPaid(in domain: String, bits: Int) -> Bool {
        guard case .create(let creation)? = commands.first else { return false }
        return creation.work.bits(domain: domain, name: account, key: creation.signing) >= bits
    }
}

extension NymError {
    /// For a counter.
    fileprivate var kind: String {
        switch self {
        case .malformed: "malformed"
        case .unknownVersion: "unknown-version"
        case .tooLarge: "too-large"
        case .notAuthentic: "not-authentic"
        case .badSignature: "bad-signature"
        case .badRecipient: "malformed"
        }
    }
}
