import NymProtocol
import TestSupport
import Testing
import WireFormat

/// What goes into a packet.
@Suite struct SlotFillingTests {
    private let capacity = 25_000

    private func item(_ number: UInt64, _ kind: NymItemKind = .mail, _ total: UInt32, resent: Bool = false)
        -> WaitingItem
    {
        WaitingItem(item: number, kind: kind, total: total, wanted: WantedRanges(allOf: total), isResent: resent)
    }

    private func size(_ pieces: [NymPiece]) -> Int { pieces.reduce(0) { $0 + $1.range.count + NymRecord.overhead } }

    @Test func nothingIsOverfullOverlappingOrUnasked() {
        var random = SeededRandom(name: "nothingIsOverfullOverlappingOrUnasked")
        for _ in 0..<1500 {
            let capacity = Int.random(in: 0...30_000, using: &random)
            let items = (0..<Int.random(in: 0...40, using: &random)).map { number -> WaitingItem in
                let total = UInt32.random(in: 1...(Bool.random(using: &random) ? 3000 : 200_000), using: &random)
                var wanted = WantedRanges(allOf: total)
                for _ in 0..<Int.random(in: 0...5, using: &random) {
                    let start = UInt32.random(in: 0..<total, using: &random)
                    wanted.remove(start..<UInt32.random(in: start...total, using: &random))
                }
                return WaitingItem(
                    item: UInt64(number), kind: NymItemKind.allCases.randomElement(using: &random) ?? .mail,
                    total: total,
                    wanted: wanted, isResent: Int.random(in: 0..<4, using: &random) == 0)
            }
            let pieces = SlotFilling.fill(items, capacity: capacity)
            #expect(size(pieces) <= capacity)
            var left = Dictionary(uniqueKeysWithValues: items.map { ($0.item, $0) })
            for piece in pieces {
                guard let item = left[piece.item] else {
                    Issue.record("an unknown item")
                    continue
                }
                #expect(item.kind == piece.kind && item.total == piece.total && !piece.range.isEmpty)
                let before = item.wanted.count
                left[piece.item]?.wanted.remove(piece.range)
                #expect(before - (left[piece.item]?.wanted.count ?? 0) == piece.range.count)
            }
            // No room is left while something fresh waits, but for what is too little for a piece.
            let waiting = left.values.contains { !$0.wanted.isEmpty }
            if waiting { #expect(capacity - size(pieces) < 256 + NymRecord.overhead) }
            let freshWaits = left.values.contains { !$0.wanted.isEmpty && !$0.isResent }
            if freshWaits { #expect(size(pieces.filter(\.isResent)) < 256 + NymRecord.overhead) }
        }
    }

    @Test func manySmallOnesShareAPacket() {
        let pieces = SlotFilling.fill((1...10).map { item($0, .synopsis, 1648) }, capacity: capacity)
        #expect(pieces.map(\.item) == Array(1...10))
    }

    @Test func aLargeOneGetsHalfAndBlocksNobody() {
        var items = [item(1, .mail, 1_000_000)] + (2...200).map { item($0, .mail, 2000) }
        var smallDone = 0
        for slot in 1...30 {
            let pieces = SlotFilling.fill(items, capacity: capacity)
            let large = pieces.filter { $0.item == 1 }.reduce(0) { $0 + $1.range.count + NymRecord.overhead }
            #expect(large >= capacity / 2, "slot \(slot)")
            let small = pieces.filter { $0.item != 1 }
            if smallDone < 199 { #expect(!small.isEmpty) }
            for piece in pieces {
                guard let index = items.firstIndex(where: { $0.item == piece.item }) else { continue }
                items[index].wanted.remove(piece.range)
                if items[index].wanted.isEmpty, piece.item != 1 { smallDone += 1 }
            }
        }
        #expect(smallDone > 170)
        let notice = SlotFilling.fill(items + [item(999, .notice, 3000)], capacity: capacity)
        #expect(notice.first?.item == 999)
    }

    @Test func whatWasSentBeforeOnlyFillsEmptyRoom() {
        let old = item(1, .mail, 500_000, resent: true)
        #expect(SlotFilling.fill([old, item(2, .mail, 30_000)], capacity: capacity).allSatisfy { $0.item == 2 })
        let pieces = SlotFilling.fill([old, item(2, .mail, 1000)], capacity: capacity)
        #expect(pieces.map(\.item) == [2, 1] && size(pieces) == capacity)
        #expect(SlotFilling.fill([], capacity: capacity).isEmpty && SlotFilling.fill([old], capacity: 0).isEmpty)
    }
}
