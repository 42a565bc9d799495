import TestSupport
import Testing
import WireFormat

@testable import Spool

@Suite struct SpoolPartsTests {
    private struct Sender {
        let fixture: SpoolFixture
        let message: MessageID
        var length = 100_000

        init(_ fixture: SpoolFixture) {
            self.fixture = fixture
            message = MessageID.random(using: &fixture.random)
        }

        /// Two groups: the first of 2 out of 3, the second of 1 out of 2.
        func part(_ group: Int, _ index: Int, groups: Int = 2, k: Int? = nil, share: [UInt8], tag: ReplayTag? = nil)
            -> SpoolOperation
        {
            .acceptPart(
                tag: tag ?? fixture.tag(), period: SpoolFixture.period,
                part: PartRow(
                    message: message, group: group, groups: groups, k: k ?? (group == 0 ? 2 : 1), n: group == 0 ? 3 : 2,
                    index: index, messageLength: length),
                deadline: SpoolFixture.start + .hours(1), share: share)
        }
    }

    @Test func collectsAMessageOverRestarts() throws {
        let fixture = try SpoolFixture("collect")
        let sender = Sender(fixture)
        let shares = (0..<3).map { _ in fixture.body(25_000) }
        do {
            let (spool, _) = try fixture.open()
            #expect(try spool.one(sender.part(0, 2, share: shares[2])) == .partStored(complete: false))
            #expect(try spool.one(sender.part(1, 0, share: shares[0])) == .partStored(complete: false))
            #expect(try spool.readMessage(sender.message)?.groups[0]?.held == 1)
            #expect(try spool.heldShares(of: sender.message) == [0: [2], 1: [0]])
            #expect(try spool.heldShares(of: MessageID()).isEmpty)
        }
        do {
            let (spool, recovery) = try fixture.open()
            #expect(recovery.completeMessages.isEmpty)
            let tag = fixture.tag()
            #expect(try spool.one(sender.part(0, 2, share: shares[2])) == .partDuplicate)
            #expect(try spool.one(sender.part(0, 0, share: shares[1], tag: tag)) == .partStored(complete: true))
            #expect(try spool.one(sender.part(0, 0, share: shares[1], tag: tag)) == .replay)
            #expect(try spool.one(sender.part(0, 1, share: shares[1])) == .partDuplicate)
        }
        let (spool, recovery) = try fixture.open()
        #expect(recovery.completeMessages == [sender.message])
        #expect(try spool.readMessage(sender.message)?.isComplete == true)
        #expect(
            try spool.readShares(message: sender.message, group: 0)
                == [StoredShare(index: 0, bytes: shares[1]), StoredShare(index: 2, bytes: shares[2])])
        #expect(try spool.readShares(message: sender.message, group: 1).map(\.bytes) == [shares[0]])
        #expect(spool.statistics.shares == 3 && spool.statistics.messages == 1)
    }

    @Test func refusesHeadersThatDisagree() throws {
        let fixture = try SpoolFixture("conflict")
        var sender = Sender(fixture)
        let (spool, _) = try fixture.open()
        let share = fixture.body(25_000)
        #expect(try spool.one(sender.part(0, 0, share: share)) == .partStored(complete: false))
        #expect(try spool.one(sender.part(0, 1, groups: 3, share: share)) == .partConflict)
        #expect(try spool.one(sender.part(0, 1, k: 3, share: share)) == .partConflict)
        #expect(try spool.one(sender.part(0, 1, share: [1])) == .partConflict)
        #expect(try spool.one(sender.part(0, 3, share: share)) == .partConflict)
        #expect(try spool.one(sender.part(2, 0, share: share)) == .partConflict)
        #expect(try spool.one(sender.part(0, 1, k: 0, share: share)) == .partConflict)
        sender.length = 99_999
        #expect(try spool.one(sender.part(0, 1, share: share)) == .partConflict)
        #expect(spool.statistics.shares == 1)
    }

    @Test func turnsAMessageIntoDeliveriesOnce() throws {
        let fixture = try SpoolFixture("complete")
        let sender = Sender(fixture)
        let (spool, _) = try fixture.open()
        for (group, index) in [(0, 0), (0, 1), (1, 1)] { _ = try spool.one(sender.part(group, index, share: [7, 8])) }
        func complete() throws -> SpoolResult? {
            let file = try spool.makeFile().finish()
            return try spool.one(
                .completeMessage(
                    message: sender.message, forgetAfter: SpoolFixture.start + .hours(2),
                    deliveries: [
                        NewDelivery(
                            recipient: "smtp:a@example.org", file: file, deadline: SpoolFixture.deadline,
                            nextAttempt: SpoolFixture.start)
                    ]))
        }
        #expect(try complete() == .completed([DeliveryRowID(1)]))
        #expect(try complete() == .alreadyCompleted)
        #expect(spool.statistics.deliveries == 1 && spool.statistics.shares == 0 && spool.statistics.messages == 0)
        #expect(try spool.one(sender.part(0, 2, share: [7, 8])) == .partDuplicate)
        #expect(try spool.one(.dropMessage(message: sender.message, forgetAfter: SpoolFixture.deadline)) == .unknown)
        #expect(try spool.readMessage(sender.message) == nil)
        // The file that was made for nothing is gone, the delivery's is there.
        #expect(try PosixDirectory.names(in: fixture.path + "/files").count == 1)

        var expected = SpoolExpiry()
        expected.names = 1
        #expect(try spool.one(.expire(now: SpoolFixture.start + .hours(2))) == .expired(expected))
        #expect(try spool.one(sender.part(0, 2, share: [7, 8])) == .partStored(complete: false))
    }

    @Test func dropsAndExpires() throws {
        let fixture = try SpoolFixture("drop")
        let (dropped, expired) = (Sender(fixture), Sender(fixture))
        let (spool, _) = try fixture.open()
        for sender in [dropped, expired] { _ = try spool.one(sender.part(0, 0, share: [1])) }
        #expect(
            try spool.one(.dropMessage(message: dropped.message, forgetAfter: SpoolFixture.deadline)) == .removed(1))
        #expect(try spool.one(dropped.part(0, 1, share: [1])) == .partDuplicate)
        var expected = SpoolExpiry()
        expected.messages = 1
        expected.shares = 1
        #expect(try spool.one(.expire(now: SpoolFixture.start + .hours(1))) == .expired(expected))
        #expect(spool.statistics.shares == 0 && spool.statistics.messages == 0)
    }

    @Test func boundsMessages() throws {
        let fixture = try SpoolFixture("part limits")
        fixture.configuration.maxMessages = 2
        fixture.configuration.maxMessageBytes = 2 * 32_784
        fixture.configuration.maxShareBytes = 3 * 32_784
        let senders = (0..<3).map { _ in
            var sender = Sender(fixture)
            sender.length = 60_000
            return sender
        }
        let (spool, _) = try fixture.open()
        #expect(try spool.one(senders[0].part(0, 0, share: [1])) == .partStored(complete: false))
        #expect(try spool.one(senders[1].part(0, 0, share: [1])) == .partStored(complete: false))
        let tag = fixture.tag()
        #expect(try spool.one(senders[2].part(0, 0, share: [1], tag: tag)) == .full)
        #expect(try spool.one(senders[0].part(0, 1, share: [1], tag: tag)) == .partStored(complete: false))
        #expect(try spool.one(senders[0].part(1, 0, share: [1])) == .partTooLarge)
        #expect(try spool.one(senders[1].part(0, 1, share: [1])) == .full)
        var long = Sender(fixture)
        long.length = 2 * 32_784 + 1
        #expect(try spool.one(long.part(0, 1, share: [1])) == .partTooLarge)
    }
}
