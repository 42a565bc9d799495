// A nymserver without sockets and disks: the account machine, and lists of what the real one keeps in its store.

import Messages
import MixCrypto
import NymProtocol
import Spool
import TestSupport
import WireFormat

/// One account's server.
struct TestNymserver {
    private struct Item {
        let number: UInt64
        let kind: NymItemKind
        let sealed: [UInt8]
        var wanted: WantedRanges
        var sent: Timestamp?
    }

    let domain = "nym.example"
    let key: KEMPrivateKey
    var limits = NymLimits()
    private(set) var account: NymAccount?
    private(set) var blocks = 0
    /// Blocks of older generations through which their makers are told.
    private(set) var farewells = 0
    /// Mails that the nym sent.
    private(set) var outgoing: [NymMail] = []
    /// The answer to a creation that was refused.
    private(set) var refusals: [NymStatus] = []
    private(set) var executed = 0
    private var items: [Item] = []
    private var last: UInt64 = 0
    var takenNames: Set<NymName> = []

    init() throws {
        key = try KEMPrivateKey(seed: .random(count: KEM.seedSize))
        limits.workBits = 4
    }

    var unacknowledged: Set<UInt64> { Set(items.map(\.number)) }

    /// Takes the body of a mail to `server@`.
    mutating func receive(_ text: [UInt8], at now: Timestamp) throws {
        guard let sealed = NymRequestText.find(in: text) else { throw NymError.malformed }
        let unverified = try UnverifiedNymRequest(opening: sealed, domain: domain, with: key)
        guard let signing = account?.signing ?? unverified.creationKey else { throw NymError.badSignature }
        let request = try unverified.verify(signing)
        let facts = NymFacts(
            domain: domain, takenNames: takenNames, declined: ["no@example.org"],
            knownItems: unacknowledged, blocks: blocks)
        var effects: [NymEffect] = []
        if var open = account {
            effects = open.execute(request, at: now, facts: facts, limits: limits)
            account = open
        } else {
            switch NymAccount.create(request, at: now, facts: facts, limits: limits) {
            case .refused(let status): refusals.append(status)
            case .created(let made, let first): (account, effects) = (made, first)
            }
        }
        executed += 1
        for effect in effects { perform(effect) }
    }

    private mutating func perform(_ effect: NymEffect) {
        switch effect {
        case .wipeBlocks:
            farewells = min(farewells + min(blocks, 1), NymChanges.farewells)
            blocks = 0
        case .addBlocks(let generation, let new):
            if generation < account?.generation ?? 0 { farewells += new.count } else { blocks += new.count }
        case .forget(let numbers): items.removeAll { numbers.contains($0.number) }
        case .want(let ranges):
            for range in ranges {
                for index in items.indices where items[index].number == range.item && items[index].kind != .synopsis {
                    if let part = range.range(of: UInt32(items[index].sealed.count)) {
                        items[index].wanted.insert(part)
                    }
                }
            }
        case .wantSynopses:
            for index in items.indices where items[index].kind == .synopsis {
                items[index].wanted = WantedRanges(allOf: UInt32(items[index].sealed.count))
            }
        case .sendMail(let mail): outgoing.append(mail)
        case .addAlias, .removeAlias: break
        case .wipeItems: items = []
        }
    }

    /// A mail from outside.
    /// - Parameter held: only its synopsis is sent.
    mutating func deliver(_ mail: [UInt8], held: Bool = false, at now: Timestamp) throws {
        guard let account else { return }
        last += 1
        let sealed = try NymSeal.seal(mail, to: account.sealing)
        let synopsis = try NymSeal.seal(NymSynopsis(of: mail, day: 0).encoded, to: account.sealing)
        items.append(
            Item(
                number: last, kind: .mail, sealed: sealed,
                wanted: held ? WantedRanges() : WantedRanges(allOf: UInt32(sealed.count))))
        items.append(
            Item(
                number: last, kind: .synopsis, sealed: synopsis,
                wanted: held ? WantedRanges(allOf: UInt32(synopsis.count)) : WantedRanges()))
    }

    /// What leaves in a slot; nil without reply blocks. What goes through a block of a stock that was replaced goes to
    /// whoever made that.
    mutating func slot(at now: Timestamp) throws -> NymPacket? {
        guard let account, blocks + farewells > 0 else { return nil }
        guard farewells == 0 else {
            farewells -= 1
            let load = NymLoad(items: items.count, blocks: blocks)
            return try NymPacket(
                status: account.status(load, at: now, limits: limits, isReplaced: true), records: [])
        }
        blocks -= 1
        for index in items.indices where items[index].wanted.isEmpty && items[index].kind == .mail {
            if let sent = items[index].sent, sent + NymTiming.resend <= now {
                items[index].wanted = WantedRanges(allOf: UInt32(items[index].sealed.count))
                items[index].sent = nil
            }
        }
        let load = NymLoad(items: items.count, blocks: blocks)
        let status = account.status(load, at: now, limits: limits)
        let waiting = items.filter { !$0.wanted.isEmpty }.map {
            WaitingItem(item: $0.number, kind: $0.kind, total: UInt32($0.sealed.count), wanted: $0.wanted)
        }
        let records = try SlotFilling.fill(waiting, capacity: NymPacket.room(beside: status)).map { piece in
            guard let index = items.firstIndex(where: { $0.number == piece.item && $0.kind == piece.kind }) else {
                throw NymError.malformed
            }
            items[index].wanted.remove(piece.range)
            items[index].sent = now
            return try NymRecord(
                item: piece.item, kind: piece.kind, total: piece.total, offset: piece.range.lowerBound,
                bytes: Array(items[index].sealed[Int(piece.range.lowerBound)..<Int(piece.range.upperBound)]))
        }
        return try NymPacket(status: status, records: records)
    }
}
