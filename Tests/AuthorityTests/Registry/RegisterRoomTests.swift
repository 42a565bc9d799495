import Directory
import MixCrypto
import Testing
import WireFormat

@testable import AuthorityProgram

/// Who may stay when there is not room for all, outside of test networks.
@Suite struct RegisterRoomTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    private func places(_ addresses: String...) throws -> NodePlaces {
        NodePlaces(try addresses.map { try #require(NodeAddress($0)) })
    }

    private func id(_ number: Int) -> NodeID { NodeID(Digest.sha256([UInt8(number)]).bytes) ?? NodeID() }

    private func occupant(
        _ number: Int, _ address: String, tried: Bool = true, reached: Interval? = nil, age: Interval = .minutes(1)
    ) throws -> RegisterRoom.Occupant {
        RegisterRoom.Occupant(
            id: id(number), firstSeen: now - age, lastTry: tried ? now : nil, lastReachable: reached.map { now - $0 },
            places: try places(address))
    }

    private func room(
        _ all: [RegisterRoom.Occupant], at places: NodePlaces, isTest: Bool = false, isNew: Bool = true,
        checks: Bool = true, change: (inout RegistryLimits) -> Void = { _ in }
    ) -> RegisterRoom.Answer {
        var limits = RegistryLimits()
        change(&limits)
        return RegisterRoom(limits: limits, isTest: isTest, checksReachability: checks)
            .room(for: id(0), at: places, isNew: isNew, among: all, now: now)
    }

    @Test func placesAreCountedAsTheyAreShared() throws {
        #expect(try places("1.2.3.4:1") == places("1.2.3.4:2"))
        #expect(try places("1.2.3.4:1").blocks == places("1.2.3.200:1").blocks)
        #expect(try places("1.2.3.4:1").blocks != places("1.2.4.4:1").blocks)
        #expect(try places("[2a00:1:2:3::4]:1") == places("[2a00:1:2:3:4::]:1"))
        #expect(try places("[2a00:1:2:3::4]:1").hosts != places("[2a00:1:2:4::4]:1").hosts)
        #expect(try places("[2a00:1:2:3::4]:1").blocks == places("[2a00:1:2:4::4]:1").blocks)
        #expect(try places("[::ffff:102:304]:1") == places("1.2.3.4:1"))
        #expect(try places("Mix.Example.org:1") == places("mix.example.org:2"))
        #expect(try places("mix.example.org:2").blocks.isEmpty)
    }

    @Test func oneAddressHasSoManyNodesAndOneBlock() throws {
        let four = try (1...4).map { try occupant($0, "1.2.3.4:\($0)", reached: .zero) }
        #expect(try room(Array(four.dropLast()), at: places("1.2.3.4:9")) == .free(displacing: []))
        #expect(try room(four, at: places("1.2.3.4:9")) == .refused(.placeFull(4)))
        #expect(try room(four, at: places("1.2.3.5:9")) == .free(displacing: []))
        // One of several addresses is enough.
        #expect(try room(four, at: places("9.9.9.9:9", "1.2.3.4:9")) == .refused(.placeFull(4)))
        #expect(try room(four, at: places("1.2.3.4:9"), isTest: true) == .free(displacing: []))
        let block = try (1...16).map { try occupant($0, "1.2.3.\($0):1", reached: .zero) }
        #expect(try room(block, at: places("1.2.3.99:9")) == .refused(.placeFull(16)))
        #expect(try room(block, at: places("1.2.3.99:9"), isNew: false) == .refused(.placeFull(16)))
        #expect(try room(block, at: places("1.2.4.99:9")) == .free(displacing: []))
        // Nobody counts against himself.
        let own = try Array(block.dropLast()) + [occupant(0, "1.2.3.99:8", reached: .zero)]
        #expect(try room(own, at: places("1.2.3.99:9"), isNew: false) == .free(displacing: []))
    }

    @Test func madeUpNodesKeepNobodyFromHisOwnAddress() throws {
        let real = try occupant(1, "1.2.3.4:1", reached: .zero)
        let made = try (2...4).map { try occupant($0, "1.2.3.4:\($0)", age: .seconds(Int64(10 * $0))) }
        #expect(try room([real] + made, at: places("1.2.3.4:9")) == .free(displacing: [id(4)]))
        // Each gets his one try.
        let fresh = try (2...4).map { try occupant($0, "1.2.3.4:\($0)", tried: false) }
        #expect(try room([real] + fresh, at: places("1.2.3.4:9")) == .wait(.minutes(1)))
        #expect(try room([real] + fresh, at: places("1.2.3.4:9"), checks: false) == .refused(.placeFull(4)))
        // Who was there, but is gone for days, makes room.
        let gone = try [1, 2, 3].map { try occupant($0, "1.2.3.4:\($0)", reached: .days(Int64($0))) }
        #expect(
            try room([occupant(4, "1.2.3.4:4", reached: .zero)] + gone, at: places("1.2.3.4:9"))
                == .free(displacing: [id(3)]))
    }

    @Test func aFullRegisterMakesRoomForTheLiving() throws {
        let all = [
            try occupant(1, "1.1.1.1:1", reached: .zero), try occupant(2, "1.1.2.1:1", reached: .days(3)),
            try occupant(3, "1.1.3.1:1", reached: .days(2)),
        ]
        func full(_ all: [RegisterRoom.Occupant], isNew: Bool = true, checks: Bool = true) throws -> RegisterRoom.Answer
        {
            room(all, at: try places("9.9.9.9:1"), isNew: isNew, checks: checks) { $0.maximumNodes = 3 }
        }
        #expect(try full(all) == .free(displacing: [id(2)]))
        #expect(try full(all, isNew: false) == .free(displacing: []))
        #expect(try full(all, checks: false) == .refused(.registerFull(3)))
        let alive = try all.dropLast(2) + [4, 5].map { try occupant($0, "1.1.\($0).1:1", reached: .days(1)) }
        #expect(try full(Array(alive)) == .refused(.registerFull(3)))
        // Those who never answered first, if they had time.
        let young = try occupant(6, "1.1.6.1:1", age: .minutes(59))
        #expect(try full(Array(alive.dropLast()) + [young]) == .refused(.registerFull(3)))
        let old = try occupant(7, "1.1.7.1:1", age: .hours(1))
        #expect(try full(Array(all.dropLast()) + [old]) == .free(displacing: [id(7)]))
    }

    @Test func newcomersAreRationedByTheirBlock() throws {
        var limits = RegistryLimits()
        (limits.newNodesPerHour, limits.newNodesPerBlock) = (5, 2)
        var newcomers = NewcomerLimit(limits, now: now)
        let (here, there) = (try places("1.2.3.4:1"), try places("1.2.4.4:1"))
        for _ in 0..<2 { newcomers.take(here, countsBlocks: true, at: now) }
        let waits = [here, there].map { newcomers.wait(for: $0, countsBlocks: true, at: now) }
        #expect(waits == [.minutes(30), .zero])
        let inTest = newcomers.wait(for: here, countsBlocks: false, at: now)
        #expect(inTest == .zero)
        for _ in 0..<3 { newcomers.take(try places("5.5.5.5:1"), countsBlocks: false, at: now) }
        let all = newcomers.wait(for: there, countsBlocks: true, at: now)
        #expect(all == .minutes(12))
    }

    @Test func nobodyIsMadeToKnockOftenAtOnePlace() throws {
        var limits = RegistryLimits()
        (limits.triesPerAddress, limits.triesPerBlock) = (2, 3)
        var budget = TrialBudget(limits)
        func allows(_ text: String) throws -> Bool { budget.allows(try #require(NodeAddress(text))) }
        let first = try [
            allows("1.2.3.4:1"), allows("1.2.3.4:2"), allows("1.2.3.4:3"), allows("1.2.3.5:1"), allows("1.2.3.6:1"),
            allows("1.2.4.6:1"),
        ]
        #expect(first == [true, true, false, true, false, true])
        budget.renew()
        let again = try allows("1.2.3.4:1")
        #expect(again)
    }
}
