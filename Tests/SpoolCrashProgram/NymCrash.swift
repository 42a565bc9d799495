// A nymserver that is killed: mails arrive, requests are executed, mails go out, and in each slot a packet leaves through a
// reply block for the spool (files in the folder `spool`). Each thing is said once the database has it. Started again it goes
// on; who had no answer comes again.

import Foundation
import MixCrypto
import Spool
import TestSupport
import WireFormat

struct NymCrash {
    static let start = Timestamp(seconds: 1_800_000_000)
    static let day: UInt32 = 20_833
    static let blocks = 2000
    static let key = SymmetricSecret(copying: [UInt8](repeating: 7, count: 32))

    let store: NymStore
    let spool: String

    init(_ directory: String) throws {
        store = try NymStore.open(path: directory + "/nyms.db", key: Self.key)
        spool = directory + "/spool"
        try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: true)
    }

    /// Prints `try NUMBER`, `stored NUMBER ITEM`, `sent PACKET`, `wrong WHY`.
    func run(first: Int, count: Int) throws {
        let account = try account()
        try handOver()
        for number in max(0, first - count)..<(first + count) {
            try arrive(number, account)
            guard number >= first else { continue }
            try request(account)
            try finish(account)
            try slot(account)
            if number % 5 == 4 { try store.expire(now: Self.start, arrivalsBefore: Self.day) }
        }
        store.close()
    }

    private func account() throws -> Int64 {
        if let known = try store.account(named: "alice") { return known }
        var changes = NymChanges(content: Array("0".utf8), closesOn: Self.day + 90)
        changes.addNames = ["alice"]
        changes.addBlocks = (0..<Self.blocks).map {
            NewNymBlock(
                generation: 1, expiry: Self.start + .days(14) + .seconds(Int64($0)),
                content: Digest.sha256("block \($0)").bytes)
        }
        guard let made = try store.create(changes, nextSlot: { _ in Self.start }) else { throw NymStoreError.conflict }
        return made
    }

    private static func content(_ number: Int, _ kind: UInt8, _ size: Int) -> [UInt8] {
        var random = SeededRandom(seed: UInt64(number * 4) + UInt64(kind))
        return random.bytes(size)
    }

    private func arrive(_ number: Int, _ account: Int64) throws {
        say("try \(number)")
        let mail = NewNymPart(kind: 1, content: Self.content(number, 1, 3000), wanted: [1], waiting: 3000)
        let synopsis = NewNymPart(
            kind: 2, content: Self.content(number, 2, 1648), wanted: [], waiting: 0, isHeld: true, counts: false)
        let item = NewNymItem(
            parts: [mail, synopsis], digest: .sha256("mail \(number)"), day: Self.day, mostItems: 10_000,
            mostBytes: 1 << 30)
        switch try store.arrive(item, for: account) {
        case .stored(let item): say("stored \(number) \(item)")
        case .duplicate: break
        case .full, .noAccount: say("wrong refused \(number)")
        }
    }

    /// Counts itself, and puts a mail into the way out.
    private func request(_ account: Int64) throws {
        guard let now = try store.account(account), let count = Int(String(decoding: now.content, as: UTF8.self)) else {
            return say("wrong content")
        }
        var changes = NymChanges(content: Array("\(count + 1)".utf8), closesOn: Self.day + 90)
        changes.mails = [NewNymMail(content: [1], next: Self.start, deadline: Self.start + .days(5))]
        try store.apply(changes, to: account, revision: now.revision)
    }

    private func finish(_ account: Int64) throws {
        for mail in try store.dueMails(Self.start, limit: 10) {
            let notice = NewNymPart(kind: 3, content: [UInt8](repeating: 3, count: 10), wanted: [1], waiting: 10)
            try store.finishMail(
                mail,
                notice: NewNymItem(parts: [notice], digest: nil, day: Self.day, mostItems: 10_000, mostBytes: 1 << 30))
        }
    }

    private func slot(_ account: Int64) throws {
        guard let time = try store.nextSlot(), let slot = try store.dueSlots(time, limit: 1).first,
            let material = try store.material(
                for: account, blockUntil: Self.start, sentBefore: Self.start, limit: 10), let block = material.block
        else { return say("wrong no slot") }
        try store.spendSlot(
            NymSpending(
                slot: slot, revision: material.account.revision, next: slot.time + .hours(1), block: block.id,
                states: material.items.prefix(1).map {
                    NymItemState(item: $0.state.item, kind: $0.state.kind, wanted: [], waiting: 0, sent: slot.time)
                },
                packet: NewNymPacket(
                    node: NodeID(Digest.sha256("node").bytes) ?? NodeID(), release: Self.start,
                    deadline: Self.start + .days(1), content: [1, 2, 3])))
        try handOver()
    }

    private func handOver() throws {
        let packets = try store.packets(limit: 100)
        for packet in packets {
            try Data(packet.packet.content).write(to: URL(fileURLWithPath: "\(spool)/\(packet.id)"))
        }
        try store.tookPackets(packets.map(\.id))
        for packet in packets { say("sent \(packet.id)") }
    }

    private func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}
