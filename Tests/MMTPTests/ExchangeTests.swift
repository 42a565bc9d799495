// Good exchanges over real sockets.

import MixCrypto
import NIOCore
import TestSupport
import Testing
import WireFormat

@testable import MMTP

@Suite struct ExchangeTests {
    @Test(arguments: ["127.0.0.1", "::1"]) func packetsAreReceivedAndAnswered(host: String) async throws {
        var rng = SeededRandom(name: "packetsAreReceivedAndAnswered")
        let receiver = PromptReceiver()
        let link = try await Link.start(receiver, at: [LinkAddress(host: host, port: 0)])
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        let bodies = randomBodies(150, using: &rng)
        #expect(await connection.send(bodies) == Array(repeating: .received, count: 150))
        #expect(receiver.digests.value == bodies.map { Digest.sha256($0) })
        #expect(link.events[.packet] == 150 && link.events[.received] == 150)
        #expect(link.listener.framesInFlight == 0)
        connection.finish()
        #expect(await connection.waitUntilEnded() == .closed)
        await link.stop()
        #expect(link.events[.closed] == link.events[.accepted])
    }

    @Test func bothFamiliesShareAPort() async throws {
        let v6 = try await Link.start(PromptReceiver(), at: [LinkAddress(host: "::", port: 0)])
        let port = v6.port
        let link = try await Link.start(
            PromptReceiver(), at: [LinkAddress(host: "0.0.0.0", port: port)])
        _ = try await makeDialer().connect(to: v6.nodeID, at: [LinkAddress(host: "::1", port: port)])
        _ = try await makeDialer().connect(to: link.nodeID, at: [LinkAddress(host: "127.0.0.1", port: port)])
        await v6.stop()
        await link.stop()
    }

    @Test func addressesAreTriedInTurn() async throws {
        let link = try await Link.start(PromptReceiver())
        let unused = try await Link.start(PromptReceiver())
        let refused = unused.listener.addresses[0]
        await unused.stop()
        let connection = try await makeDialer().connect(
            to: link.nodeID,
            at: [
                refused, LinkAddress(host: "no-such-host.invalid", port: 1),
                LinkAddress(host: "localhost", port: link.port),
            ])
        #expect(await connection.send([[UInt8](repeating: 1, count: LinkFrame.bodySize)]) == [.received])
        await link.stop()
    }

    @Test func everyReasonIsCarried() async throws {
        var rng = SeededRandom(name: "everyReasonIsCarried")
        let bodies = randomBodies(RejectReason.allCases.count, using: &rng)
        let reasons = Dictionary(uniqueKeysWithValues: zip(bodies.map { Digest.sha256($0) }, RejectReason.allCases))
        let link = try await Link.start(PromptReceiver { reasons[$0].map { .rejected($0) } ?? .received })
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        #expect(await connection.send(bodies) == RejectReason.allCases.map { .rejected($0) })
        #expect(await connection.send([rng.bytes(LinkFrame.bodySize)]) == [.received])
        await link.stop()
    }

    @Test func answersOutOfOrderArriveInOrder() async throws {
        var rng = SeededRandom(name: "answersOutOfOrderArriveInOrder")
        let receiver = HoldingReceiver()
        let link = try await Link.start(receiver)
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        let order = Watched<[Int]>([])
        connection.send(randomBodies(40, using: &rng)) { index, outcome in
            order.change { $0.append(outcome == .received ? index : -1) }
        }
        #expect(await receiver.held.wait { $0.count == 40 })
        for packet in receiver.takeAll().shuffled(using: &rng) { packet.answer(.received) }
        #expect(await order.wait { $0 == Array(0..<40) })
        await link.stop()
    }

    @Test func theWindowIsNeverExceeded() async throws {
        var rng = SeededRandom(name: "theWindowIsNeverExceeded")
        let receiver = HoldingReceiver()
        let link = try await Link.start(receiver)
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        let done = Watched(0)
        connection.send(randomBodies(200, using: &rng)) { _, outcome in
            if outcome == .received { done.change { $0 += 1 } }
        }
        var answered = 0
        while answered < 200 {
            let expected = min(64, 200 - answered)
            #expect(await receiver.held.wait { $0.count >= expected })
            let packets = receiver.takeAll()
            #expect(packets.count == expected && link.listener.framesInFlight <= 64)
            for packet in packets { packet.answer(.received) }
            answered += packets.count
        }
        #expect(await done.wait { $0 == 200 })
        #expect(link.events[.violation(.windowExceeded)] == 0)
        await link.stop()
    }

    @Test func paddingIsDroppedAndCounted() async throws {
        var rng = SeededRandom(name: "paddingIsDroppedAndCounted")
        let receiver = PromptReceiver()
        let link = try await Link.start(receiver)
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        #expect(await connection.send(randomBodies(3, using: &rng)) == [.received, .received, .received])
        connection.fill(PaddingPolicy(multiple: 8))
        #expect(await link.events.wait(for: .padding, count: 5))
        connection.fill(PaddingPolicy(multiple: 8))
        connection.finish()
        #expect(await connection.waitUntilEnded() == .closed)
        #expect(link.events[.padding] == 5 && receiver.digests.value.count == 3)
        await link.stop()
    }

    @Test func aConnectionCarriesOnlySoManyPackets() async throws {
        var rng = SeededRandom(name: "aConnectionCarriesOnlySoManyPackets")
        let link = try await Link.start(PromptReceiver())
        let connection = try await makeDialer { $0.packetsPerConnection = 5 }.connect(
            to: link.nodeID, at: link.listener.addresses)
        #expect(!connection.isExhausted)
        let outcomes = await connection.send(randomBodies(7, using: &rng))
        #expect(
            outcomes == Array(repeating: .received, count: 5) + Array(repeating: .notAcknowledged(.exhausted), count: 2)
        )
        #expect(connection.isExhausted)
        connection.fill(PaddingPolicy(multiple: 4))
        #expect(await link.events.wait(for: .padding, count: 3))
        await link.stop()
    }

    @Test func theQueueIsBounded() async throws {
        var rng = SeededRandom(name: "theQueueIsBounded")
        let link = try await Link.start(PromptReceiver())
        let connection = try await makeDialer { $0.queueLimit = 3 }.connect(
            to: link.nodeID, at: link.listener.addresses)
        let outcomes = await connection.send(randomBodies(5, using: &rng))
        #expect(
            outcomes == Array(repeating: .received, count: 3) + Array(repeating: .notAcknowledged(.queueFull), count: 2)
        )
        #expect(connection.queued == 0)
        await link.stop()
    }

    @Test func shutdownFinishesWhatIsInFlight() async throws {
        var rng = SeededRandom(name: "shutdownFinishesWhatIsInFlight")
        let receiver = HoldingReceiver()
        let link = try await Link.start(receiver)
        let dialer = try makeDialer()
        let connection = try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        let idle = try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        let outcomes = Watched<[FrameOutcome]>([])
        connection.send(randomBodies(2, using: &rng)) { _, outcome in outcomes.change { $0.append(outcome) } }
        #expect(await receiver.held.wait { $0.count == 2 })
        link.listener.beginShutdown()
        #expect(await idle.waitUntilEnded() == .closed)
        connection.send(randomBodies(1, using: &rng)) { _, outcome in outcomes.change { $0.append(outcome) } }
        #expect(await link.events.wait(for: .rejected(.shuttingDown)))
        for packet in receiver.takeAll() { packet.answer(.received) }
        #expect(await outcomes.wait { $0 == [.received, .received, .rejected(.shuttingDown)] })
        #expect(await connection.waitUntilEnded() == .closed)
        // Which failure it is depends on who has the port by now: the tests beside this one take ports too.
        await #expect(throws: DialFailure.self) {
            try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        }
        await link.stop()
    }

    @Test func aDroppedPacketCostsItsConnection() async throws {
        let receiver = HoldingReceiver()
        let link = try await Link.start(receiver)
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        async let outcomes = connection.send([[UInt8](repeating: 1, count: LinkFrame.bodySize)])
        #expect(await receiver.held.wait { $0.count == 1 })
        _ = receiver.takeAll()
        #expect(await outcomes == [.notAcknowledged(.closed)])
        #expect(link.events[.abandoned] == 1 && link.listener.framesInFlight == 0)
        await link.stop()
    }

    @Test func aNodesOwnPacketsAreAnsweredOnce() {
        let answers = Watched<[Answer]>([])
        let packet = InboundPacket(local: [1, 2, 3]) { answer in answers.change { $0.append(answer) } }
        packet.answer(.received)
        packet.answer(.rejected(.full))
        _ = InboundPacket(local: [1]) { answer in answers.change { $0.append(answer) } }
        #expect(answers.value == [.received, .rejected(.busy)])
    }

    @Test func theDigestIsOfThePacketAsItArrived() {
        var packet = InboundPacket(local: [1, 2, 3]) { _ in }
        var body = packet.takeBody()
        body[0] = 9
        #expect(packet.digest == .sha256([1, 2, 3]))
    }

    @Test func framesInFlightAreBounded() async throws {
        var rng = SeededRandom(name: "framesInFlightAreBounded")
        let receiver = HoldingReceiver()
        let link = try await Link.start(receiver, configuration: Link.testLimits { $0.framesInFlight = 3 })
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        async let outcomes = connection.send(randomBodies(10, using: &rng))
        #expect(await link.events.wait(for: .rejected(.busy), count: 7))
        for packet in receiver.takeAll() { packet.answer(.received) }
        #expect(await outcomes == Array(repeating: .received, count: 3) + Array(repeating: .rejected(.busy), count: 7))
        await link.stop()
    }
}
