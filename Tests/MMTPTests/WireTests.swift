// What is seen between dialer and listener, and what cuts there do.

import Glibc
import MixCrypto
import NIOCore
import TestSupport
import Testing
import WireFormat

@testable import MMTP

@Suite struct WireTests {
    /// Packets, padding and their answers cannot be told apart: one record size in each direction.
    @Test func recordsHaveOneSizeInEachDirection() async throws {
        var rng = SeededRandom(name: "recordsHaveOneSizeInEachDirection")
        let link = try await Link.start(PromptReceiver { $0.bytes[0] < 128 ? .received : .rejected(.full) })
        let proxy = try await Proxy(to: link.port)
        let connection = try await makeDialer().connect(to: link.nodeID, at: [proxy.address])
        #expect(await proxy.records.wait { $0.toListener.count >= 3 })
        for round in 0..<20 {
            let count = Int.random(in: 1...30, using: &rng)
            _ = await connection.send(randomBodies(count, using: &rng))
            connection.sendPadding(Int.random(in: 0...5, using: &rng))
            if round % 7 == 0 { #expect(await connection.send(randomBodies(1, using: &rng)).count == 1) }
        }
        connection.finish()
        #expect(await connection.waitUntilEnded() == .closed)
        await link.stop()
        let records = proxy.records.value
        // A record of the middlebox compatibility kind has 6 bytes, a closing alert 24; the rest is handshake.
        let frames = records.toListener.drop { $0 != Self.frameRecord }
        let answers = records.toDialer.drop { $0 != Self.answerRecord }
        let total = link.events[.packet] + link.events[.padding]
        #expect(frames.filter { $0 == Self.frameRecord }.count == total * 3)
        #expect(Set(frames).subtracting([Self.frameRecord, Self.alertRecord]) == [])
        #expect(answers.filter { $0 == Self.answerRecord }.count == total)
        #expect(Set(answers).subtracting([Self.answerRecord, Self.alertRecord]) == [])
        try await proxy.stop()
    }

    static let frameRecord = 10_924 + 22
    static let answerRecord = 40 + 22
    static let alertRecord = 2 + 22

    /// Wherever the wire is cut, every frame is acknowledged or given back, nothing is acknowledged that was not
    /// received, and the listener serves the next.
    @Test(arguments: [true, false]) func cutsLoseNothing(towardsListener: Bool) async throws {
        var rng = SeededRandom(name: "cutsLoseNothing")
        let receiver = PromptReceiver()
        let link = try await Link.start(receiver)
        let whole = towardsListener ? 3 * 3 * Self.frameRecord + 2000 : 8 * Self.answerRecord + 4000
        for _ in 0..<40 {
            let offset = Int.random(in: 1...whole, using: &rng)
            let cut = towardsListener ? Proxy.Cut(toListener: offset) : Proxy.Cut(toDialer: offset)
            let proxy = try await Proxy(to: link.port, cut: cut)
            let bodies = randomBodies(3, using: &rng)
            do {
                let connection = try await makeDialer().connect(to: link.nodeID, at: [proxy.address])
                let outcomes = await connection.send(bodies)
                connection.close()
                // Frames of the round before may still come.
                let own = Set(bodies.map { Digest.sha256($0) })
                let received = receiver.digests.value.filter(own.contains)
                let acknowledged = zip(bodies, outcomes).filter { $0.1 == .received }.map { Digest.sha256($0.0) }
                #expect(outcomes.count == 3)
                #expect(
                    outcomes.allSatisfy { $0 == .received || $0 == .notAcknowledged(.closed) },
                    "\(outcomes) at \(offset)")
                #expect(received.starts(with: acknowledged), "at \(offset)")
            } catch {
                #expect(error as? DialFailure == .handshakeFailed, "\(error) at \(offset)")
            }
            try await proxy.stop()
        }
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        #expect(await connection.send(randomBodies(1, using: &rng)) == [.received])
        await link.stop()
    }

    /// Of a thousand peers that do nothing, a hundred have done their handshake.
    @Test(.enabled(if: FileLimit.raise(to: 4000), "needs 4,000 file descriptors"))
    func aThousandIdleConnectionsHinderNobody() async throws {
        var rng = SeededRandom(name: "aThousandIdleConnectionsHinderNobody")
        let link = try await Link.start(
            PromptReceiver(), configuration: Link.testLimits { $0.handshakeTimeout = .minutes(2) })
        let dialer = try makeDialer()
        var idle: [MMTPConnection] = []
        for _ in 0..<100 { idle.append(try await dialer.connect(to: link.nodeID, at: link.listener.addresses)) }
        for _ in 0..<900 { _ = try await RawDialer.connect(port: link.port, tls: nil) }
        #expect(await link.events.wait(for: .accepted, count: 1000))
        let good = try await dialer.connect(to: link.nodeID, at: link.listener.addresses)
        #expect(await good.send(randomBodies(200, using: &rng)) == Array(repeating: .received, count: 200))
        link.listener.beginShutdown()
        for connection in idle { #expect(await connection.waitUntilEnded() == .closed) }
        await link.stop()
        #expect(link.events[.closed] == 1001)
    }
}

enum FileLimit {
    /// Whether so many files may be open, after asking for it.
    static func raise(to wanted: UInt) -> Bool {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return false }
        if limit.rlim_cur >= wanted { return true }
        limit.rlim_cur = min(wanted, limit.rlim_max)
        return limit.rlim_cur >= wanted && setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    }
}
