import TestSupport
import Testing
import WireFormat

@testable import MMTP

@Suite struct PeerLimitsTests {
    let block = AddressBlock(ipv4: 192, 0, 2)

    static func limits(_ change: (inout PeerLimits.Configuration) -> Void) -> PeerLimits {
        var configuration = PeerLimits.Configuration()
        change(&configuration)
        return PeerLimits(configuration)
    }

    /// How many of `count` frames are taken.
    static func taken(_ count: Int, from limits: inout PeerLimits, _ seat: PeerLimits.Seat, at now: Timestamp) -> Int {
        var taken = 0
        for _ in 0..<count where limits.takeFrame(seat, at: now) { taken += 1 }
        return taken
    }

    static func reason(_ result: Result<PeerLimits.Seat, PeerLimits.Refusal>) -> LimitReason? {
        if case .failure(let refusal) = result { refusal.reason } else { nil }
    }

    @Test func blocksAreTheSpecifiedPrefixes() {
        let a: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]
        var b = a
        b[6] = 9
        var c = a
        c[5] = 9
        #expect(AddressBlock(ipv6: a) == AddressBlock(ipv6: b))
        #expect(AddressBlock(ipv6: a) != AddressBlock(ipv6: c))
        #expect(AddressBlock(ipv6: a.dropLast()) == nil)
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 77]
        #expect(AddressBlock(ipv6: mapped) == block)
        #expect(AddressBlock(ipv4: 192, 0, 3) != block)
    }

    @Test func connectionsPerMinuteAreABucket() throws {
        var limits = Self.limits { $0.connectionsPerMinute = 6 }
        for _ in 0..<6 { limits.disconnect(try limits.connect(from: block, at: noon).get(), at: noon) }
        #expect(Self.reason(limits.connect(from: block, at: noon)) == .connectionRate)
        #expect(Self.reason(limits.connect(from: block, at: noon + .seconds(9))) == .connectionRate)
        #expect(Self.reason(limits.connect(from: block, at: noon + .seconds(10))) == nil)
        #expect(
            Self.reason(limits.connect(from: AddressBlock(ipv4: 192, 0, 3), at: noon)) == nil, "another block is free")
    }

    @Test func concurrentConnectionsAreSeats() throws {
        var limits = Self.limits {
            $0.concurrentConnections = 2
            $0.globalConnections = 3
        }
        let first = try limits.connect(from: block, at: noon).get()
        _ = try limits.connect(from: block, at: noon).get()
        #expect(Self.reason(limits.connect(from: block, at: noon)) == .blockConnections)
        let other = AddressBlock(ipv4: 10, 0, 0)
        _ = try limits.connect(from: other, at: noon).get()
        #expect(limits.isUnderLoad)
        #expect(Self.reason(limits.connect(from: other, at: noon)) == .globalConnections)
        limits.disconnect(first, at: noon)
        #expect(!limits.isUnderLoad)
        #expect(Self.reason(limits.connect(from: block, at: noon)) == nil)
    }

    @Test func framesPerSecondAreABucket() throws {
        var limits = Self.limits {
            $0.framesPerSecond = 10
            $0.frameBurst = 20
        }
        let seat = try limits.connect(from: block, at: noon).get()
        #expect(Self.taken(100, from: &limits, seat, at: noon) == 20)
        #expect(Self.taken(100, from: &limits, seat, at: noon + .seconds(1)) == 10)
        #expect(Self.taken(100, from: &limits, seat, at: noon) == 0, "a clock set back gives nothing")
    }

    @Test func penaltiesSlowABlockAndDecay() throws {
        var limits = Self.limits {
            $0.framesPerSecond = 64
            $0.frameBurst = 64
            $0.penaltyHalfLife = .seconds(60)
        }
        let seat = try limits.connect(from: block, at: noon).get()
        for _ in 0..<3 { limits.punish(seat, at: noon) }
        #expect(Self.taken(100, from: &limits, seat, at: noon) == 8)
        let soon = Self.taken(100, from: &limits, seat, at: noon + .seconds(1))
        #expect(7...9 ~= soon, "\(soon)")
        let late = noon + .minutes(30)
        _ = limits.takeFrame(seat, at: late)
        #expect(Self.taken(100, from: &limits, seat, at: late + .seconds(60)) == 64)
    }

    @Test func memoryIsBounded() throws {
        var limits = Self.limits { $0.trackedBlocks = 100 }
        var seats: [PeerLimits.Seat] = []
        for index in 0..<1000 {
            let other = AddressBlock(ipv4: 10, UInt8(index / 256), UInt8(index % 256))
            if case .success(let seat) = limits.connect(from: other, at: noon) { seats.append(seat) }
        }
        #expect(limits.rememberedBlocks <= 101)
        #expect(seats.count == 164, "a hundred of their own and 64 in the shared place")
        for seat in seats { limits.disconnect(seat, at: noon) }
        #expect(limits.connections == 0)
        let later = noon + .minutes(10)
        _ = limits.connect(from: AddressBlock(ipv4: 99, 0, 0), at: later)
        #expect(limits.rememberedBlocks == 1, "blocks that no longer matter are forgotten")
    }

    @Test func randomUseBalances() {
        var rng = SeededRandom(name: "PeerLimits.randomUseBalances")
        var limits = Self.limits {
            $0.trackedBlocks = 20
            $0.globalConnections = 50
            $0.concurrentConnections = 5
        }
        var seats: [PeerLimits.Seat] = []
        var now = noon
        for _ in 0..<20_000 {
            now = now + .milliseconds(Int64.random(in: -50...2000, using: &rng))
            switch Int.random(in: 0..<4, using: &rng) {
            case 0:
                let other = AddressBlock(ipv4: 0, 0, UInt8.random(in: 0...60, using: &rng))
                if case .success(let seat) = limits.connect(from: other, at: now) { seats.append(seat) }
            case 1 where !seats.isEmpty:
                limits.disconnect(seats.remove(at: Int.random(in: 0..<seats.count, using: &rng)), at: now)
            case 2 where !seats.isEmpty:
                _ = limits.takeFrame(seats[0], at: now)
            case 3 where !seats.isEmpty && Int.random(in: 0..<10, using: &rng) == 0:
                limits.punish(seats[0], at: now)
            default: break
            }
            if limits.connections != seats.count || seats.count > 50 || limits.rememberedBlocks > 21 {
                Issue.record("\(limits.connections) \(seats.count) \(limits.rememberedBlocks)")
                return
            }
        }
    }
}
