// A nym against the account machine of its server: requests and packets get lost, programs are killed, and in the end
// everything is there, once.

import Daemon
import Directory
import Messages
import MixCrypto
import NymProtocol
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(10))) struct NymBookTests {
    @Test("three days over a bad line, with mails, sending and restarts")
    func badLine() async throws {
        var random = SeededRandom(name: "badLine")
        let bench = try NymBench()
        let nym = try await bench.create()
        #expect(try bench.state().stage == .pending)
        var wanted: Set<String> = []
        var sent: UInt64 = 0
        // The line is bad for three days; what was lost at their end comes again within one more.
        for hour in 0..<100 {
            bench.now = bench.now + .hours(1)
            let isLost = { hour < 72 && UInt8.random(in: 0..<10, using: &random) < 2 }
            if Int.random(in: 0..<3, using: &random) == 0 { try bench.restart() }
            if hour % 5 == 4, bench.server.account != nil, hour < 55 {
                let mail = NymBench.mail("mail \(hour)", Int.random(in: 10...60_000, using: &random), &random)
                wanted.insert(String(decoding: mail, as: UTF8.self))
                try bench.server.deliver(mail, at: bench.now)
            }
            if hour >= 30, sent == 0, try bench.state().stage == .active {
                let mail = try NymMail(
                    from: try #require(NymName("alice")), recipients: ["bob@example.org"],
                    content: Array("Subject: hi\r\n\r\nHello.\r\n".utf8))
                sent = try bench.requests.add(.send, [.send(mail)], of: nym, at: bench.now) { state, number in
                    state.sent.append(
                        NymState.Sent(number: number, made: bench.now, recipients: "bob@example.org", result: nil))
                }
            }
            let report = bench.turn.take(at: bench.now, refilling: hour % 6 == 5 ? [nym.address] : [])
            #expect(report.failure == nil, "hour \(hour): \(String(describing: report.failure))")
            try bench.transmit(losing: isLost)
            if let packet = try bench.server.slot(at: bench.now), !isLost() { try await bench.take(packet) }
        }
        let state = try bench.state()
        #expect(state.stage == .active && bench.server.account != nil)
        #expect(Set(try bench.mails()) == wanted)
        #expect(try bench.mails().count == wanted.count, "each once")
        // The one mail left once, whatever was repeated, and its result is known.
        #expect(bench.server.outgoing.count == 1)
        #expect(state.sent.first { $0.number == sent }?.result?.code == NymResultCode.done.rawValue)
        let stock = NymStock(state, now: bench.now)
        #expect(bench.server.blocks > 250, "\(bench.server.blocks) left, estimate \(stock.estimate)")
        #expect(!stock.isLow && state.warnings(now: bench.now).isEmpty)
    }

    @Test("more work is done when the server asks for it; a name that is taken is told")
    func creation() async throws {
        let bench = try NymBench()
        bench.server.limits.workBits = 9
        let nym = try await bench.create(bits: 0)
        _ = bench.turn.take(at: bench.now, refilling: [])
        try bench.transmit()
        while bench.server.account == nil {
            let refusal = try #require(bench.server.refusals.last)
            try await bench.take(try NymPacket(status: refusal, records: []))
            let state = try bench.state()
            #expect(state.needsWork && state.difficulty == 9 && state.waiting.isEmpty)
            #expect(!state.warnings(now: bench.now).isEmpty)
            #expect(try await bench.requests.repeatCreation(nym) { bench.now })
            _ = bench.turn.take(at: bench.now, refilling: [])
            try bench.transmit()
        }
        try await bench.take(try #require(try bench.server.slot(at: bench.now)))
        #expect(try bench.state().stage == .active)
        #expect(try bench.state().waiting.isEmpty)

        let other = try NymBench()
        other.server.takenNames = [try #require(NymName("alice"))]
        try await other.create()
        _ = other.turn.take(at: other.now, refilling: [])
        try other.transmit()
        try await other.take(try NymPacket(status: try #require(other.server.refusals.last), records: []))
        #expect(try other.state().stage == .refused)
        #expect(try other.state().reason.contains("somebody has this name"))
    }

    @Test("silence is loss: a new generation, and a full stock")
    func silence() async throws {
        let bench = try NymBench()
        try await bench.active()
        bench.now = bench.now + .hours(49)
        let warnings = try bench.state().warnings(now: bench.now)
        #expect(warnings.contains { $0.contains("silent since") } && warnings.contains { $0.contains("it ends on") })
        _ = bench.turn.take(at: bench.now, refilling: [])
        let state = try bench.state()
        #expect(state.generation == 2 && state.renewed == bench.now)
        #expect(state.waiting.map(\.blocks) == [UInt32(NymTiming.wantedBlocks(of: .low))])
        try bench.transmit()
        #expect(bench.server.blocks == NymTiming.wantedBlocks(of: .low))
        // And not again at once.
        _ = bench.turn.take(at: bench.now + .minutes(1), refilling: [])
        #expect(try bench.state().generation == 2)
    }

    /// As long as the keys of the test's network are known.
    @Test("days of silence make few requests, and the nym lives when its server is back")
    func longSilence() async throws {
        var random = SeededRandom(name: "longSilence")
        let bench = try NymBench()
        let nym = try await bench.active()
        var (messages, bytes, worst) = (0, 0, 0)
        for day in 0..<4 {
            var today = 0
            for _ in 0..<24 {
                bench.now = bench.now + .hours(1)
                let refills = Int.random(in: 0..<6, using: &random) == 0
                let report = bench.turn.take(at: bench.now, refilling: refills ? [nym.address] : [])
                #expect(report.failure == nil, "day \(day): \(String(describing: report.failure))")
                // Nobody takes it.
                for message in try bench.posted() {
                    (messages, today) = (messages + 1, today + message.body.count)
                }
            }
            (bytes, worst) = (bytes + today, max(worst, today))
        }
        print("silent days: \(messages) messages, \(bytes) bytes, at most \(worst) in a day")
        #expect(messages < 40 && bytes < 40_000_000 && worst < 14_000_000)
        let open = try bench.state().waiting
        #expect(open.count < NymRequest.window - 24, "\(open.count) requests wait")
        for _ in 0..<48 {
            bench.now = bench.now + .hours(1)
            let refills = Int.random(in: 0..<6, using: &random) == 0
            _ = bench.turn.take(at: bench.now, refilling: refills ? [nym.address] : [])
            try bench.transmit()
            if let packet = try bench.server.slot(at: bench.now) { try await bench.take(packet) }
        }
        let state = try bench.state()
        #expect(bench.server.blocks > 250 && !NymStock(state, now: bench.now).isLow)
        #expect(state.waiting.count < 6 && state.resultsSeen > 0, "\(state.waiting.count) wait")
        try bench.server.deliver(NymBench.mail("back", 100, &random), at: bench.now)
        try await bench.take(try #require(try bench.server.slot(at: bench.now)))
        #expect(try bench.mails().count == 1)
    }

    @Test("killed between keyring and book, the change of keys is done again; no key is lost")
    func killedRotation() async throws {
        let bench = try NymBench()
        let nym = try await bench.active()
        try bench.requests.addRotation(of: nym, bench.state(), at: bench.now)
        let next = try #require(bench.keyring.nextKeys(of: nym.address))
        _ = bench.requests.transmitDue(nym, at: bench.now)
        try bench.transmit()
        let before = try bench.state()
        let packet = try #require(try bench.server.slot(at: bench.now))
        try await bench.take(packet)
        // As the book was when the keyring had the new keys already.
        try bench.book.begin(nym.address, before)
        try bench.restart()
        try await bench.take(packet)
        let changed = try bench.nym
        #expect(try changed.keys.signing().verificationKey == next.signing().verificationKey)
        #expect(bench.keyring.openingKeys(of: changed).count == 2)
        #expect(try !bench.state().waiting.contains { $0.purpose == .rotate })
    }

    @Test("a restored copy notices that its numbers are used up; an older status says nothing")
    func restoredCopy() async throws {
        let bench = try NymBench()
        let nym = try await bench.active()
        let copy = try bench.state()
        try bench.turn.refill(nym, at: bench.now)
        try bench.turn.refill(nym, at: bench.now)
        _ = bench.requests.transmitDue(nym, at: bench.now)
        try bench.transmit()
        let packet = try #require(try bench.server.slot(at: bench.now))
        try bench.book.begin(nym.address, copy)
        try await bench.take(packet)
        let state = try bench.state()
        #expect(state.device != copy.device && state.nextNumber == 1 && state.waiting.isEmpty)
        // An older day: what the stock was then is not told of now.
        var old = packet.status
        old.day -= 3
        old.surbs = 3
        old.results = []
        bench.now = bench.now + .hours(1)
        try await bench.take(try NymPacket(status: old, records: []))
        #expect(try bench.state().report == state.report)
    }

    @Test("requests go to the key that was pinned, and mail to a doubted domain goes nowhere")
    func pinnedKey() async throws {
        let bench = try NymBench()
        let other = try TestNymserver()
        let network = try TestNetwork { plan in
            plan.change = { fields in
                fields.capabilities.append(Capability(Capability.Name.mailbox))
                let key = ["echo": bench.server.key, "bravo": other.key][fields.nickname.text]
                if let key {
                    fields.nymDomains = [NymDomain(domain: "nym.example", key: key.publicKey)].compactMap(\.self)
                }
            }
        }.file
        #expect(throws: NymClientError.self) { try NymRequests.serverKey("nym.example", in: network) }
        let planner = PacketPlanner(network: network, options: bench.client.options(in: network), now: bench.now)
        let address = try Address(canonical: "nym:server@nym.example")
        #expect(throws: NymClientError.domainInDoubt("nym.example")) { try planner.errands([address]) }
        let errands = try planner.errands([address], nymserver: bench.server.key.publicKey)
        let bravo = try #require(network.node(named: "bravo"))
        #expect(errands.first?.demands.blockedExits.contains(bravo.id) == true)
        let unknown = try TestNymserver().key.publicKey
        #expect(throws: NymClientError.self) { try planner.errands([address], nymserver: unknown) }
    }

    @Test("refills have one length, whatever is in them")
    func constantSize() async throws {
        let bench = try NymBench()
        let nym = try await bench.active()
        var sizes: Set<Int> = []
        for count in [0, 3, 400] {
            try bench.book.update(nym.address) { state in
                state.unacknowledged = (0..<UInt64(count)).map { $0 + 1 }
                state.report?.surbs = UInt32(NymTiming.wantedBlocks(of: .low) - min(count, 18))
            }
            try bench.turn.refill(nym, at: bench.now)
            _ = bench.requests.transmitDue(nym, at: bench.now)
            for message in try bench.posted() { sizes.insert(message.body.count) }
        }
        #expect(sizes.count == 1, "\(sizes)")
    }

    @Test("synopses are listed, and their mails come when they are asked for")
    func synopses() async throws {
        var random = SeededRandom(name: "synopses")
        let bench = try NymBench()
        let nym = try await bench.create()
        _ = bench.turn.take(at: bench.now, refilling: [])
        try bench.transmit()
        let mail = NymBench.mail("large", 3000, &random)
        try bench.server.deliver(mail, held: true, at: bench.now)
        try await bench.take(try #require(try bench.server.slot(at: bench.now)))
        let synopsis = try #require(try bench.state().synopses.first)
        #expect(synopsis.subject == "large" && synopsis.from == "bob@example.org" && Int(synopsis.size) == mail.count)
        #expect(try bench.mails().isEmpty && bench.state().unacknowledged.isEmpty)
        try bench.requests.add(.get, [.get([NymRange(item: synopsis.item)])], of: nym, at: bench.now)
        _ = bench.requests.transmitDue(nym, at: bench.now)
        try bench.transmit()
        try await bench.take(try #require(try bench.server.slot(at: bench.now)))
        #expect(try bench.mails() == [String(decoding: mail, as: UTF8.self)])
        #expect(try bench.state().synopses.isEmpty && bench.state().unacknowledged == [synopsis.item])
        // Acknowledged with the next refill, and forgotten there.
        try bench.turn.refill(nym, at: bench.now)
        _ = bench.requests.transmitDue(nym, at: bench.now)
        try bench.transmit()
        #expect(bench.server.unacknowledged.isEmpty)
        try await bench.take(try #require(try bench.server.slot(at: bench.now)))
        #expect(try bench.state().unacknowledged.isEmpty)
    }

    @Test("keys change, and what was sealed to the old ones is read still")
    func rotation() async throws {
        var random = SeededRandom(name: "rotation")
        let bench = try NymBench()
        let nym = try await bench.create()
        _ = bench.turn.take(at: bench.now, refilling: [])
        try bench.transmit()
        let (old, new) = (NymBench.mail("old", 50, &random), NymBench.mail("new", 50, &random))
        try bench.server.deliver(old, at: bench.now)
        try bench.requests.addRotation(of: nym, bench.state(), at: bench.now)
        let next = try #require(bench.keyring.nextKeys(of: nym.address))
        _ = bench.requests.transmitDue(nym, at: bench.now)
        try bench.transmit()
        try bench.server.deliver(new, at: bench.now)
        for _ in 0..<2 { try await bench.take(try #require(try bench.server.slot(at: bench.now))) }
        #expect(Set(try bench.mails()) == Set([old, new].map { String(decoding: $0, as: UTF8.self) }))
        let changed = try bench.nym
        #expect(try changed.keys.signing().verificationKey == next.signing().verificationKey)
        #expect(bench.keyring.nextKeys(of: nym.address) == nil && bench.keyring.openingKeys(of: changed).count == 2)
        // The next request is signed by the new key.
        try bench.turn.refill(changed, at: bench.now)
        _ = bench.requests.transmitDue(changed, at: bench.now)
        let before = bench.server.executed
        try bench.transmit()
        #expect(bench.server.executed == before + 1)
    }

    @Test("a packet for nobody, of another nym, or damaged, changes nothing")
    func badPackets() async throws {
        let bench = try NymBench()
        try await bench.create()
        let other = try #require(NymName("bob"))
        let report = try await bench.take(try NymPacket(status: NymStatus(account: other, day: 1), records: []))
        #expect(report.packets == 0 && report.problems.count == 1)
        #expect(try bench.state().report == nil)
        // Pieces that contradict each other.
        let name = try #require(NymName("alice"))
        let first = try NymRecord(item: 1, kind: .mail, total: 100, offset: 0, bytes: [1, 2, 3])
        let second = try NymRecord(item: 1, kind: .mail, total: 3, offset: 0, bytes: [1, 2, 3])
        try await bench.take(
            try NymPacket(status: NymStatus(account: name, day: 1), records: [first, second]))
        #expect(try bench.book.progress(of: NymBench.address)[1]?.held == 3)
        #expect(try bench.book.progress(of: NymBench.address)[1]?.total == 100)
        // Whole, and not sealed to us: told, and not kept for ever.
        let rest = try NymRecord(
            item: 1, kind: .mail, total: 100, offset: 2, bytes: [UInt8](repeating: 7, count: 98))
        let told = try await bench.take(try NymPacket(status: NymStatus(account: name, day: 1), records: [rest]))
        #expect(told.problems.count == 1)
        #expect(try bench.state().unreadable == 1 && bench.state().finished == [1])
        #expect(try bench.book.progress(of: NymBench.address).isEmpty)
    }
}
