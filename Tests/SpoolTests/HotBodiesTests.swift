import TestSupport
import Testing
import WireFormat

@testable import Spool

@Suite struct HotBodiesTests {
    @Test func whatLeavesLastMakesWay() {
        var hot = HotBodies(capacity: 30)
        for (id, release) in [(1, 50), (2, 10), (3, 30)] {
            hot.insert(
                [UInt8](repeating: UInt8(id), count: 10), id: Int64(id),
                release: Timestamp(milliseconds: Int64(release)))
        }
        hot.insert([UInt8](repeating: 4, count: 10), id: 4, release: Timestamp(milliseconds: 20))
        #expect(hot.body(of: 1) == nil)
        #expect(hot.body(of: 4) != nil)
        hot.insert([UInt8](repeating: 5, count: 10), id: 5, release: Timestamp(milliseconds: 99))
        #expect(hot.body(of: 5) == nil)
        #expect(hot.count == 3)
    }

    /// Against the plain definition: the sooner ones that fit, whatever is inserted and removed.
    @Test func staysWithinItsBoundAndPrefersTheSooner() {
        var random = SeededRandom(name: "hot bodies")
        var hot = HotBodies(capacity: 50)
        var model: [Int64: Int64] = [:]
        for id in 0..<5000 as Range<Int64> {
            let release = Int64.random(in: 0..<1 << 50, using: &random)
            hot.insert([UInt8](repeating: 1, count: 1), id: id, release: Timestamp(milliseconds: release))
            model[id] = release
            if model.count > 50, let last = model.max(by: { ($0.value, -$0.key) < ($1.value, -$1.key) }) {
                model[last.key] = nil
            }
            if Int.random(in: 0..<3, using: &random) == 0, let gone = model.keys.sorted().randomElement(using: &random)
            {
                hot.remove(gone)
                model[gone] = nil
            }
            #expect(hot.bytes <= 50)
        }
        #expect(hot.count == model.count)
        #expect(model.keys.allSatisfy { hot.body(of: $0) != nil })
    }

    @Test func noRoomKeepsNothing() {
        var hot = HotBodies(capacity: 0)
        hot.insert([1], id: 1, release: Timestamp(milliseconds: 0))
        #expect(hot.body(of: 1) == nil)
    }
}
