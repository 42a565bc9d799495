import TestSupport
import Testing
import WireFormat

@testable import NymProtocol

/// A server in memory: the account machine, and rows as the store has them.
struct NymServerModel {
    struct Item {
        var kind: NymItemKind
        var content: [UInt8]
        var wanted: WantedRanges
        var isHeld: Bool
        var isResent = false
        var sent: Int?
    }

    /// Cycles after which what was sent and not acknowledged is wanted again.
    static let patience = 24

    var account: NymAccount
    let limits = NymFixture.limits()
    var items: [UInt64: [Item]] = [:]
    var blocks = 0
    private var nextItem: UInt64 = 1
    var (sent, spent, unserved, accepted, refused, synopses) = (0, 0, 0, 0, 0, 0)
    var (mostItems, mostBytes, mostWaiting) = (0, UInt64(0), UInt64(0))

    init(packets: NymClass) throws {
        account = try NymFixture.account()
        account.policy.packets = packets
    }

    /// Kept up to date while mails arrive, else added up anew.
    private var knownLoad: NymLoad?

    var load: NymLoad {
        if let knownLoad { return knownLoad }
        var load = NymLoad(items: items.count, blocks: blocks)
        for item in items.values.joined() {
            load.bytes += UInt64(item.content.count)
            if !item.wanted.isEmpty, !item.isResent {
                load.waitingItems += 1
                load.waitingBytes += UInt64(item.wanted.count)
            }
            if item.isHeld, item.kind == .mail { load.heldItems += 1 }
        }
        return load
    }

    static func content(_ item: UInt64, _ kind: NymItemKind, _ size: Int) -> [UInt8] {
        var random = SeededRandom(seed: item &* 4 &+ UInt64(kind.rawValue))
        return random.bytes(size)
    }

    mutating func arrive(_ size: Int, _ cycle: Int) {
        let load = load
        knownLoad = load
        let arrival = account.arrive(size: size, load: load, limits: limits)
        switch arrival {
        case .full, .tooLarge, .closed:
            refused += 1
            return
        case .whole, .synopsis, .held: break
        }
        let mail = Self.content(nextItem, .mail, size + NymSeal.overhead)
        let synopsis = Self.content(nextItem, .synopsis, NymSeal.synopsisSize)
        if arrival != .whole { synopses += 1 }
        items[nextItem] = [
            Item(
                kind: .mail, content: mail,
                wanted: arrival == .whole ? WantedRanges(allOf: UInt32(mail.count)) : WantedRanges(),
                isHeld: arrival != .whole),
            Item(
                kind: .synopsis, content: synopsis,
                wanted: arrival == .synopsis ? WantedRanges(allOf: UInt32(synopsis.count)) : WantedRanges(),
                isHeld: arrival != .synopsis),
        ]
        knownLoad?.items += 1
        for part in items[nextItem] ?? [] {
            knownLoad?.bytes += UInt64(part.content.count)
            knownLoad?.waitingBytes += UInt64(part.wanted.count)
        }
        nextItem += 1
        accepted += 1
        mostItems = max(mostItems, load.items + 1)
        mostBytes = max(mostBytes, load.bytes + UInt64(mail.count + synopsis.count))
        mostWaiting = max(mostWaiting, self.load.waitingBytes)
    }

    mutating func take(_ request: NymRequest, _ cycle: Int) {
        knownLoad = nil
        var facts = NymFacts(
            domain: NymFixture.domain, knownItems: request.wantedItems.intersection(items.keys), blocks: blocks)
        facts.takenNames = []
        for effect in account.execute(
            request, at: NymFixture.start + NymTiming.cycle * Int64(cycle), facts: facts, limits: limits)
        {
            switch effect {
            case .wipeBlocks: blocks = 0
            case .addBlocks(_, let added): blocks += added.count
            case .forget(let gone): for item in gone { items[item] = nil }
            case .want(let ranges):
                for range in ranges {
                    for index in items[range.item]?.indices ?? 0..<0 where items[range.item]?[index].kind == .mail {
                        guard let total = items[range.item]?[index].content.count,
                            let bytes = range.range(of: UInt32(total))
                        else { continue }
                        items[range.item]?[index].wanted.insert(bytes)
                        items[range.item]?[index].isHeld = false
                        items[range.item]?[index].isResent = false
                    }
                }
            case .wantSynopses:
                for number in items.keys where items[number]?.contains(where: { $0.kind == .mail && $0.isHeld }) == true
                {
                    for index in items[number]?.indices ?? 0..<0 where items[number]?[index].kind == .synopsis {
                        items[number]?[index].wanted = WantedRanges(allOf: UInt32(NymSeal.synopsisSize))
                        items[number]?[index].isHeld = false
                    }
                }
            case .sendMail, .addAlias, .removeAlias, .wipeItems: Issue.record("not in this test")
            }
        }
    }

    /// One slot: a packet through a block, or an ordinary one in its place that the client does not get.
    mutating func slot(_ cycle: Int) throws -> [UInt8]? {
        sent += 1
        knownLoad = nil
        guard blocks > 0 else {
            unserved += 1
            return nil
        }
        blocks -= 1
        spent += 1
        let status = account.status(load, at: NymFixture.start + NymTiming.cycle * Int64(cycle), limits: limits)
        var waiting: [WaitingItem] = []
        for (number, parts) in items {
            for part in parts where !part.isHeld {
                let total = UInt32(part.content.count)
                if !part.wanted.isEmpty {
                    waiting.append(
                        WaitingItem(
                            item: number, kind: part.kind, total: total, wanted: part.wanted, isResent: part.isResent))
                } else if let sent = part.sent, sent + Self.patience < cycle {
                    waiting.append(
                        WaitingItem(
                            item: number, kind: part.kind, total: total, wanted: WantedRanges(allOf: total),
                            isResent: true))
                }
            }
        }
        let pieces = SlotFilling.fill(waiting, capacity: NymPacket.room(beside: status))
        var records: [NymRecord] = []
        for piece in pieces {
            guard let index = items[piece.item]?.firstIndex(where: { $0.kind == piece.kind }),
                var part = items[piece.item]?[index]
            else { continue }
            records.append(
                try NymRecord(
                    item: piece.item, kind: piece.kind, total: piece.total, offset: piece.range.lowerBound,
                    bytes: Array(part.content[Int(piece.range.lowerBound)..<Int(piece.range.upperBound)])))
            if piece.isResent, part.wanted.isEmpty { part.wanted = WantedRanges(allOf: piece.total) }
            part.wanted.remove(piece.range)
            part.isResent = piece.isResent
            part.sent = part.wanted.isEmpty ? cycle : nil
            items[piece.item]?[index] = part
        }
        return try NymPacket(status: status, records: records).encoded
    }
}
