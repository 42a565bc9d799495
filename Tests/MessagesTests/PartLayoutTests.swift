import TestSupport
import Testing

@testable import Messages

@Suite struct PartLayoutTests {
    @Test(arguments: [
        // length, groups, k and n of the last group
        (1, 1, 1, 1), (25_588, 1, 1, 1), (25_589, 1, 2, 4), (3 * 25_588, 1, 3, 5), (3 * 25_588 + 1, 1, 4, 7),
        (64 * 25_588, 1, 64, 87), (64 * 25_588 + 1, 2, 1, 3), (8 << 20, 6, 8, 12),
    ])
    func cuts(length: Int, groups: Int, k: Int, n: Int) throws {
        let layout = try PartLayout(messageLength: length)
        let last = try #require(layout.group(groups - 1))
        #expect(layout.groups == groups)
        #expect(last.dataShares == k)
        #expect(last.totalShares == n)
        #expect(layout.group(groups) == nil)
        #expect(layout.group(-1) == nil)
    }

    @Test(arguments: ShareCapacity.allCases)
    func groupsCoverTheMessageWithoutGapOrOverlap(capacity: ShareCapacity) throws {
        var rng = SeededRandom(name: "groupsCoverTheMessageWithoutGapOrOverlap")
        for _ in 0..<500 {
            let layout = try PartLayout(
                messageLength: Int.random(in: 1...MessageLimits.encoded, using: &rng), capacity: capacity)
            let groups = (0..<layout.groups).compactMap(layout.group)
            #expect(groups.count == layout.groups)
            var offset = 0
            for group in groups {
                #expect(group.offset == offset)
                #expect((1...64).contains(group.dataShares))
                #expect(group.length > (group.dataShares - 1) * layout.shareSize)
                #expect(group.length <= group.dataShares * layout.shareSize)
                offset += group.length
            }
            #expect(offset == layout.messageLength)
            #expect(groups.dropLast().allSatisfy { $0.dataShares == 64 })
            #expect(groups.map(\.dataShares).reduce(0, +) == layout.dataShares)
            #expect(groups.map(\.totalShares).reduce(0, +) == layout.parts)
        }
    }

    @Test func lengthsOutsideTheBoundAreRefused() throws {
        #expect(throws: PayloadError.messageLength) { try PartLayout(messageLength: 0) }
        #expect(throws: PayloadError.messageLength) { try PartLayout(messageLength: -1) }
        #expect(throws: PayloadError.messageLength) { try PartLayout(messageLength: MessageLimits.encoded + 1) }
        #expect(throws: PayloadError.messageLength) { try PartLayout(messageLength: .max, limit: .max) }
        // The most that 32 bits name still has numbers that fit their fields.
        #expect(try PartLayout(messageLength: Int(UInt32.max), capacity: .injected, limit: .max).groups < 65_536)
    }
}
