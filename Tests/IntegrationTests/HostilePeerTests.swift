// A node among peers that mean harm: whatever they do, it serves the others.

import Foundation
import Glibc
import LabProgram
import MMTP
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Hostile peers")
    struct HostilePeerTests {
        /// A lab of two whose first node gives slow peers a second, and a mail through it as proof that it serves.
        private final class Target {
            let lab: RunningLab
            let sender: Correspondent
            let port: Int
            private var random: SeededRandom
            private var sent = 0

            init(_ name: String) throws {
                random = SeededRandom(name: name)
                var plan = LabPlan()
                plan.nodes = 2
                plan.exits = 1
                plan.timeScale = 300
                plan.loopsPerMinute = 0
                lab = try RunningLab(plan)
                sender = try Correspondent(lab)
                port = lab.nodes[0].port
            }

            /// A new connection and a mail on it, which must arrive.
            func serves(_ context: Comment) async throws {
                sent += 1
                let shipments = try sender.shipments(
                    Array("hello\r\n".utf8), subject: "number \(sent)", to: "mbox:postmaster@bravo", exit: "bravo", path: ["alpha", "bravo"],
                    delay: .seconds(5), using: &random)
                let begin = Date()
                #expect(try await sender.send(shipments, seconds: 60) == 0, context)
                try await eventually("mail \(sent) arrives: \(context)", seconds: 60) { lab.mails("bravo").count == sent }
                // Sooner than a node gives up on a handshake, 10 s: nobody waits for those who do not go on.
                #expect(Date().timeIntervalSince(begin) < 9, context)
                #expect(lab.isRunning("alpha"), context)
            }

            func bytes(_ count: Int) -> [UInt8] { random.bytes(count) }
            func random(below limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
        }

        @Test("garbage, half handshakes and other protocols are refused", .timeLimit(.minutes(1)))
        func garbage() async throws {
            let target = try Target("garbage")
            try await target.serves("before")
            for bytes in [target.bytes(100_000), Array("GET / HTTP/1.1\r\n\r\n".utf8), Array("EHLO you\r\n".utf8), [0x16, 3, 1, 0x40, 0], []] {
                let peer = try LoopbackSocket(port: target.port)
                peer.send(bytes)
                try await target.serves("beside \(bytes.count) bytes of no TLS")
            }
            // OpenSSL 3.0 has no X25519MLKEM768: its handshake must end without a session.
            for arguments in [["-alpn", "mmtp/1"], ["-alpn", "h2"], ["-tls1_2", "-alpn", "mmtp/1"], ["-tls1_3"]] {
                let result = try await Program.run(
                    "/usr/bin/timeout", ["5", "/usr/bin/openssl", "s_client", "-connect", "127.0.0.1:\(target.port)"] + arguments, seconds: 20)
                #expect(result.code != 0, "openssl s_client \(arguments)")
                #expect(!result.output.contains("BEGIN CERTIFICATE"), "openssl s_client \(arguments)")
            }
            try await target.serves("after openssl")
            target.lab.stop()
        }

        @Test("another protocol name, half frames, slow frames and forged frames hurt only their sender", .timeLimit(.minutes(1)))
        func badFrames() async throws {
            let target = try Target("badFrames")
            // Right in everything but the name of the protocol: closed without an answer.
            let stranger = try await TLSPeer(port: target.port, protocols: ["h2"])
            #expect(await stranger.ended(), "another protocol is closed")
            try await target.serves("beside another protocol")

            // Half a frame and then nothing; a byte now and then.
            let half = try await TLSPeer(port: target.port)
            await half.send([1, 0, 0, 0] + target.bytes(20_000))
            let slow = try await TLSPeer(port: target.port)
            for byte: UInt8 in [1, 0, 0, 0, 7] {
                await slow.send([byte])
                try await target.serves("beside half a frame and a slow one")
            }
            #expect(half.received.isEmpty && slow.received.isEmpty)

            // A whole frame that is no packet is answered so; one of an unknown type ends the connection.
            let forger = try await TLSPeer(port: target.port)
            await forger.send([1, 0, 0, 0] + target.bytes(32_768))
            try await eventually("an answer") { forger.received.count >= 40 }
            #expect(forger.received.first == 2, "REJECTED")
            await forger.send([0x77, 0, 0, 0] + target.bytes(32_768))
            #expect(await forger.ended(), "an unknown type ends the connection")
            for _ in 0..<5 {
                let flipped = try await TLSPeer(port: target.port)
                var frame: [UInt8] = [1, 0, 0, 0] + target.bytes(32_768)
                frame[target.random(below: 4)] ^= 1 << UInt8(target.random(below: 8))
                await flipped.send(frame)
                try await target.serves("beside a header with a flipped bit")
            }
            let alpha = try target.lab.metrics("alpha")
            #expect(alpha["packets_missing"] == 0)
            target.lab.stop()
        }

        @Test("1 000 idle connections do not keep others out", .timeLimit(.minutes(1)))
        func idleConnections() async throws {
            let target = try Target("idleConnections")
            var idle: [LoopbackSocket] = []
            for _ in 0..<1000 { idle.append(try LoopbackSocket(port: target.port)) }
            try await target.serves("beside 1 000 idle connections")
            #expect(try target.lab.metrics("alpha")["link_connections"] >= 900)
            try await target.serves("again")
            idle = []
            try await target.serves("after them")
            target.lab.stop()
        }

        @Test("a node that proves to be another is not given anything", .timeLimit(.minutes(1)))
        func wrongIdentity() async throws {
            let target = try Target("wrongIdentity")
            let bravo = try target.sender.id("bravo")
            await #expect(throws: DialFailure.wrongIdentity) { _ = try await target.sender.connect(to: bravo, port: target.port) }
            try await target.serves("after a dialer that wanted another")
            target.lab.stop()
        }
    }
}
