// What a capture of the links shows, and what becomes of packets that were seen before or were altered.

import Directory
import Foundation
import LabProgram
import MMTP
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("On the wire")
    struct WireTests {
        /// On the wire: a third of a frame, and an answer, with 22 bytes of TLS around.
        static let frameRecord = 32_772 / 3 + 22
        static let answerRecord = 40 + 22

        private static func lab(nodes: Int = 3) throws -> RunningLab {
            var plan = LabPlan()
            plan.nodes = nodes
            plan.exits = 1
            plan.timeScale = 300
            plan.loopsPerMinute = 0
            return try RunningLab(plan)
        }

        private static func shipments(
            _ count: Int, _ sender: Correspondent, size: Int = 10, using random: inout SeededRandom
        ) throws -> [Shipment] {
            try (0..<count).flatMap { number in
                try sender.shipments(
                    RandomText.base64(size, using: &random), subject: "number \(number)", to: "mbox:postmaster@charlie", exit: "charlie",
                    path: ["alpha", "bravo", "charlie"], delay: .seconds(20), using: &random)
            }
        }

        @Test("a capture between two nodes shows one size for each direction", .timeLimit(.minutes(1)))
        func oneSize() async throws {
            var random = SeededRandom(name: "oneSize")
            // The port that the network knows for bravo is the wiretap's: it is told where bravo listens before bravo starts.
            let hidden = try LoopbackSocket.freePort()
            let tap = try await Wiretap(to: hidden)
            var plan = LabPlan()
            plan.nodes = 3
            plan.exits = 1
            plan.timeScale = 300
            plan.loopsPerMinute = 0
            plan.publishedPorts = ["bravo": tap.port]
            let lab = try RunningLab(plan) { node, text in
                if node.name == "bravo" { text = text.replacing("listen = [\"127.0.0.1:\(node.port)\"]", with: "listen = [\"127.0.0.1:\(hidden)\"]") }
            }
            let sender = try Correspondent(lab)
            // Some mails of one packet, and one of many.
            try await sender.send(Self.shipments(5, sender, using: &random))
            try await sender.send(Self.shipments(1, sender, size: 200_000, using: &random))
            try await eventually("all arrive") { lab.mails("charlie").count == 6 }
            try await lab.quiet()
            /// The handshake at the beginning, the end of the connection, and between them nothing but `size`.
            func isUniform(_ lengths: [Int], _ size: Int) -> Bool {
                guard let first = lengths.firstIndex(of: size), let last = lengths.lastIndex(of: size) else { return false }
                return lengths[first...last].allSatisfy { $0 == size } && first <= 6 && lengths.count - 1 - last <= 2
            }
            var packets = 0
            for records in tap.connections {
                let frames = records.fromDialer.count { $0 == Self.frameRecord }
                let answers = records.toDialer.count { $0 == Self.answerRecord }
                #expect(frames == 3 * answers)
                #expect(isUniform(records.fromDialer, Self.frameRecord), "\(records.fromDialer)")
                #expect(isUniform(records.toDialer, Self.answerRecord), "\(records.toDialer)")
                packets += answers
            }
            print("\(packets) frames on \(tap.connections.count) connections")
            #expect(packets >= 5 + 9)
            lab.stop()
            try await tap.stop()
        }

        @Test("a replayed packet is acknowledged and dropped, also after SIGKILL and restart", .timeLimit(.minutes(1)))
        func replays() async throws {
            var random = SeededRandom(name: "replays")
            let lab = try Self.lab()
            let sender = try Correspondent(lab)
            let shipments = try Self.shipments(3, sender, using: &random)
            try await sender.send(shipments)
            try await eventually("all arrive") { lab.mails("charlie").count == 3 }
            try await lab.quiet()
            #expect(try lab.metrics("alpha")["packets_dropped_replay"] == 0)

            // The same bytes again: RECEIVED, as always.
            #expect(try await sender.send(shipments) == 0)
            #expect(try lab.metrics("alpha")["packets_dropped_replay"] == 3)

            for name in lab.names {
                try lab.kill(name)
                try lab.start(name)
            }
            #expect(try await sender.send(shipments) == 0)
            let books = try await lab.quiet()
            #expect(books["alpha"]?["packets_dropped_replay"] == 3)
            #expect(books["alpha"]?["packets_forwarded"] == 0)
            #expect(books["bravo"]?["packets_received"] == 0)
            #expect(lab.mails("charlie").count == 3)
            lab.stop()
        }

        @Test("a flipped bit of the header is dropped at that hop, one of the payload at the exit", .timeLimit(.minutes(1)))
        func flippedBits() async throws {
            var random = SeededRandom(name: "flippedBits")
            let lab = try Self.lab()
            let sender = try Correspondent(lab)
            let alpha = try sender.id("alpha")
            let connection = try await sender.connect(to: alpha)
            // Prefix 8, header, payload: the payload is the last 25,636 bytes or so of 32,768.
            let headerStart = 8, payloadStart = 7_200, count = 20
            for _ in 0..<count {
                var packet = try Self.shipments(1, sender, using: &random)[0].packet
                packet[Int.random(in: headerStart..<7_000, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                #expect(await connection.send([packet]) == [.rejected(.malformed)])
            }
            var books = try await lab.quiet()
            #expect(books["alpha"].map { $0["packets_dropped_bad_mac"] + $0["packets_dropped_malformed"] } == count)
            #expect((books["alpha"]?["packets_dropped_bad_mac"] ?? 0) > count / 2)
            #expect(books["alpha"]?["packets_forwarded"] == 0)

            for _ in 0..<count {
                var packet = try Self.shipments(1, sender, using: &random)[0].packet
                packet[Int.random(in: payloadStart..<packet.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                #expect(await connection.send([packet]) == [.received])
            }
            connection.close()
            try await eventually("all are dropped at the exit") { try lab.metrics("charlie")["packets_dropped_bad_tag"] == count }
            books = try await lab.quiet()
            for name in ["alpha", "bravo"] {
                #expect(books[name]?["packets_forwarded"] == count)
                #expect(books[name]?["packets_dropped_bad_tag"] == 0)
            }
            #expect(lab.mails("charlie").isEmpty)
            lab.stop()
        }
    }
}
