// When packets leave: a function of the seed alone, whatever the user does.

import Foundation
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct StreamScheduleTests {
    private static let start = Timestamp(seconds: 1_800_000_000)
    private static let nodes = (0..<6).map { number in
        NodeID([UInt8](repeating: UInt8(number), count: 32)) ?? NodeID()
    }

    /// Runs a stream for so long and tells when something left and whether it was the user's.
    /// - Parameter traffic: how many packets the user puts in at a tick of his own, every 7 s on average.
    private func departures(
        seed: UInt64, seconds: Int64, traffic: ((inout SeededRandom) -> Int)?
    ) -> [(time: Timestamp, isOwn: Bool)] {
        var machine = StreamMachine(
            schedule: StreamSchedule(mean: .seconds(20), now: Self.start, source: SeededRandom(seed: seed)))
        // The user and the choice of packets draw from another generator.
        var other = SeededRandom(seed: seed ^ 0xFFFF)
        var number: Int64 = 0
        func packet(_ now: Timestamp, _ generator: inout SeededRandom) -> WaitingPacket {
            number += 1
            return WaitingPacket(
                id: PacketRowID(number), destination: Self.nodes.randomElement(using: &generator) ?? Self.nodes[0],
                release: now, deadline: now + .hours(48))
        }
        var result: [(Timestamp, Bool)] = []
        var now = Self.start
        var nextTraffic = Self.start
        let end = Self.start + .seconds(seconds)
        while now < end {
            machine.replenish(now: now, isPathPossible: true) { .made(packet(now, &other)) }
            if let traffic, nextTraffic <= now {
                machine.pool.add((0..<traffic(&other)).map { _ in packet(now, &other) })
                nextTraffic = now + .milliseconds(Int64.random(in: 1...14_000, using: &other))
            }
            now = min(machine.schedule.next, traffic == nil ? .distantFuture : nextTraffic)
            guard machine.schedule.next <= now, machine.schedule.isDue(now: now) else { continue }
            guard let departure = machine.departure(now: now, occupied: [], using: &other) else { continue }
            if case .own = departure { result.append((now, true)) } else { result.append((now, false)) }
        }
        return result.filter { $0.0 < end }
    }

    @Test func timesAreTheSameWithAndWithoutTraffic() {
        var random = SeededRandom(name: "timesAreTheSameWithAndWithoutTraffic")
        for _ in 0..<5 {
            let seed = random.next()
            let quiet = departures(seed: seed, seconds: 20_000, traffic: nil)
            let some = departures(seed: seed, seconds: 20_000) { Int.random(in: 0...7, using: &$0) / 7 }
            let flood = departures(seed: seed, seconds: 20_000) { Int.random(in: 0...3, using: &$0) }
            #expect(quiet.count > 800)
            // Compared outside: thousands of times are no message for people.
            let areAlike = [some, flood].allSatisfy { $0.map(\.time) == quiet.map(\.time) }
            #expect(areAlike)
            #expect(!quiet.contains { $0.isOwn })
            #expect(some.contains { $0.isOwn } && some.contains { !$0.isOwn })
            #expect(flood.count { $0.isOwn } > flood.count * 3 / 4)
        }
    }

    @Test func gapsAreThoseOfAPoissonProcess() {
        var random = SeededRandom(name: "gapsAreThoseOfAPoissonProcess")
        let times = departures(seed: random.next(), seconds: 1_000_000) { Int.random(in: 0...7, using: &$0) / 7 }.map(
            \.time)
        let gaps = zip(times.dropFirst(), times).map { ($0 - $1).inSeconds }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        #expect(abs(mean - 20) < 0.5, "mean \(mean)")
        // Kolmogorov and Smirnov's distance from the exponential distribution; 2.9 / sqrt(n) is exceeded once in ten million.
        let sorted = gaps.sorted()
        var distance = 0.0
        for (index, gap) in sorted.enumerated() {
            let wanted = 1 - exp(-gap / 20)
            distance = max(
                distance, abs(wanted - Double(index) / Double(sorted.count)),
                abs(wanted - Double(index + 1) / Double(sorted.count)))
        }
        #expect(distance < 2.9 / Double(sorted.count).squareRoot(), "distance \(distance)")
    }

    @Test func whetherATickIsTheUsersDoesNotShowInTheGapBeforeIt() {
        var random = SeededRandom(name: "whetherATickIsTheUsersDoesNotShow")
        let all = departures(seed: random.next(), seconds: 1_000_000) { Int.random(in: 0...7, using: &$0) / 7 }
        var own: [Double] = []
        var cover: [Double] = []
        for (before, tick) in zip(all, all.dropFirst()) {
            // The gap after a tick: what an observer could hope to see change once the user has sent something.
            if before.isOwn {
                own.append((tick.time - before.time).inSeconds)
            } else {
                cover.append((tick.time - before.time).inSeconds)
            }
        }
        func mean(_ gaps: [Double]) -> Double { gaps.reduce(0, +) / Double(gaps.count) }
        let error = 20 * (1 / Double(own.count) + 1 / Double(cover.count)).squareRoot()
        #expect(own.count > 1000 && cover.count > 1000)
        #expect(abs(mean(own) - mean(cover)) < 5.5 * error, "\(mean(own)) and \(mean(cover))")
    }

    @Test func aPauseIsNotMadeUpFor() {
        var random = SeededRandom(name: "aPauseIsNotMadeUpFor")
        var schedule = StreamSchedule(
            mean: .seconds(20), now: Self.start, source: SeededRandom(seed: random.next()))
        // A night's sleep of the machine: one tick, and then the usual pace.
        var now = Self.start + .hours(9)
        let isDueAfterwards = schedule.isDue(now: now)
        #expect(isDueAfterwards && schedule.next > now)
        let morning = now
        var ticks = 0
        while now < morning + .hours(1) {
            now = schedule.next
            if schedule.isDue(now: now) { ticks += 1 }
        }
        #expect((110...260).contains(ticks), "\(ticks) ticks")
        // A clock that was set back by a year does not stop the stream.
        now = now - .days(365)
        let isDueBefore = schedule.isDue(now: now)
        #expect(!isDueBefore && schedule.next < now + .hours(1))
    }
}
