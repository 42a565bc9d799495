import MixCrypto
import TestSupport
import WireFormat

@testable import Spool

/// A nymserver's database in a directory of its own.
struct NymStoreFixture {
    static let start = Timestamp(seconds: 1_800_000_000)
    static let key = SymmetricSecret(copying: [UInt8](repeating: 7, count: 32))
    static let day: UInt32 = 20_833
    static let node = NodeID(Digest.sha256("node").bytes) ?? NodeID()

    let directory: TemporaryDirectory
    let store: NymStore
    var path: String { directory.file("nyms.db") }

    init() throws {
        directory = try TemporaryDirectory("nightjar-nyms")
        store = try NymStore.open(path: directory.file("nyms.db"), key: Self.key)
    }

    static func changes(_ text: String, names: [String] = [], blocks: Int = 0, generation: UInt32 = 1) -> NymChanges {
        var changes = NymChanges(content: Array(text.utf8), closesOn: day + 90)
        changes.addNames = names
        changes.addBlocks = (0..<blocks).map {
            NewNymBlock(
                generation: generation, expiry: start + .days(14) + .seconds(Int64($0)),
                content: Self.block("\(text) \(generation) \($0)"))
        }
        return changes
    }

    /// Blocks are all different.
    static func block(_ text: String) -> [UInt8] {
        Array(repeating: Digest.sha256(text).bytes, count: 225).flatMap { $0 } + [UInt8](repeating: 2, count: 24)
    }

    func create(_ name: String, blocks: Int = 3, slot: Timestamp = start) throws -> Int64 {
        try store.create(Self.changes(name, names: [name], blocks: blocks)) { _ in slot } ?? -1
    }

    /// A mail with its synopsis, as a nymserver keeps them; the wanted bytes are "all" in the caller's words.
    static func item(_ number: Int, size: Int = 5000, isWhole: Bool = true, items: Int = 2000, bytes: UInt64 = 64 << 20)
        -> NewNymItem
    {
        func part(_ kind: UInt8, _ size: Int, _ isWanted: Bool) -> NewNymPart {
            NewNymPart(
                kind: kind, content: content(number, kind, size), wanted: isWanted ? [1] : [],
                waiting: isWanted ? UInt32(size) : 0,
                isHeld: !isWanted, counts: kind == 1)
        }
        return NewNymItem(
            parts: [part(1, size, isWhole), part(2, 1648, !isWhole)], digest: .sha256("mail \(number)"), day: day,
            mostItems: items, mostBytes: bytes)
    }

    static func content(_ number: Int, _ kind: UInt8, _ size: Int) -> [UInt8] {
        var random = SeededRandom(seed: UInt64(number * 4) + UInt64(kind))
        return random.bytes(size)
    }

    static func packet(_ number: Int) -> NewNymPacket {
        NewNymPacket(
            node: node, release: start, deadline: start + .hours(24),
            content: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32_768))
    }

    func material(_ account: Int64, limit: Int = 100, sentBefore: Timestamp = start) throws -> NymSlotMaterial {
        guard
            let material = try store.material(
                for: account, blockUntil: Self.start, sentBefore: sentBefore, limit: limit)
        else { throw NymStoreError.conflict }
        return material
    }
}
