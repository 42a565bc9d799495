import MMTP
import NIOCore
import Synchronization
import Testing
import WireFormat

@testable import DirectoryService

@Suite struct ServerDoorTests {
    private let nothing: @Sendable () -> Void = {}

    private func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 1) }

    @Test func placesAreBlocksAndThisMachine() throws {
        for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            #expect(PeerPlace(try address(text)) == .loopback, "\(text)")
        }
        #expect(PeerPlace(try address("192.0.2.7")) == .block(AddressBlock(ipv4: 192, 0, 2)))
        #expect(PeerPlace(try address("::ffff:192.0.2.7")) == .block(AddressBlock(ipv4: 192, 0, 2)))
        #expect(PeerPlace(try address("2001:db8:1::1")) == PeerPlace(try address("2001:db8:1:ffff::2")))
        #expect(PeerPlace(try address("2001:db8:1::1")) != PeerPlace(try address("2001:db8:2::1")))
        #expect(PeerPlace(nil) == PeerPlace(nil))
    }

    @Test func oneNetworkCannotTakeAllPlaces() throws {
        let door = ServerDoor(DirectoryServerLimits(), now: { Timestamp(seconds: 1000) })
        let greedy = try address("192.0.2.7")
        let seats = (0..<100).compactMap { _ in door.enter(from: greedy) }
        #expect(seats.count == 32)
        #expect(door.enter(from: try address("192.0.2.8")) == nil)
        #expect(door.enter(from: try address("198.51.100.1")) != nil)
        #expect(door.enter(from: try address("127.0.0.1")) != nil)
        for seat in seats { door.leave(seat) }
        #expect(door.connections == 2)
        #expect(door.enter(from: greedy) != nil)
    }

    @Test func requestsOfANetworkAreBoundedAndComeBack() throws {
        let time = Mutex(Timestamp(seconds: 1000))
        let now: @Sendable () -> Timestamp = { time.withLock { $0 } }
        let door = ServerDoor(DirectoryServerLimits(), now: now)
        let seat = try #require(door.enter(from: try address("192.0.2.7")))
        var taken = 0
        while taken < 5000, door.takeRequest(seat) { taken += 1 }
        #expect(taken == 1000)
        time.withLock { $0 = $0 + .seconds(1) }
        taken = 0
        while taken < 5000, door.takeRequest(seat) { taken += 1 }
        #expect(taken == 20)
        let local = try #require(door.enter(from: try address("::1")))
        #expect((0..<5000).allSatisfy { _ in door.takeRequest(local) })
    }

    @Test func largeAnswersCostMore() throws {
        let door = ServerDoor(DirectoryServerLimits(), now: { Timestamp(seconds: 1000) })
        let seat = try #require(door.enter(from: try address("192.0.2.7")))
        for _ in 0..<5 {
            #expect(door.takeRequest(seat))
            door.charge(seat, bytes: 48 << 20)
        }
        var left = 0
        while left < 5000, door.takeRequest(seat) { left += 1 }
        #expect(left == 1000 - 5 * (192 + 1))
        door.charge(seat, bytes: .max)
    }

    @Test func aNetworkMayPostAndHoldOnlySoMuch() throws {
        let door = ServerDoor(DirectoryServerLimits(), now: { Timestamp(seconds: 1000) })
        let seats = try (0..<20).map { _ in try #require(door.enter(from: try address("192.0.2.7"))) }
        let holds = seats.compactMap { door.hold(.slotDocuments, $0, cut: nothing) }
        #expect(holds.count == 16)
        #expect(door.hold(.descriptors, seats[0], cut: nothing) == nil)
        // To fetch is another matter, and so are other networks and this machine.
        #expect(door.hold(.answers, seats[0], cut: nothing) != nil)
        let other = try #require(door.enter(from: try address("198.51.100.1")))
        #expect(door.hold(.slotDocuments, other, cut: nothing) != nil)
        let locals = try (0..<20).map { _ in try #require(door.enter(from: try address("127.0.0.1"))) }
        #expect(locals.compactMap { door.hold(.slotDocuments, $0, cut: nothing) }.count == 20)
        // What all connections of the network hold counts together.
        var taken = 0
        for hold in holds where door.add(4 << 20, to: hold) { taken += 1 }
        #expect(taken == 8)
        for hold in holds { door.release(hold) }
        #expect(door.bytes(.slotDocuments) == 0)
        #expect(door.hold(.slotDocuments, seats[0], cut: nothing) != nil)
    }

    @Test func manyNetworksTogetherDoNotKeepOneOut() throws {
        let door = ServerDoor(DirectoryServerLimits(), now: { Timestamp(seconds: 1000) })
        let cut = Mutex(0)
        for block in 0..<16 {
            let seat = try #require(door.enter(from: try address("192.0.\(block).1")))
            let count: @Sendable () -> Void = { cut.withLock { $0 += 1 } }
            let hold = try #require(door.hold(.slotDocuments, seat, cut: count))
            #expect(door.add(4 << 20, to: hold))
        }
        let seat = try #require(door.enter(from: try address("198.51.100.1")))
        let hold = try #require(door.hold(.slotDocuments, seat, cut: nothing))
        for _ in 0..<32 { #expect(door.add(64 << 10, to: hold)) }
        #expect(cut.withLock { $0 } == 1)
        door.release(hold)
        door.release(hold)
        #expect(door.bytes(.slotDocuments) == 60 << 20)
    }
}
