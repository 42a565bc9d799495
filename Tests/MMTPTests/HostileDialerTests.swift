// What a listener makes of dialers that are wrong, slow, greedy or gone.

import Foundation
import MixCrypto
import NIOCore
import NIOSSL
import TestSupport
import Testing
import WireFormat

@testable import MMTP

@Suite struct HostileDialerTests {
    static let body = [UInt8](repeating: 5, count: LinkFrame.bodySize)

    /// Whether a good dialer is served.
    static func serves(_ link: Link) async throws -> Bool {
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        defer { connection.close() }
        return await connection.send([body]) == [.received]
    }

    @Test func aRawDialerOfTheRightKindIsServed() async throws {
        let link = try await Link.start(PromptReceiver())
        let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
        await raw.send(frame(1, Self.body))
        #expect(await raw.waitForBytes(AnswerFrame.size))
        #expect(raw.seen.value.bytes == AnswerFrame(.received, number: 0, digest: .sha256(Self.body)).bytes)
        await raw.close()
        await link.stop()
    }

    @Test(arguments: [[], ["h2"], ["mmtp/2"]] as [[String]]) func otherProtocolsAreRefused(protocols: [String])
        async throws
    {
        let link = try await Link.start(PromptReceiver())
        let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls(protocols: protocols))
        await raw.send(frame(1, Self.body))
        #expect(await raw.waitForEnd())
        #expect(link.events[.wrongProtocol] == 1 && link.events[.packet] == 0)
        #expect(try await Self.serves(link))
        await link.stop()
    }

    @Test(arguments: [
        RawDialer.tls(curves: [.x25519]), RawDialer.tls(curves: [.x25519, .secp256r1, .secp384r1]),
        RawDialer.tls(maximum: .tlsv12),
    ])
    func classicKeyExchangeIsRefused(tls: TLSConfiguration) async throws {
        let link = try await Link.start(PromptReceiver())
        let raw = try await RawDialer.connect(port: link.port, tls: tls)
        #expect(await raw.waitForEnd())
        #expect(await link.events.wait(for: .handshakeFailed))
        #expect(link.events[.opened] == 0)
        #expect(try await Self.serves(link))
        await link.stop()
    }

    /// OpenSSL before 3.5 has no post-quantum group.
    @Test func opensslWithoutPostQuantumGroupsIsRefused() async throws {
        let version = try Self.openssl(["version"])
        guard version.output.contains("OpenSSL 3.0") else { return }
        let link = try await Link.start(PromptReceiver())
        let result = try Self.openssl([
            "s_client", "-connect", "127.0.0.1:\(link.port)", "-alpn", "mmtp/1", "-tls1_3",
        ])
        #expect(result.status != 0)
        #expect(result.output.contains("alert") && result.output.contains("no peer certificate available"))
        // It counts after it has sent its alert.
        #expect(await link.events.wait(for: .handshakeFailed))
        #expect(link.events[.handshakeFailed] == 1 && link.events[.opened] == 0)
        await link.stop()
    }

    private static func openssl(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    @Test func garbageInsteadOfTLSIsRefused() async throws {
        var rng = SeededRandom(name: "garbageInsteadOfTLSIsRefused")
        let link = try await Link.start(PromptReceiver())
        for garbage in [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), rng.bytes(100), rng.bytes(40_000), [0x16, 3, 1, 0xFF, 0xFF, 1],
        ] {
            let raw = try await RawDialer.connect(port: link.port, tls: nil)
            await raw.send(garbage)
            await raw.close()
        }
        #expect(await link.events.wait(for: .handshakeFailed, count: 4))
        #expect(try await Self.serves(link))
        await link.stop()
    }

    @Test(arguments: [
        (frame(9, body), LinkViolation.unknownType), (frame(1, flags: 1, body), .reservedBitsSet),
        (frame(1, zero: 256, body), .reservedBitsSet),
    ])
    func malformedFramesEndTheConnection(bytes: [UInt8], violation: LinkViolation) async throws {
        let link = try await Link.start(PromptReceiver())
        let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
        await raw.send(frame(1, Self.body) + bytes)
        #expect(await raw.waitForEnd())
        #expect(link.events[.violation(violation)] == 1 && link.events[.packet] == 1)
        #expect(try await Self.serves(link))
        await link.stop()
    }

    @Test func malformedFramesSlowTheirBlock() async throws {
        let link = try await Link.start(
            PromptReceiver(),
            configuration: Link.testLimits {
                $0.limits.maximumPenalty = 10
                $0.limits.frameBurst = 64
                $0.limits.framesPerSecond = 64
            })
        for _ in 0..<5 {
            let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
            await raw.send([9, 0, 0, 0])
            #expect(await raw.waitForEnd())
        }
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        let outcomes = await connection.send(Array(repeating: Self.body, count: 10))
        #expect(outcomes == Array(repeating: .received, count: 2) + Array(repeating: .rejected(.rateLimited), count: 8))
        await link.stop()
    }

    @Test func connectionLimitsHold() async throws {
        let link = try await Link.start(
            PromptReceiver(), configuration: Link.testLimits { $0.limits.concurrentConnections = 2 })
        let dialer = try makeDialer()
        let first = try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        _ = try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        await #expect(throws: DialFailure.handshakeFailed) {
            try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        }
        #expect(link.events[.refusedByLimit(.blockConnections)] == 1)
        first.close()
        #expect(await link.events.wait(for: .closed))
        #expect(try await Self.serves(link))
        await link.stop()
    }

    @Test func aGreedyDialerIsCutOff() async throws {
        let receiver = HoldingReceiver()
        let link = try await Link.start(receiver)
        let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
        // More than the window in one go: either the excess arrives with the last frame that fits, which is a
        // violation, or it is not read at all.
        for _ in 0..<80 { raw.channel.write(ByteBuffer(bytes: frame(1, Self.body)), promise: nil) }
        raw.channel.flush()
        #expect(await receiver.held.wait { $0.count >= 64 })
        for packet in receiver.takeAll() { packet.answer(.received) }
        #expect(receiver.held.value.count <= 16)
        await raw.close()
        for packet in receiver.takeAll() { packet.answer(.received) }
        await link.stop()
    }

    @Test func halfFramesAreForgotten() async throws {
        let link = try await Link.start(PromptReceiver())
        for count in [1, 3, 4, 5, 10_924, 32_771] {
            let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
            await raw.send(Array(frame(1, Self.body).prefix(count)))
            await raw.close()
        }
        #expect(await link.events.wait(for: .closed, count: 6))
        #expect(link.events[.packet] == 0)
        #expect(try await Self.serves(link))
        await link.stop()
    }

    @Test func slowSendersDelayNobodyAndAreTimedOut() async throws {
        let link = try await Link.start(
            PromptReceiver(),
            configuration: Link.testLimits {
                $0.handshakeTimeout = .seconds(3)
                $0.frameTimeout = .milliseconds(1500)
            })
        var slow: [RawDialer] = []
        for index in 0..<20 {
            // Some never begin TLS, some stop in the middle of a frame.
            let raw = try await RawDialer.connect(port: link.port, tls: index % 2 == 0 ? nil : RawDialer.tls())
            await raw.send(index % 2 == 0 ? [0x16, 3, 1] : [1, 0, 0])
            slow.append(raw)
        }
        #expect(try await Self.serves(link))
        for raw in slow { #expect(await raw.waitForEnd()) }
        #expect(link.events[.handshakeTimeout] == 10 && link.events[.frameTimeout] == 10)
        await link.stop()
    }

    /// A byte now and then does not keep a frame alive.
    @Test func drippedFramesAreTimedOut() async throws {
        let link = try await Link.start(
            PromptReceiver(), configuration: Link.testLimits { $0.frameTimeout = .milliseconds(300) })
        let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
        await raw.send([1, 0, 0, 0])
        let drip = raw.channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(20)) { _ in
            raw.channel.writeAndFlush(ByteBuffer(bytes: [1]), promise: nil)
        }
        #expect(await raw.waitForEnd())
        drip.cancel()
        #expect(link.events[.frameTimeout] == 1)
        await link.stop()
    }

    @Test func idleConnectionsEnd() async throws {
        let link = try await Link.start(
            PromptReceiver(), configuration: Link.testLimits { $0.idleTimeout = .milliseconds(100) })
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        #expect(await connection.waitUntilEnded() == .closed)
        #expect(link.events[.idleTimeout] == 1)
        await link.stop()
    }

    @Test func idleConnectionsEndSoonerUnderLoad() async throws {
        let link = try await Link.start(
            PromptReceiver(),
            configuration: Link.testLimits {
                $0.limits.globalConnections = 4
                $0.loadedIdleTimeout = .milliseconds(100)
            })
        let dialer = try makeDialer()
        var connections: [MMTPConnection] = []
        for _ in 0..<2 { connections.append(try await dialer.connect(to: link.nodeID, at: link.listener.addresses)) }
        #expect(link.events[.idleTimeout] == 0)
        connections.append(try await dialer.connect(to: link.nodeID, at: link.listener.addresses))
        #expect(await link.events.wait(for: .idleTimeout))
        for connection in connections { connection.close() }
        await link.stop()
    }

    @Test func aWaitingConnectionIsNotIdle() async throws {
        let receiver = HoldingReceiver()
        let link = try await Link.start(
            receiver,
            configuration: Link.testLimits {
                $0.limits.globalConnections = 4
                $0.loadedIdleTimeout = .milliseconds(100)
            })
        let dialer = try makeDialer()
        let waiting = try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        async let outcomes = waiting.send([Self.body])
        #expect(await receiver.held.wait { $0.count == 1 })
        // Two more put the listener under load, until one of them goes.
        let idle = try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        let other = try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        #expect(await link.events.wait(for: .idleTimeout))
        for packet in receiver.takeAll() { packet.answer(.received) }
        #expect(await outcomes == [.received])
        for connection in [idle, other] { connection.close() }
        await link.stop()
    }
}
