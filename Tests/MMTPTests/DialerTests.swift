// What a dialer makes of listeners that are wrong, silent or somebody else.

import MixCrypto
import NIOCore
import NIOSSL
import TestSupport
import Testing
import WireFormat

@testable import MMTP

@Suite struct DialerTests {
    static let body = [UInt8](repeating: 7, count: LinkFrame.bodySize)

    @Test func anotherIdentityIsRefused() async throws {
        let link = try await Link.start(PromptReceiver())
        let other = try SigningKey.generate().verificationKey.nodeID
        await #expect(throws: DialFailure.wrongIdentity) {
            try await makeDialer().connect(to: other, at: link.listener.addresses)
        }
        #expect(await link.events.wait(for: .closed))
        #expect(link.events[.opened] == 0 || link.events[.packet] == 0)
        await link.stop()
    }

    @Test(arguments: [-3, 3] as [Int64]) func certificateDatesAreNamed(days: Int64) async throws {
        let link = try await Link.start(PromptReceiver())
        let now = noon + .days(days)
        let failure = DialFailure.certificateDates(from: noon - .days(2), until: noon + .days(2), now: now)
        await #expect(throws: failure) {
            try await makeDialer(now: now).connect(to: link.nodeID, at: link.listener.addresses)
        }
        let text = "\(failure)"
        #expect(text.contains("2026-11-19T12:00:00Z") && text.contains("2026-11-23T12:00:00Z"))
        #expect(text.contains("\(now)"))
        await link.stop()
    }

    @Test func aClockTwoDaysWrongStillConnects() async throws {
        let link = try await Link.start(PromptReceiver())
        for days in [-2, 2] as [Int64] {
            let connection = try await makeDialer(now: noon + .days(days)).connect(
                to: link.nodeID, at: link.listener.addresses)
            #expect(await connection.send([Self.body]) == [.received])
        }
        await link.stop()
    }

    @Test func aRenewedCertificateServesNewConnections() async throws {
        let clock = Watched(noon)
        let link = try await Link.start(PromptReceiver(), clock: clock)
        let old = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        #expect(
            !link.identity.isRenewalDue(now: noon + .hours(23)) && link.identity.isRenewalDue(now: noon + .hours(24)))
        // Forward, and back, as when a clock is set right.
        for later in [noon + .days(4), noon] {
            clock.change { $0 = later }
            let new = try await makeDialer(now: later).connect(to: link.nodeID, at: link.listener.addresses)
            #expect(await new.send([Self.body]) == [.received])
        }
        #expect(await old.send([Self.body]) == [.received], "the old connection goes on")
        await link.stop()
    }

    @Test func aLeafOfAnotherKeyIsRefused() throws {
        let ours = try SigningKey.generate()
        let theirs = try SigningKey.generate()
        let good = try LinkCertificate(signedBy: ours, now: noon)
        let bad = try LinkCertificate(signedBy: theirs, now: noon)
        let id = ours.verificationKey.nodeID
        func failure(_ chain: [[UInt8]]) -> CertificateFailure? {
            do throws(CertificateFailure) { try LinkCertificate.verify(chain, wanted: id, now: noon) } catch {
                return error
            }
            return nil
        }
        #expect(failure([good.leaf, good.identity]) == nil)
        #expect(failure([bad.leaf, good.identity]) == .malformed)
        #expect(failure([bad.leaf, bad.identity]) == .wrongIdentity)
        #expect(failure([good.leaf]) == .malformed)
        #expect(failure([good.leaf, good.identity, good.identity]) == .malformed)
        #expect(failure([good.identity, good.identity]) == .malformed, "the identity key is no leaf")
        #expect(failure([good.leaf, good.leaf]) == .malformed)
        #expect(failure([]) == .malformed)
        #expect(failure([[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], good.identity]) == .malformed)
    }

    /// No flipped bit in either certificate is accepted, and none traps.
    @Test func damagedCertificatesAreRefused() throws {
        var rng = SeededRandom(name: "damagedCertificatesAreRefused")
        let key = try SigningKey.generate()
        let good = try LinkCertificate(signedBy: key, now: noon)
        for _ in 0..<300 {
            var chain = [good.leaf, good.identity]
            let which = Int.random(in: 0...1, using: &rng)
            let place = Int.random(in: 0..<chain[which].count, using: &rng)
            chain[which][place] ^= 1 << UInt8.random(in: 0..<8, using: &rng)
            #expect(throws: CertificateFailure.self) {
                try LinkCertificate.verify(chain, wanted: key.verificationKey.nodeID, now: noon)
            }
        }
    }

    @Test func unreachableAddressesAreToldApart() async throws {
        let port = try RefusingPort()
        let node = try SigningKey.generate().verificationKey.nodeID
        let dialer = try makeDialer { $0.connectTimeout = .seconds(5) }
        await #expect(throws: DialFailure.refused) { try await dialer.connect(to: node, at: [port.address]) }
        await #expect(throws: DialFailure.noAddress) { try await dialer.connect(to: node, at: []) }
    }

    @Test func aListenerWithoutTheProtocolIsRefused() async throws {
        let listener = try await ScriptedListener(protocols: ["http/1.1"]) { _, _ in nil }
        await #expect(throws: DialFailure.wrongProtocol) {
            try await makeDialer().connect(to: listener.nodeID, at: [listener.address])
        }
        try await listener.stop()
    }

    @Test func aListenerWithClassicKeyExchangeIsRefused() async throws {
        let listener = try await ScriptedListener(curves: [.x25519]) { _, _ in nil }
        await #expect(throws: DialFailure.handshakeFailed) {
            try await makeDialer().connect(to: listener.nodeID, at: [listener.address])
        }
        try await listener.stop()
    }

    @Test func aListenerWithoutTLSIsRefused() async throws {
        let server = try await startPlainServer { context in
            context.writeAndFlush(NIOAny(ByteBuffer(string: "220 mail.example ESMTP\r\n")), promise: nil)
        }
        await #expect(throws: DialFailure.handshakeFailed) {
            try await makeDialer().connect(to: NodeID(), at: [server.address])
        }
        try await server.channel.close().get()
    }

    @Test func aListenerThatIsSilentBeforeTLSTimesOut() async throws {
        let server = try await startPlainServer { _ in }
        await #expect(throws: DialFailure.handshakeTimeout) {
            try await makeDialer { $0.handshakeTimeout = .milliseconds(100) }.connect(
                to: NodeID(), at: [server.address])
        }
        try await server.channel.close().get()
    }

    @Test func wrongAnswersGiveFramesBack() async throws {
        let wrong: [(AnswerViolation, @Sendable (UInt32, [UInt8]) -> [UInt8]?)] = [
            (.wrongDigest, { number, _ in AnswerFrame(.received, number: number, digest: .sha256("other")).bytes }),
            (.wrongNumber, { number, body in AnswerFrame(.received, number: number + 1, digest: .sha256(body)).bytes }),
            (.malformed, { _, _ in [UInt8](repeating: 9, count: AnswerFrame.size) }),
            (
                .wrongNumber,
                { number, body in
                    // Nothing for the first, then the second before it.
                    number == 1 ? AnswerFrame(.received, number: 1, digest: .sha256(body)).bytes : nil
                }
            ),
        ]
        for (violation, reply) in wrong {
            let listener = try await ScriptedListener(reply: reply)
            let connection = try await makeDialer().connect(to: listener.nodeID, at: [listener.address])
            let outcomes = await connection.send([Self.body, Self.body, Self.body])
            #expect(outcomes == Array(repeating: .notAcknowledged(.violation(violation)), count: 3))
            #expect(await connection.waitUntilEnded() == .violation(violation))
            try await listener.stop()
        }
    }

    @Test func anAnswerTooManyIsAViolation() async throws {
        let listener = try await ScriptedListener { number, body in
            let answer = AnswerFrame(.received, number: number, digest: .sha256(body)).bytes
            return answer + answer
        }
        let connection = try await makeDialer().connect(to: listener.nodeID, at: [listener.address])
        #expect(await connection.send([Self.body]) == [.received])
        #expect(await connection.waitUntilEnded() == .violation(.unasked))
        try await listener.stop()
    }

    @Test func silenceGivesFramesBack() async throws {
        let listener = try await ScriptedListener { number, body in
            number == 0 ? AnswerFrame(.received, number: 0, digest: .sha256(body)).bytes : nil
        }
        let connection = try await makeDialer { $0.answerTimeout = .seconds(2) }
            .connect(to: listener.nodeID, at: [listener.address])
        let outcomes = await connection.send(Array(repeating: Self.body, count: 70))
        #expect(outcomes.first == .received)
        #expect(outcomes.dropFirst().allSatisfy { $0 == .notAcknowledged(.silence) })
        #expect(await connection.waitUntilEnded() == .silence)
        #expect(await connection.send([Self.body]) == [.notAcknowledged(.closed)])
        try await listener.stop()
    }

    @Test func closingGivesFramesBack() async throws {
        let receiver = HoldingReceiver()
        let link = try await Link.start(receiver)
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        async let outcomes = connection.send(Array(repeating: Self.body, count: 70))
        #expect(await receiver.held.wait { $0.count == 64 })
        connection.close()
        #expect(await outcomes == Array(repeating: .notAcknowledged(.closed), count: 70))
        for packet in receiver.takeAll() { packet.answer(.received) }
        #expect(link.listener.framesInFlight == 0)
        await link.stop()
    }
}
