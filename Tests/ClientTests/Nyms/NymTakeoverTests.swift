// Several devices, one of which looks after the nym: who is replaced learns of it, and does nothing by himself any more.

import Daemon
import Directory
import Foundation
import Messages
import MixCrypto
import NymProtocol
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(10))) struct NymTakeoverTests {
    /// Another device with the nym's keys, which takes it over with a stock of its own.
    private func takeover(from first: NymBench) async throws -> NymBench {
        let second = try NymBench(network: first.network, server: first.server)
        try second.keyring.add(first.keyring.grant(of: first.nym, nil))
        try second.takeOver()
        for (_, body) in try second.posted() { try first.server.receive(body, at: first.now) }
        return second
    }

    @Test("a device that was replaced learns it once, makes nothing more, and can take the nym back")
    func replaced() async throws {
        var random = SeededRandom(name: "replaced")
        let first = try NymBench()
        let nym = try await first.active()
        // Something of the old stock is under way, and a mail whose result is not known.
        first.now = first.now + .hours(30)
        try first.turn.refill(nym, at: first.now)
        _ = first.requests.transmitDue(nym, at: first.now)
        _ = try first.posted()
        let second = try await takeover(from: first)
        try first.server.deliver(NymBench.mail("one", 100, &random), at: first.now)
        let told = try #require(try first.server.slot(at: first.now))
        #expect(told.records.isEmpty && told.status.isReplaced)
        try await first.take(told)
        var state = try first.state()
        #expect(!state.isPrimary && state.replaced == first.now && state.waiting.isEmpty)
        #expect(state.resultsSeen == state.nextNumber - 1)
        #expect(state.warnings(now: first.now).contains { $0.contains("taken it over") })
        #expect(state.warnings(now: first.now + .days(15)).isEmpty)
        // The mail is for the other one.
        try await second.take(try #require(try first.server.slot(at: first.now)))
        #expect(try second.mails().count == 1 && first.mails().isEmpty && second.state().isPrimary)
        #expect(try second.state().report?.devices == 2)
        // Days of silence: nothing is made, nothing renewed.
        for _ in 0..<5 {
            first.now = first.now + .days(1)
            _ = first.turn.take(at: first.now, refilling: [nym.address])
        }
        #expect(try first.posted().isEmpty && first.state().generation == state.generation)
        // What was on its way from before says nothing new.
        var late = told.status
        (late.generation, late.isReplaced) = (1, false)
        try await first.take(try NymPacket(status: late, records: []))
        #expect(try !first.state().isPrimary)
        // And back again.
        second.now = first.now
        try first.turn.renew(nym, takesOver: true, at: first.now)
        _ = first.turn.take(at: first.now, refilling: [])
        try first.transmit()
        state = try first.state()
        #expect(state.isPrimary && state.replaced == nil && state.generation > told.status.generation)
        try await second.take(try #require(try first.server.slot(at: first.now)))
        #expect(try !second.state().isPrimary && second.state().replaced != nil)
        try await first.take(try #require(try first.server.slot(at: first.now)))
        #expect(try first.state().isPrimary && first.server.farewells == 0)
    }

    @Test("what it makes of its old stock is answered too; its own renewal replaces nobody")
    func lateStock() async throws {
        let first = try NymBench()
        let nym = try await first.active()
        let second = try await takeover(from: first)
        // The first answer is lost.
        _ = try first.server.slot(at: first.now)
        #expect(first.server.farewells == 0)
        first.now = first.now + .hours(49)
        _ = first.turn.take(at: first.now, refilling: [nym.address])
        #expect(try first.state().generation == 2)
        try first.transmit()
        #expect(first.server.farewells == 1)
        try await first.take(try #require(try first.server.slot(at: first.now)))
        #expect(try !first.state().isPrimary)
        try await second.take(try #require(try first.server.slot(at: first.now)))
        #expect(try second.state().isPrimary)
        // A device alone, which renews.
        let alone = try NymBench()
        let own = try await alone.active()
        try alone.turn.renew(own, takesOver: true, at: alone.now)
        _ = alone.turn.take(at: alone.now, refilling: [])
        try alone.transmit()
        let answer = try #require(try alone.server.slot(at: alone.now))
        try await alone.take(answer)
        #expect(try answer.status.isReplaced && alone.state().isPrimary && alone.state().replaced == nil)
        #expect(try alone.state().waiting.isEmpty && !NymStock(alone.state(), now: alone.now).isLow)
    }

    @Test("a new stock by hand while one is unanswered is made whole, and the old one, if it comes late, adds nothing")
    func renewalWhileUnanswered() async throws {
        let bench = try NymBench()
        let nym = try await bench.active()
        let wanted = NymTiming.wantedBlocks(of: .low)
        bench.now = bench.now + .hours(30)
        _ = bench.turn.take(at: bench.now, refilling: [])
        let old = try bench.posted()
        #expect(try old.count == 1 && bench.state().waiting.map(\.blocks) == [UInt32(wanted)])
        try bench.turn.renew(nym, takesOver: true, at: bench.now)
        _ = bench.turn.take(at: bench.now, refilling: [])
        #expect(try bench.state().waiting.map(\.blocks) == [0, UInt32(wanted)])
        let new = try bench.posted()
        #expect(new.count == 1, "the old one is not sent again while nobody is heard")
        for (_, body) in new + old { try bench.server.receive(body, at: bench.now) }
        #expect(bench.server.blocks == wanted && bench.server.farewells == 2)
        for _ in 0..<3 { try await bench.take(try #require(try bench.server.slot(at: bench.now))) }
        let state = try bench.state()
        #expect(state.isPrimary && state.waiting.isEmpty && state.resultsSeen == state.nextNumber - 1)
        #expect(Int(state.report?.surbs ?? 0) == wanted - 1 && NymStock(state, now: bench.now).missing <= 1)
    }

    @Test("an older copy of the files takes a newer stock of its own for no other device's")
    func olderCopy() async throws {
        let bench = try NymBench()
        let nym = try await bench.active()
        let copy = try bench.state()
        try bench.turn.renew(nym, takesOver: true, at: bench.now)
        _ = bench.turn.take(at: bench.now, refilling: [])
        try bench.transmit()
        let (told, next) = (try bench.server.slot(at: bench.now), try bench.server.slot(at: bench.now))
        try bench.book.begin(nym.address, copy)
        // It has to think so, until what comes through its blocks says that they count.
        try await bench.take(try #require(told))
        #expect(try !bench.state().isPrimary)
        try await bench.take(try #require(next))
        let state = try bench.state()
        #expect(state.isPrimary && state.replaced == nil && state.generation == told?.status.generation)
    }

    @Test("when all numbers wait, a new stock goes on as another device; a change of keys is waited for")
    func stuck() async throws {
        let bench = try NymBench()
        let nym = try await bench.active()
        let mail = try NymMail(
            from: try #require(NymName("alice")), recipients: ["bob@example.org"], content: Array("\r\nHi.\r\n".utf8))
        let number = try bench.requests.add(.send, [.send(mail)], of: nym, at: bench.now) { state, number in
            state.sent.append(
                NymState.Sent(number: number, made: bench.now, recipients: "bob@example.org", result: nil))
        }
        // As after months of silence.
        try bench.book.update(nym.address) { state in
            state.nextNumber = state.resultsSeen + NymRequest.window + 1
            state.unacknowledged = [7]
        }
        let before = try bench.state()
        #expect(throws: NymClientError.self) { try bench.turn.add(10, to: nym, before, at: bench.now) }
        let files = try bench.client.places.requestFiles()
        #expect(files == 1)
        // Where no more devices are taken, or keys change, that would be worse.
        let changes: [(inout NymState) -> Void] = [
            { $0.report?.devices = 8 }, { $0.waiting[0] = $0.waiting[0].rotating },
        ]
        for change in changes {
            try bench.book.update(nym.address, change)
            #expect(try !bench.state().isStuck)
            try bench.book.begin(nym.address, before)
        }
        try bench.turn.renew(nym, at: bench.now)
        let state = try bench.state()
        #expect(state.device != before.device && state.nextNumber == 1 && state.waiting.isEmpty)
        #expect(
            state.unacknowledged == [7]
                && state.sent.first { $0.number == number }?.result?.words.hasPrefix("unknown") == true)
        #expect(try bench.client.places.requestFiles() == 0)
        _ = bench.turn.take(at: bench.now, refilling: [])
        try bench.transmit()
        #expect(bench.server.blocks == NymTiming.wantedBlocks(of: .low) && bench.server.outgoing.isEmpty)
        for _ in 0..<2 { try await bench.take(try #require(try bench.server.slot(at: bench.now))) }
        #expect(try bench.state().waiting.isEmpty && bench.state().report?.devices == 2)
    }

    @Test("a ninth device is taken when it changes the keys, and hears of it through blocks of its own")
    func ninth() async throws {
        let first = try NymBench()
        let nym = try await first.active()
        for _ in 2...8 {
            try first.book.update(nym.address) { state in
                _ = state.changeDevice(because: "test", at: first.now)
            }
            try first.turn.refill(nym, at: first.now)
            _ = first.requests.transmitDue(nym, at: first.now)
            try first.transmit()
        }
        try await first.take(try #require(try first.server.slot(at: first.now)))
        #expect(try first.state().report?.devices == 8)
        #expect(try first.state().warnings(now: first.now).contains { $0.contains("takes no more") })
        let ninth = try await takeover(from: first)
        #expect(first.server.farewells == 0, "passed over")
        try ninth.requests.addRotation(of: ninth.nym, ninth.state(), at: ninth.now)
        _ = ninth.requests.transmitDue(try ninth.nym, at: ninth.now)
        for (_, body) in try ninth.posted() { try first.server.receive(body, at: first.now) }
        #expect(first.server.farewells == 1)
        _ = try first.server.slot(at: first.now)
        try await ninth.take(try #require(try first.server.slot(at: first.now)))
        let keys = try ninth.nym.keys.signing().verificationKey
        #expect(keys == first.server.account?.signing)
        #expect(try ninth.state().report?.devices == 1 && ninth.state().isPrimary)
        // Its stock, which was passed over before, is taken now.
        ninth.now = ninth.now + .hours(7)
        _ = ninth.turn.take(at: ninth.now, refilling: [])
        for (_, body) in try ninth.posted() { try first.server.receive(body, at: ninth.now) }
        #expect(first.server.blocks > 330)
    }
}

extension NymBench {
    /// What `nym check --renew` does on a device that has only the keys, without the node of the mailbox.
    fileprivate func takeOver() throws {
        var generator = SystemRandomNumberGenerator()
        let node = try #require(network.node(named: "delta"))
        let box = try OwnMailbox.new(
            name: NymIdentity.name(generator.bytes(32)), network: network.name, node: node.id, nodeName: "delta",
            at: now, using: &generator)
        try keyring.add(box)
        try keyring.changeNym(Self.address) { $0.mailbox = box.id }
        var state = NymState(device: generator.next(), packets: .low, created: now)
        (state.stage, state.generation) = (.active, UInt32(clamping: now.seconds / 60))
        try book.begin(Self.address, state)
        try turn.renew(nym, takesOver: true, at: now)
        _ = turn.take(at: now, refilling: [])
    }
}

extension ClientPlaces {
    /// Requests that wait in their directory.
    fileprivate func requestFiles() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: nyms).count }
}

extension NymState.Waiting {
    /// As if it changed keys.
    fileprivate var rotating: NymState.Waiting {
        NymState.Waiting(
            number: number, purpose: .rotate, made: made, sent: sent, blocks: 0, acknowledged: [], file: file,
            message: message)
    }
}
