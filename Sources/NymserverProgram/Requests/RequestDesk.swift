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
        facts.declined = request.recipients.filter(parts.declines)
        facts.blocks = stored?.load.blocks ?? 0
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
            items += try parts.store.items(of: stored.id, limit: Self.mostSynopses).filter { item in
                item.state.kind == NymItemKind.synopsis.rawValue && !facts.knownItems.contains(item.state.item)
            }
        }
        var account = old
        let effects = account.execute(request, at: now, facts: facts, limits: parts.limits)
        guard account != old || !effects.isEmpty else { return parts.counters.count("requests_repeated") }
        var rows = rows(request, at: now, items: items)
        var changes = rows.changes(account, effects)
        if account.packets != old.packets {
            changes.nextSlot = parts.slots.next(
                after: now, account: UInt64(stored.id), count: account.packets.packets)
        }
        try parts.store.apply(changes, to: stored.id, revision: stored.revision)
        done(rows)
    }

    private func create(_ request: NymRequest, at now: Timestamp) throws(NymStoreError) {
        let facts = try facts(request, nil)
        switch NymAccount.create(request, at: now, facts: facts, limits: parts.limits) {
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
        guard let network = parts.network(), parts.refusals.take(at: now, limit: Self.mostRefusals) else { return }
        let release = now + .milliseconds(.random(in: 0..<NymTiming.cycle.milliseconds))
        let maker = PacketMaker(network: network, now: now)
        for block in blocks.lazy.compactMap({ try? SURB($0) }) where maker.canUse(block, at: release) {
            guard let body = try? NymPacket(status: status, records: []),
                let packet = try? maker.packet(body, through: block, release: release)
            else { continue }
            try parts.store.addPacket(packet)
            return
        }
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
