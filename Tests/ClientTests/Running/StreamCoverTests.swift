// Whether anything leaves at a tick is asked of cover alone: the times of the stream tell nothing of the user's packets, also
// when cover cannot be made.

import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct StreamCoverTests {
    private typealias Machine = StreamMachine<SeededRandom>

    private static let start = Timestamp(seconds: 1_800_000_000)
    private static let nodes = (0..<6).map { number in
        NodeID([UInt8](repeating: UInt8(number), count: 32)) ?? NodeID()
    }

    private static func machine(seed: UInt64) -> Machine {
        Machine(schedule: StreamSchedule(mean: .seconds(20), now: start, source: SeededRandom(seed: seed)))
    }

    private static func packet(_ number: Int64, _ node: NodeID) -> WaitingPacket {
        WaitingPacket(id: PacketRowID(number), destination: node, release: start, deadline: start + .hours(48))
    }

    /// What keeps cover from being made, by the minute.
    enum Situation: CaseIterable {
        /// After an hour no node of the network file is valid.
        case expired
        /// Every second ten minutes nothing can be stored.
        case diskFull
        /// All first nodes but one or two, at times all, have enough on their way to them.
        case occupied

        fileprivate func occupied(_ minute: Int64) -> Set<NodeID> {
            guard self == .occupied else { return [] }
            let first = Int(minute / 3) % (StreamCoverTests.nodes.count + 1)
            return Set(StreamCoverTests.nodes.enumerated().filter { $0.offset / 2 != first / 2 }.map(\.element))
        }
    }

    /// The times at which something left in three hours, how much of it was the user's, and at how many ticks nothing left.
    private func departures(
        _ situation: Situation, seed: UInt64, ownPackets: Int
    ) -> (times: [Timestamp], own: Int, silent: Int) {
        var machine = Self.machine(seed: seed)
        // The user and the choice of nodes draw from another generator.
        var other = SeededRandom(seed: seed ^ UInt64(ownPackets + 1))
        machine.pool.add(
            (0..<ownPackets).map { number in
                Self.packet(Int64(number), Self.nodes.randomElement(using: &other) ?? Self.nodes[0])
            })
        var number: Int64 = 1_000_000
        var times: [Timestamp] = []
        var own = 0
        var silent = 0
        let end = Self.start + .hours(3)
        while machine.schedule.next < end {
            let now = machine.schedule.next
            guard machine.schedule.isDue(now: now) else { continue }
            let minute = (now - Self.start).milliseconds / 60_000
            let occupied = situation.occupied(minute)
            let open = Self.nodes.filter { !occupied.contains($0) }
            func replenish() {
                _ = machine.takeUselessCover(occupied: occupied, madeBefore: now - .hours(24))
                machine.replenish(
                    now: now, isPathPossible: !open.isEmpty && !(situation == .expired && minute >= 60)
                ) {
                    guard situation != .diskFull || minute / 10 % 2 == 0 else { return .impossible }
                    number += 1
                    return .made(Self.packet(number, open.randomElement(using: &other) ?? open[0]))
                }
            }
            // As `NetworkStream` does it.
            replenish()
            if let departure = machine.departure(now: now, occupied: occupied, using: &other) {
                #expect(!occupied.contains(departure.packet.destination))
                times.append(now)
                if case .own = departure { own += 1 }
            } else {
                silent += 1
            }
            replenish()
        }
        return (times, own, silent)
    }

    @Test(arguments: Situation.allCases) func timesAreTheSameWhateverWaits(_ situation: Situation) {
        var random = SeededRandom(name: "timesAreTheSameWhateverWaits")
        for _ in 0..<20 {
            let seed = random.next()
            let quiet = departures(situation, seed: seed, ownPackets: 0)
            let some = departures(situation, seed: seed, ownPackets: 30)
            let flood = departures(situation, seed: seed, ownPackets: 1500)
            let areAlike = some.times == quiet.times && flood.times == quiet.times
            #expect(areAlike, "\(quiet.times.count), \(some.times.count), \(flood.times.count) departures")
            #expect(quiet.own == 0 && some.own > 0 && some.own <= 30 && flood.own == flood.times.count)
            #expect(quiet.times.count > 100 && quiet.silent > 30)
            if situation == .expired {
                #expect(quiet.times.allSatisfy { $0 < Self.start + .hours(1) })
            }
        }
    }

    @Test func withoutCoverNothingLeavesAtAll() {
        var other = SeededRandom(seed: 1)
        var machine = Self.machine(seed: 2)
        machine.pool.add([Self.packet(1, Self.nodes[0])])
        machine.replenish(now: Self.start, isPathPossible: false) { .impossible }
        var departure = machine.departure(now: Self.start, occupied: [], using: &other)
        #expect(departure == nil)
        // What lies ready does not leave either once no more can be made.
        var numbers = [Int64(2)]
        machine.replenish(now: Self.start, isPathPossible: true) {
            numbers.popLast().map { .made(Self.packet($0, Self.nodes[1])) } ?? .impossible
        }
        departure = machine.departure(now: Self.start, occupied: [], using: &other)
        #expect(departure == nil)
        machine.replenish(now: Self.start, isPathPossible: true) { .made(Self.packet(3, Self.nodes[1])) }
        departure = machine.departure(now: Self.start, occupied: [], using: &other)
        #expect(departure == .own(Self.packet(1, Self.nodes[0])))
        // The cover in whose place it left is used up.
        let useless = machine.takeUselessCover(occupied: [], madeBefore: Self.start)
        #expect(useless == [Self.packet(2, Self.nodes[1])])
    }

    @Test func packetsThatFillTheQueueLeaveInThePlaceOfCover() {
        var other = SeededRandom(seed: 5)
        var machine = Self.machine(seed: 6)
        machine.pool.add([Self.packet(1, Self.nodes[0])])
        machine.replenish(now: Self.start, isPathPossible: true) { .noRoom }
        var departure = machine.departure(now: Self.start, occupied: [], using: &other)
        #expect(departure == .own(Self.packet(1, Self.nodes[0])))
        departure = machine.departure(now: Self.start, occupied: [], using: &other)
        #expect(departure == nil)
    }

    @Test func nodesThatAreAwayGetNeitherCoverNorMail() {
        var other = SeededRandom(seed: 3)
        var machine = Self.machine(seed: 4)
        machine.pool.add([Self.packet(1, Self.nodes[0])])
        var cover = [Self.packet(3, Self.nodes[1]), Self.packet(2, Self.nodes[0])]
        machine.replenish(now: Self.start, isPathPossible: true) { cover.popLast().map { .made($0) } ?? .impossible }
        let away = Set([Self.nodes[0]])
        var departure = machine.departure(now: Self.start, occupied: away, using: &other)
        #expect(departure == .cover(Self.packet(3, Self.nodes[1])))
        departure = machine.departure(now: Self.start, occupied: away, using: &other)
        #expect(departure == nil)
        let useless = machine.takeUselessCover(occupied: away, madeBefore: Self.start)
        #expect(useless == [Self.packet(2, Self.nodes[0])])
        machine.replenish(now: Self.start, isPathPossible: true) { .made(Self.packet(4, Self.nodes[1])) }
        departure = machine.departure(now: Self.start, occupied: [], using: &other)
        #expect(departure == .own(Self.packet(1, Self.nodes[0])))
    }
}
