import MMTP
import NIOCore
import Synchronization
import Testing
import WireFormat

@testable import DirectoryService

@Suite struct ServerDoorTests {
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
}
