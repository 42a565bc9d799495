import Exits
import Forwarding
import Foundation
import MMTP
import Mixing
import TestSupport
import Testing

@testable import NodeProgram

@Suite("Nodes")
struct RelayTests {
    static func exitSettings(_ directory: TemporaryDirectory) throws -> ExitSettings {
        var exit = ExitSettings(
            identity: ExitIdentity(
                address: try MailRecipient("anonymous@exit.example"),
                complaints: try MailRecipient("abuse@exit.example")))
        exit.mailboxes = try LocalMailboxes([("alice", directory.file("alice"))])
        return exit
    }

    @Test("a small and a large message cross three nodes and arrive once, byte for byte", .timeLimit(.minutes(2)))
    func crosses() async throws {
        var generator = SeededRandom(name: "crosses")
        let outside = try TemporaryDirectory("outside")
        let network = try await InProcessNetwork(nodes: 3) { index, settings in
            if index == 2 { settings.exit = try Self.exitSettings(outside) }
        }
        for index in 0..<3 { try await network.start(index) }
        let small = Array("hello\r\nworld\r\n".utf8)
        let large = Array(
            (0..<3000).map { _ in
                String((0..<76).map { _ in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef".randomElement(using: &generator) ?? "x" })
                    + "\r\n"
            }.joined().utf8)
        var packets: [[UInt8]] = []
        for body in [small, large] {
            packets += try network.packets(
                body: body, to: "mbox:alice@node2", path: [0, 1, 2], delay: 1000, using: &generator)
        }
        let outcomes = try await network.send(packets, to: 0)
        #expect(outcomes.allSatisfy { $0 == .received })
        let mails = try await network.mails(in: outside.file("alice"), count: 2)
        let bodies = mails.map { mail in
            let text = String(decoding: mail, as: UTF8.self)
            return text.components(separatedBy: "\n\n").dropFirst().joined(separator: "\n\n")
        }
        let wanted = [small, large].map {
            String(decoding: $0, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
        }
        // Compared as a fact, so that a failure does not print half a megabyte.
        let isSame = Set(bodies) == Set(wanted)
        #expect(isSame)
        // The same packets once more: known, acknowledged, and nothing arrives twice.
        #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
        for index in 0..<3 {
            let node = try #require(network.nodes[index])
            await node.forwarder.wait { $0.pooled == 0 && $0.queued == 0 }
            #expect(throws: Never.self) { try node.ledger.snapshot.check() }
        }
        #expect(network.nodes[0]?.ledger.snapshot.dropped[.replay] == Int64(packets.count))
        #expect(try await network.mails(in: outside.file("alice"), count: 2).count == 2)
        try await network.stopAll()
    }
}
