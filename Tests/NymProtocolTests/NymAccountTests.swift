import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import NymProtocol

/// What an account does with requests.
@Suite struct NymAccountTests {
    private let limits = NymFixture.limits()
    private let start = NymFixture.start
    private var facts: NymFacts { NymFacts(domain: NymFixture.domain) }

    private func request(_ number: UInt64, device: UInt64 = 1, seen: UInt64 = 0, _ commands: [NymCommand]) throws
        -> NymRequest
    {
        try NymRequest(
            account: NymFixture.name("alice"), device: device, number: number, resultsSeen: seen, commands: commands)
    }

    private func code(_ account: NymAccount, _ number: UInt64, device: UInt64 = 1) -> NymResultCode? {
        account.status(NymLoad(), at: start, limits: limits).results.first {
            $0.number == number && $0.device == device
        }?.code
    }

    @Test func creation() throws {
        let key = try NymFixture.signing(1)
        func outcome(
            _ text: String, bits: Int = 4, limits: NymLimits? = nil, _ change: (inout NymFacts) -> Void = { _ in }
        ) throws -> NymResultCode {
            var facts = facts
            change(&facts)
            let name = try NymFixture.name(text)
            let request = try NymRequest(
                account: name, device: 1, number: 1,
                commands: [
                    .create(try NymFixture.creation(name, key: key, bits: bits)),
                    .surbs(NymBatch(generation: 1, blocks: [NymFixture.block(1)])),
                ])
            switch NymAccount.create(request, at: start, facts: facts, limits: limits ?? self.limits) {
            case .refused(let status): return status.results[0].code
            case .created(let account, let effects):
                #expect(effects == [.wipeBlocks(before: 1), .addBlocks(generation: 1, [NymFixture.block(1)])])
                #expect(account.generation == 1)
                return .done
            }
        }
        #expect(try outcome("alice") == .done)
        #expect(try outcome("postmaster") == .nameReserved)
        #expect(
            try outcome("alice") {
                $0.takenNames = [NymName("alice")].compactMap(\.self).reduce(into: []) { $0.insert($1) }
            } == .nameTaken)
        #expect(try outcome("alice") { $0.accounts = 100_000 } == .full)
        #expect(try outcome("alice", bits: 0, limits: NymFixture.limits(bits: 30)) == .needsWork)
        // Who has not worked does not learn whose names there are.
        #expect(
            try outcome("alice", bits: 0, limits: NymFixture.limits(bits: 30)) {
                $0.takenNames = [NymName("alice")].compactMap(\.self).reduce(into: []) { $0.insert($1) }
            } == .needsWork)
    }

    @Test func inAnyOrderAndOnce() throws {
        var random = SeededRandom(name: "inAnyOrderAndOnce")
        var account = try NymFixture.account()
        var executed: [UInt64: Int] = [:]
        var open = Array(2...300 as ClosedRange<UInt64>)
        var sent = 0
        while let first = open.first {
            // The next of the window, one of those that went before, or a copy.
            let number = min(first + UInt64.random(in: 0..<60, using: &random), 300)
            let mail = try NymRequest(
                account: account.name, device: 1, number: number, resultsSeen: min(first, number) - 1,
                commands: [.get([NymRange(item: number)])])
            var facts = facts
            facts.knownItems = [number]
            executed[number, default: 0] += account.execute(mail, at: start, facts: facts, limits: limits).count
            sent += 1
            if Bool.random(using: &random) { open.removeAll { $0 == number } }
            open.removeAll { $0 < first + 1 && executed[$0] != nil }
            guard sent < 100_000 else { break }
        }
        #expect(executed.count == 299 && executed.values.allSatisfy { $0 == 1 })
        // Far ahead, and then what is behind the window.
        let far = account.execute(try request(.max, [.list]), at: start, facts: facts, limits: limits)
        let behind = account.execute(try request(.max - 64, [.list]), at: start, facts: facts, limits: limits)
        let within = account.execute(try request(.max - 63, [.list]), at: start, facts: facts, limits: limits)
        #expect(far == [.wantSynopses] && behind.isEmpty && within == [.wantSynopses])
    }

    @Test func resultsStayUntilTheyAreSeen() throws {
        var account = try NymFixture.account()
        #expect(code(account, 1) == .done)
        _ = account.execute(
            try request(2, [.removeAlias(NymFixture.name("none")), .list]), at: start, facts: facts, limits: limits)
        #expect(code(account, 2) == .notAllowed)
        _ = account.execute(try request(2, [.list]), at: start, facts: facts, limits: limits)
        #expect(code(account, 2) == .notAllowed, "a copy changes nothing")
        _ = account.execute(try request(3, seen: 2, []), at: start, facts: facts, limits: limits)
        #expect(code(account, 1) == nil && code(account, 2) == nil && code(account, 3) == .done)
        // A second device is told beside the first, and one with many open results does not silence it.
        for number in 4...60 as ClosedRange<UInt64> {
            _ = account.execute(try request(number, []), at: start, facts: facts, limits: limits)
        }
        _ = account.execute(try request(1, device: 2, []), at: start, facts: facts, limits: limits)
        let results = account.status(NymLoad(), at: start, limits: limits).results
        #expect(results.count == 16 && results[0].number == 3 && results[1].device == 2)
    }

    /// A recorded request of an old key must never count again.
    @Test func noKeyComesBack() throws {
        var account = try NymFixture.account()
        func rotate(_ number: UInt64, to keys: [UInt8]) throws {
            let commands = try keys.map { key in
                NymCommand.rotate(
                    try NymRotation(
                        to: NymFixture.signing(key), sealing: NymFixture.sealing(4).publicKey, account: account.name,
                        domain: NymFixture.domain))
            }
            _ = account.execute(try request(number, commands), at: start, facts: facts, limits: limits)
        }
        try rotate(2, to: [2])
        try rotate(3, to: [1])
        let (second, third) = (try NymFixture.signing(2).verificationKey, try NymFixture.signing(3).verificationKey)
        #expect(code(account, 3) == .notAllowed && account.signing == second)
        try rotate(4, to: [3, 2])
        #expect(code(account, 4) == .notAllowed && account.signing == third)
        // The same key with another key to seal to is no rotation of it.
        try rotate(5, to: [3])
        #expect(code(account, 5) == .done)
        #expect(try NymAccount(decoding: account.encoded) == account)
    }

    /// The first creation was refused through its block, the second made the account; then a copy of the first comes.
    @Test func aLateCreationChangesNothing() throws {
        let key = try NymFixture.signing(1)
        let name = try NymFixture.name("alice")
        func creation(_ number: UInt64) throws -> NymRequest {
            try request(
                number,
                [
                    .create(try NymFixture.creation(name, key: key)),
                    .surbs(NymBatch(generation: 1, blocks: [NymFixture.block(Int(number))])),
                ])
        }
        guard
            case .created(var account, let effects) = NymAccount.create(
                try creation(2), at: start, facts: facts, limits: limits)
        else {
            Issue.record("not created")
            return
        }
        let late = account.execute(try creation(1), at: start, facts: facts, limits: limits)
        #expect(effects.count == 2 && late.isEmpty && code(account, 1) == .done)
    }

    @Test func theLaterPolicyOfADeviceStays() throws {
        var account = try NymFixture.account()
        func set(_ number: UInt64, device: UInt64 = 1, _ packets: NymClass) throws {
            let policy = NymPolicy(packets: packets)
            _ = account.execute(
                try request(number, device: device, [.policy(policy)]), at: start, facts: facts, limits: limits)
        }
        try set(5, .high)
        try set(4, .low)
        #expect(account.packets == .high && code(account, 4) == .done)
        try set(1, device: 2, .middle)
        try set(6, .low)
        #expect(account.packets == .low)
    }

    @Test func generationsAndBoundsOfBlocks() throws {
        var account = try NymFixture.account()
        func give(_ number: UInt64, _ generation: UInt32, _ count: Int, have: Int) throws -> [NymEffect] {
            var facts = facts
            facts.blocks = have
            let batch = try NymBatch(
                generation: generation, blocks: Array(repeating: NymFixture.block(1), count: count))
            return account.execute(try request(number, [.surbs(batch)]), at: start, facts: facts, limits: limits)
        }
        #expect(try give(2, 5, 2, have: 0).first == .wipeBlocks(before: 5))
        // Of an older one a single block is taken, as long as there is room: through it its maker is told.
        #expect(try give(3, 4, 2, have: 2) == [.addBlocks(generation: 4, [NymFixture.block(1)])])
        #expect(try give(8, 4, 2, have: 480).isEmpty && account.generation == 5)
        #expect(
            try give(4, 5, 2, have: 2) == [.addBlocks(generation: 5, Array(repeating: NymFixture.block(1), count: 2))])
        // 20 days of one packet an hour are 480.
        guard case .addBlocks(_, let blocks)? = try give(5, 5, 100, have: 450).first else {
            Issue.record("another effect")
            return
        }
        #expect(blocks.count == 30 && code(account, 5) == .full)
        #expect(try give(6, 5, 100, have: 480).isEmpty)
        // A new generation begins with an empty stock.
        #expect(try give(7, 6, 100, have: 480).count == 2)
        #expect(NymClass.allCases.map(NymTiming.mostBlocks) == [480, 960, 1920])
    }

    @Test func sending() throws {
        var account = try NymFixture.account()
        var facts = facts
        facts.declined = ["no@example.org"]
        func send(_ number: UInt64, _ mail: NymMail) throws -> [NymEffect] {
            account.execute(try request(number, [.send(mail)]), at: start, facts: facts, limits: limits)
        }
        let mail = try NymFixture.mail(to: ["bob@example.org", "no@example.org"])
        guard case .sendMail(let sent)? = try send(2, mail).first else {
            Issue.record("another effect")
            return
        }
        #expect(sent.recipients == ["bob@example.org"] && code(account, 2) == .declined)
        #expect(try send(3, NymFixture.mail(to: ["no@example.org"])).isEmpty && code(account, 3) == .declined)
        #expect(try send(4, NymFixture.mail(from: "bob")).isEmpty && code(account, 4) == .notAllowed)
        let eight = try NymFixture.mail(to: (0..<8).map { "u\($0)@example.org" })
        #expect(try send(5, eight).count == 1 && send(6, eight).count == 1)
        #expect(try send(7, eight).isEmpty && code(account, 7) == .overBudget)
        #expect(account.status(NymLoad(), at: start, limits: limits).budget == 3)
        #expect(account.status(NymLoad(), at: start + .days(1), limits: limits).budget == 20)
    }

    @Test func aClockThatWasAheadStopsNobodyForLong() throws {
        var account = try NymFixture.account()
        let eight = try NymFixture.mail(to: (0..<8).map { "u\($0)@example.org" })
        for number in 2...3 as ClosedRange<UInt64> {
            let effects = account.execute(
                try request(number, [.send(eight)]), at: start + .days(3000), facts: facts, limits: limits)
            #expect(effects.count == 1)
        }
        // Any command sets it right; then a day brings all back.
        _ = account.execute(try request(4, [.list]), at: start, facts: facts, limits: limits)
        #expect(account.status(NymLoad(), at: start, limits: limits).budget == 0)
        #expect(account.status(NymLoad(), at: start + .days(1), limits: limits).budget == 20)
    }

    @Test func aliases() throws {
        var account = try NymFixture.account()
        let key = try NymFixture.signing(1).verificationKey
        func add(_ number: UInt64, _ text: String, _ facts: NymFacts) throws -> [NymEffect] {
            let name = try NymFixture.name(text)
            let work = ProofOfWork.find(domain: NymFixture.domain, name: name, key: key, bits: 4)
            return account.execute(
                try request(number, [.addAlias(name, work)]), at: start, facts: facts, limits: limits)
        }
        #expect(try add(2, "al", facts) == [.addAlias(NymFixture.name("al"))])
        #expect(try add(3, "abuse", facts).isEmpty && code(account, 3) == .nameReserved)
        var taken = facts
        taken.takenNames = [try NymFixture.name("bob")]
        #expect(try add(4, "bob", taken).isEmpty && code(account, 4) == .nameTaken)
        for (number, text) in zip(5..., ["a2", "a3", "a4"]) { #expect(try add(UInt64(number), text, facts).count == 1) }
        #expect(try add(8, "a5", facts).isEmpty && code(account, 8) == .full)
        let from = account.execute(
            try request(9, [.send(NymFixture.mail(from: "a3"))]), at: start, facts: facts, limits: limits)
        #expect(from.count == 1)
        let name = try NymFixture.name("a3")
        #expect(
            account.execute(try request(10, [.removeAlias(name)]), at: start, facts: facts, limits: limits) == [
                .removeAlias(name)
            ])
        #expect(account.names.map(\.text) == ["alice", "al", "a2", "a4"])
    }

    @Test func mailsThatWaitAreBounded() throws {
        var account = try NymFixture.account()
        var limits = limits
        let mail = try NymFixture.mail()
        limits.outgoingBytes = UInt64(2 * mail.content.count)
        var facts = facts
        let two = account.execute(
            try request(2, [.send(mail), .send(mail), .send(mail)]), at: start, facts: facts, limits: limits)
        #expect(two.count == 2 && code(account, 2) == .full)
        facts.outgoingBytes = limits.outgoingBytes
        let none = account.execute(try request(3, [.send(mail)]), at: start, facts: facts, limits: limits)
        #expect(none.isEmpty && code(account, 3) == .full)
    }

    @Test func endings() throws {
        var account = try NymFixture.account()
        let day = NymTiming.day(of: start)
        // As long as nothing came but the creation: three whole days.
        #expect(account.closesOn(limits: limits) == day + 4)
        _ = account.execute(try request(1, [.list]), at: start + .days(1), facts: facts, limits: limits)
        #expect(account.closesOn(limits: limits) == day + 4)
        _ = account.execute(try request(2, [.list]), at: start + .days(10), facts: facts, limits: limits)
        #expect(account.closesOn(limits: limits) == day + 100)
        // A copy of an old request keeps nothing alive.
        _ = account.execute(try request(2, [.list]), at: start + .days(50), facts: facts, limits: limits)
        #expect(account.closesOn(limits: limits) == day + 100)
        let effects = account.execute(
            try request(3, [.close, .list]), at: start + .days(60), facts: facts, limits: limits)
        #expect(effects == [.wipeItems] && account.isClosing && account.closesOn(limits: limits) == day + 62)
        #expect(code(account, 3) == .closed && account.arrive(size: 1, load: NymLoad(), limits: limits) == .closed)
        let late = account.execute(
            try request(4, [.send(NymFixture.mail())]), at: start + .days(61), facts: facts, limits: limits)
        #expect(late.isEmpty && account.closesOn(limits: limits) == day + 62)
        // A day that only damage can have written.
        var damaged = try NymFixture.account()
        _ = damaged.close(at: Timestamp(milliseconds: .max))
        #expect(damaged.closesOn(limits: limits) == .max)
    }

    @Test func whatBecomesOfMail() throws {
        var account = try NymFixture.account()
        func arrive(_ size: Int, _ change: (inout NymLoad) -> Void = { _ in }) -> NymArrival {
            var load = NymLoad()
            change(&load)
            return account.arrive(size: size, load: load, limits: limits)
        }
        #expect(arrive(1000) == .whole && arrive(2_000_000) == .synopsis && arrive(9_000_000) == .tooLarge)
        #expect(arrive(1000) { $0.items = 2000 } == .full && arrive(1000) { $0.bytes = (64 << 20) - 3000 } == .full)
        #expect(
            arrive(1000) { $0.waitingBytes = 600_000 } == .synopsis
                && arrive(1000) { $0.waitingBytes = 1_300_000 } == .held)
        _ = account.execute(
            try request(2, [.policy(NymPolicy(packets: .high, delivers: .whole, synopsisAbove: 500))]), at: start,
            facts: facts, limits: limits)
        #expect(
            arrive(500) == .whole && arrive(501) == .synopsis && arrive(500) { $0.waitingBytes = 1_300_000 } == .whole)
        account.policy.delivers = .nothing
        #expect(arrive(1) == .held)
        account.policy.delivers = .synopses
        #expect(arrive(1) == .synopsis)
    }
}
