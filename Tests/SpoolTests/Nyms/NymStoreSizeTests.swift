import Foundation
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// Many accounts: nothing is read whole. NIGHTJAR_NYMS=100000 makes it the whole size.
@Suite(.serialized) struct NymStoreSizeTests {
    /// Kilobytes of memory that this process holds.
    private var resident: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4
    }

    /// What a store with many accounts may take beyond what the process had: caches of four connections (16 MiB), and as
    /// much again for what is on its way.
    private static let mostKiB = 64 << 10

    @Test func manyAccountsInFlatMemory() throws {
        let count = Int(ProcessInfo.processInfo.environment["NIGHTJAR_NYMS"] ?? "") ?? 1000
        let cycle = Interval.hours(1)
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let clock = ContinuousClock()
        let before = resident
        let filling = try clock.measure {
            for number in 0..<count {
                let slot = NymStoreFixture.start + .milliseconds(Int64(number) * cycle.milliseconds / Int64(count))
                let id = try fixture.create("nym\(number)", blocks: 3, slot: slot)
                if number % 10 == 0 { _ = try store.arrive(NymStoreFixture.item(number), for: id) }
            }
        }
        print("\(count) accounts: filled in \(filling), \(resident - before) KiB")
        for round in 0..<3 {
            var sent = 0
            var longest = Duration.zero
            let time = try clock.measure {
                let end = NymStoreFixture.start + cycle * Int64(round + 1)
                while case let due = try store.dueSlots(end - .milliseconds(1), limit: 256), !due.isEmpty {
                    for slot in due {
                        let one = try clock.measure {
                            let material = try fixture.material(slot.account)
                            try store.spendSlot(
                                NymSpending(
                                    slot: slot, revision: material.account.revision, next: slot.time + cycle,
                                    block: material.block?.id,
                                    states: material.items.map {
                                        NymItemState(
                                            item: $0.state.item, kind: $0.state.kind, wanted: [], waiting: 0,
                                            sent: slot.time)
                                    }, packet: NymStoreFixture.packet(round)))
                        }
                        longest = max(longest, one)
                        sent += 1
                    }
                    let packets = try store.packets(limit: 256)
                    try store.tookPackets(packets.map(\.id))
                }
            }
            #expect(sent == count)
            print("cycle \(round): \(sent) slots in \(time), the longest \(longest), \(resident - before) KiB")
        }
        #expect(resident - before < Self.mostKiB)
        #expect(try store.counts().blocks == 0 && store.counts().accounts == count)
    }
}
