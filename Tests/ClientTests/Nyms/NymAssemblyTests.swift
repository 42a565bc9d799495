import NymProtocol
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct NymAssemblyTests {
    @Test("pieces in any order, cut anywhere, make the whole, and every byte is new once")
    func anyOrder() throws {
        var random = SeededRandom(name: "anyOrder")
        for _ in 0..<50 {
            let total = UInt32.random(in: 1...5000, using: &random)
            var item = NymAssembly(kind: 1, total: total, since: Timestamp(seconds: 1))
            var seen = [Int](repeating: 0, count: Int(total))
            while !item.isComplete {
                let offset = UInt32.random(in: 0..<total, using: &random)
                let count = Int.random(in: 1...Int(min(total - offset, 900)), using: &random)
                let new = item.take(offset: offset, count: count)
                for byte in (new ?? []).joined() { seen[Int(byte)] += 1 }
                #expect(new != nil)
                #expect(try NymAssembly(decoding: item.encoded) == item)
                #expect(item.bytes + item.missing.reduce(0) { $0 + $1.count } == Int(total))
            }
            #expect(seen.allSatisfy { $0 == 1 })
        }
    }

    @Test("what is no piece of it is not taken")
    func outside() {
        var item = NymAssembly(kind: 1, total: 10, since: Timestamp(seconds: 1))
        for (offset, count) in [(5, 6), (11, 1), (0, 0), (UInt32.max, Int.max)] {
            let new = item.take(offset: offset, count: count)
            #expect(new == nil)
        }
        #expect(item.held.isEmpty)
    }

    @Test("refills come at times that nothing moves")
    func rounds() {
        let start = Timestamp(seconds: 1_800_000_000)
        func times(_ nyms: [String]) -> [Timestamp] {
            var rounds = NymRounds<SeededRandom>(looks: .minutes(1), refills: .hours(6))
            var times: [Timestamp] = []
            for minute in 0..<20_000 {
                let now = start + .minutes(Int64(minute))
                let due = rounds.due(nyms, now: now) { SeededRandom(seed: 7) }
                if due?.refills.contains("a") == true { times.append(now) }
            }
            return times
        }
        let alone = times(["a"])
        #expect(alone == times(["a", "b"]))
        // 20,000 minutes are 55 times 6 hours.
        #expect((30...90).contains(alone.count), "\(alone.count)")
    }
}
