import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct SendingPoolTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let nodes = (0..<3).map { number in
        NodeID([UInt8](repeating: UInt8(number), count: 32)) ?? NodeID()
    }

    private func packet(_ number: Int64, node: Int = 0, age: Interval = .zero) -> WaitingPacket {
        WaitingPacket(
            id: PacketRowID(number), destination: Self.nodes[node], release: Self.now - age,
            deadline: Self.now - age + .hours(48))
    }

    @Test func anyMayLeaveNext() {
        var random = SeededRandom(name: "anyMayLeaveNext")
        var first: [Int64: Int] = [:]
        for _ in 0..<3000 {
            var pool = SendingPool()
            pool.add((1...3).map { packet($0) })
            let taken = pool.take(now: Self.now, isOpen: { _ in true }, using: &random)
            first[taken?.id.number ?? 0, default: 0] += 1
            #expect(pool.count == 2)
        }
        #expect((1...3).allSatisfy { (850...1150).contains(first[$0] ?? 0) }, "\(first)")
    }

    @Test func whatHasWaitedLongLeavesFirst() {
        var random = SeededRandom(name: "whatHasWaitedLongLeavesFirst")
        var pool = SendingPool()
        pool.add(
            (1...50).map { packet($0, age: .minutes($0)) } + [
                packet(60, age: .minutes(61)), packet(70, age: .hours(2)),
            ])
        let taken = (0..<2).map { _ in pool.take(now: Self.now, isOpen: { _ in true }, using: &random)?.id.number }
        #expect(taken == [70, 60])
    }

    @Test func nothingLeavesForANodeThatIsAway() {
        var random = SeededRandom(name: "nothingLeavesForANodeThatIsAway")
        var pool = SendingPool()
        pool.add([packet(1, node: 0, age: .hours(3)), packet(2, node: 1)])
        let isOpen: (NodeID) -> Bool = { $0 != Self.nodes[0] }
        let taken = (0..<2).map { _ in pool.take(now: Self.now, isOpen: isOpen, using: &random)?.id.number }
        #expect(taken == [2, nil])
        #expect(pool.byNode == [Self.nodes[0]: 1])
        let expired = [44, 45].map { pool.expire(now: Self.now + .hours($0)).map(\.id.number) }
        #expect(expired == [[], [1]])
        #expect(pool.count == 0)
    }
}
