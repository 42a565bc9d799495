import TestSupport
import Testing
import WireFormat

@testable import Spool

@Suite struct ReplayFilterTests {
    @Test func neverMissesAndRarelyAlarms() {
        var random = SeededRandom(name: "replay filter")
        var filter = ReplayFilter(bytes: 1 << 16)
        let tags = (0..<filter.capacity).map { _ in ReplayKey(ReplayTag.random(using: &random)) }
        for tag in tags { filter.insert(tag) }
        #expect(tags.allSatisfy { filter.mayContain($0) })
        let alarms = (0..<20_000).count { _ in filter.mayContain(ReplayKey(ReplayTag.random(using: &random))) }
        #expect(alarms < 600, "more than three in a hundred")
    }

    @Test func aPartialFilterDeniesNothing() {
        var random = SeededRandom(name: "partial replay filter")
        var filter = ReplayFilter(bytes: 1)
        #expect(!filter.mayContain(ReplayKey(ReplayTag.random(using: &random))))
        filter.isPartial = true
        #expect(filter.mayContain(ReplayKey(ReplayTag.random(using: &random))))
    }
}
