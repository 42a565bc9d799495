import Foundation
import MixCrypto
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import Spool

@Suite struct SpoolTests {
    @Test func holdsPacketsOverARestart() throws {
        let fixture = try SpoolFixture("holds packets")
        let bodies = (0..<20).map { _ in fixture.body() }
        let destination = fixture.node()
        var ids: [PacketRowID] = []
        do {
            let (spool, recovery) = try fixture.open()
            #expect(recovery.packets.isEmpty && recovery.damage.isEmpty)
            ids = try fixture.store(bodies, in: spool)
            #expect(Set(ids).count == 20)
            for (id, body) in zip(ids, bodies) { #expect(try spool.readPacket(id) == body) }
            let own = SpoolOperation.enqueuePacket(
                destination: destination, release: SpoolFixture.start + .seconds(5), deadline: SpoolFixture.deadline,
                body: bodies[0])
            #expect(try spool.one(own) == .stored(PacketRowID(21)))
            #expect(try spool.one(.removePackets([ids[3], ids[4], ids[3]])) == .removed(2))
            #expect(throws: SpoolError.unknown) { try spool.readPacket(ids[3]) }
            #expect(spool.statistics.packets == 19)
            spool.close()
            #expect(throws: SpoolError.closed) { try spool.performAndWait([.removePackets([])]) }
            #expect(throws: SpoolError.closed) { try spool.readPacket(ids[0]) }
        }
        let (spool, recovery) = try fixture.open()
        #expect(recovery.packets.count == 19)
        #expect(
            recovery.packets.last
                == WaitingPacket(
                    id: PacketRowID(21), destination: destination, release: SpoolFixture.start + .seconds(5),
                    deadline: SpoolFixture.deadline))
        for (id, body) in zip(ids, bodies) where id != ids[3] && id != ids[4] {
            #expect(try spool.readPacket(id) == body)
        }
        let read = spool.readPackets([ids[0], ids[3]])
        #expect(try read[0].get() == bodies[0])
        #expect(throws: SpoolError.unknown) { try read[1].get() }
    }

    @Test func knowsReplaysWithinAGroupAndAfterwards() async throws {
        let fixture = try SpoolFixture("replays")
        let tag = fixture.tag()
        let body = fixture.body()
        do {
            let (spool, _) = try fixture.open()
            #expect(try !spool.isKnown(tag, period: SpoolFixture.period))
            let results = try await spool.perform([
                fixture.accept(tag: tag, body: body), fixture.accept(tag: tag, body: body),
                .acceptNothing(tag: tag, period: SpoolFixture.period),
            ])
            #expect(results == [.stored(PacketRowID(1)), .replay, .replay])
            #expect(try spool.isKnown(tag, period: SpoolFixture.period))
            #expect(try !spool.isKnown(tag, period: KeyPeriod(1)))
            _ = try spool.one(.removePackets([PacketRowID(1)]))
        }
        let (spool, _) = try fixture.open()
        #expect(try spool.isKnown(tag, period: SpoolFixture.period))
        #expect(try spool.one(fixture.accept(tag: tag, body: body)) == .replay)
        #expect(try spool.one(.acceptNothing(tag: fixture.tag(), period: SpoolFixture.period)) == .remembered)
    }

    @Test func forgetsTheTagsOfADestroyedKey() throws {
        let fixture = try SpoolFixture("forget period")
        fixture.configuration.eraseStep = 7
        let tags = (0..<50).map { _ in fixture.tag() }
        let (spool, _) = try fixture.open()
        let other = KeyPeriod(3)
        _ = try spool.performAndWait(tags.map { .acceptNothing(tag: $0, period: SpoolFixture.period) })
        _ = try spool.one(.acceptNothing(tag: tags[0], period: other))
        #expect(try spool.one(.forgetPeriod(SpoolFixture.period)) == .updated)
        #expect(try !spool.isKnown(tags[0], period: SpoolFixture.period))
        #expect(try spool.isKnown(tags[0], period: other))
        #expect(try spool.one(.forgetPeriod(KeyPeriod(77))) == .updated)
        let key = ReplayKey(tags[9]).withBytes { Data($0) }
        // The rows are erased in steps, then the log is moved; the writer is asked until it has.
        #expect(
            try spool.settle(now: SpoolFixture.start) {
                ["spool.sqlite", "spool.sqlite-wal"].allSatisfy { name in
                    (try? Data(contentsOf: URL(fileURLWithPath: fixture.path + "/" + name)))?.range(of: key) == nil
                }
            })
        #expect(try spool.one(.acceptNothing(tag: tags[0], period: SpoolFixture.period)) == .remembered)
    }

    @Test func refusesBeyondItsLimitsAndRemembersNothingOfIt() throws {
        let fixture = try SpoolFixture("limits")
        fixture.configuration.maxPackets = 3
        fixture.configuration.maxItems = 1
        let (spool, _) = try fixture.open()
        _ = try fixture.store((0..<3).map { _ in fixture.body() }, in: spool)
        let tag = fixture.tag()
        let body = fixture.body()
        #expect(try spool.one(fixture.accept(tag: tag, body: body)) == .full)
        #expect(spool.statistics.isNearlyFull)
        #expect(try spool.one(.removePackets([PacketRowID(1)])) == .removed(1))
        #expect(try spool.one(fixture.accept(tag: tag, body: body)) == .stored(PacketRowID(4)))
        let item = { [fixture] in
            SpoolOperation.acceptItem(
                tag: fixture.tag(), period: SpoolFixture.period, kind: 4, deadline: SpoolFixture.deadline,
                body: [1, 2, 3])
        }
        #expect(try spool.one(item()) == .itemStored(ItemRowID(1)))
        #expect(try spool.one(item()) == .full)
        #expect(try spool.readItem(ItemRowID(1)) == [1, 2, 3])
        #expect(try spool.one(.removeItems([ItemRowID(1)])) == .removed(1))
        #expect(throws: SpoolError.unknown) { try spool.readItem(ItemRowID(1)) }
        #expect(try spool.one(fixture.accept(body: [UInt8](repeating: 0, count: 32_769))) == .failed(.malformed))
    }

    @Test func boundsBytes() throws {
        let fixture = try SpoolFixture("bytes")
        fixture.configuration.maxBytes = 2 * 32_784 + 5
        let (spool, _) = try fixture.open()
        #expect(try fixture.store((0..<3).map { _ in fixture.body() }, in: spool).count == 2)
    }

    @Test func removesWhatIsPastItsTime() throws {
        let fixture = try SpoolFixture("expiry")
        let (spool, _) = try fixture.open()
        _ = try spool.performAndWait([
            fixture.accept(deadline: SpoolFixture.start + .seconds(10), body: fixture.body()),
            fixture.accept(deadline: SpoolFixture.start + .seconds(20), body: fixture.body()),
            .acceptItem(
                tag: fixture.tag(), period: SpoolFixture.period, kind: 1, deadline: SpoolFixture.start + .seconds(10),
                body: [1]),
        ])
        var expected = SpoolExpiry()
        #expect(try spool.one(.expire(now: SpoolFixture.start + .seconds(9))) == .expired(expected))
        expected.packets = [PacketRowID(1)]
        expected.items = [ItemRowID(1)]
        #expect(try spool.one(.expire(now: SpoolFixture.start + .seconds(10))) == .expired(expected))
        #expect(spool.statistics.packets == 1 && spool.statistics.items == 0)
    }

    @Test func listsItemsAtTheStart() throws {
        let fixture = try SpoolFixture("items")
        do {
            let (spool, _) = try fixture.open()
            _ = try spool.one(
                .acceptItem(
                    tag: fixture.tag(), period: SpoolFixture.period, kind: 6, deadline: SpoolFixture.deadline, body: [8]
                ))
        }
        let (spool, recovery) = try fixture.open()
        #expect(
            recovery.items == [StoredItem(id: ItemRowID(1), kind: 6, deadline: SpoolFixture.deadline, length: 1)])
        #expect(try spool.readItem(ItemRowID(1)) == [8])
    }

    /// Many threads offer the same packets; each is stored once, and everybody is told the truth.
    @Test func manyThreadsAgree() throws {
        let fixture = try SpoolFixture("threads")
        let (spool, _) = try fixture.open()
        let operations = (0..<60).map { _ in fixture.accept(body: fixture.body()) }
        let stored = Mutex(0)
        let replays = Mutex(0)
        let done = DispatchGroup()
        for _ in 0..<6 {
            done.enter()
            DispatchQueue.global().async {
                for operation in operations {
                    done.enter()
                    do {
                        try spool.submit([operation]) { results in
                            switch results.first {
                            case .stored: stored.withLock { $0 += 1 }
                            case .replay: replays.withLock { $0 += 1 }
                            default: Issue.record("neither stored nor a replay")
                            }
                            done.leave()
                        }
                    } catch {
                        Issue.record(error)
                        done.leave()
                    }
                }
                done.leave()
            }
        }
        #expect(done.wait(timeout: .now() + 60) == .success)
        #expect(stored.withLock { $0 } == 60)
        #expect(replays.withLock { $0 } == 300)
        #expect(spool.statistics.groups < 361)
    }

    @Test func refusesMoreThanMayWait() throws {
        let queue = SubmissionQueue(maxBodies: 2)
        let fixture = try SpoolFixture("queue")
        let body = Submission(operations: [fixture.accept(body: [1])], completion: { _ in })
        let other = Submission(operations: [.removePackets([])], completion: { _ in })
        try queue.push(body)
        try queue.push(body)
        #expect(throws: SpoolError.busy) { try queue.push(body) }
        try queue.push(other)
        #expect(queue.next(limit: 2, settle: 0, wait: true)?.count == 2)
        try queue.push(body)
        queue.close()
        #expect(throws: SpoolError.closed) { try queue.push(other) }
        #expect(queue.next(limit: 9, settle: 1000, wait: true)?.count == 2)
        #expect(queue.next(limit: 9, settle: 1000, wait: true) == nil)
    }

    @Test func mayBeLetGoInACompletion() throws {
        let fixture = try SpoolFixture("let go")
        let done = DispatchSemaphore(value: 0)
        do {
            let spool = try fixture.open().spool
            try spool.submit([fixture.accept(body: fixture.body())]) { [spool] _ in
                _ = spool.statistics
                done.signal()
            }
        }
        #expect(done.wait(timeout: .now() + 30) == .success)
    }
}
