// The real program, killed at every step of its storage while mail comes, packets leave and mails go out.

import Daemon
import Foundation
import MixCrypto
import NymProtocol
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("A nymserver that is killed", .timeLimit(.minutes(6)), .serialized)
struct NymserverCrashTests {
    /// Points, and how often each is passed at most before the program dies there.
    static let points: [(name: String, most: Int)] = [
        ("nyms-before-commit", 6), ("nyms-after-commit", 6), ("nym-packet-handed-over", 3), ("segment-written", 3),
        ("segment-flushed", 3), ("before-commit", 3), ("after-commit", 3), ("nyms-before-commit", 12),
        ("nyms-after-commit", 12), ("nyms-expiring", 2),
    ]

    /// Hands a mail over until it is taken: as mail servers do.
    private static func deliver(_ mail: [UInt8], to recipient: String, _ server: NymserverProcess) async throws {
        while true {
            if !server.isRunning { try await server.start() }
            await Task.yield()
            if let answer = try? LMTPCaller(port: server.port).deliver(mail, to: recipient) {
                if answer.hasPrefix("250") { return }
                guard answer.hasPrefix("4") else { throw MixNetwork.Lost() }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test("a kill at every step loses nothing and doubles nothing")
    func everyStep() async throws {
        var random = SeededRandom(name: "everyStep")
        let network = try MixNetwork()
        try await network.start()
        let sink = try await SMTPSink()
        // An hour in six seconds.
        let server = try NymserverProcess(network, smtp: sink.port, scale: 600, origin: network.now)
        try await server.start()
        let alice = try NymPerson("alice", domain: NymserverProcess.domain, using: &random)
        let total = 400
        let blocks = try network.blocks(total, of: alice.maker)
        try await Self.deliver(
            alice.request(
                [alice.creation(.high, bits: 4), .surbs(try NymBatch(generation: 1, blocks: blocks))], to: server.key),
            to: "server@nym.example", server)
        var (mails, sent): ([String], [String]) = ([], [])
        for (name, most) in Self.points {
            let count = Int.random(in: 1...most, using: &random)
            server.kill()
            try await server.start(killedAt: "\(name):\(count)")
            // Mail in, and mail out, until it has died.
            let end = ContinuousClock.now + .seconds(45)
            let start = server.starts
            while server.isRunning, server.starts == start, ContinuousClock.now < end {
                let text = "mail-\(mails.count)-in"
                try await Self.deliver(MailDoorTests.mail(text, id: text), to: "alice@nym.example", server)
                mails.append(text)
                if mails.count.isMultiple(of: 3) {
                    let text = "mail-\(sent.count)-out"
                    let mail = try NymMail(
                        from: alice.name, recipients: ["bob@example.org"], content: Array("\r\n\(text)\r\n".utf8))
                    if sent.count < 18 {
                        try await Self.deliver(
                            alice.request([.send(mail)], to: server.key), to: "server@nym.example", server)
                        sent.append(text)
                    }
                }
                // Most places are passed when slots are, and not when mail comes.
                try await Task.sleep(for: .milliseconds(100))
            }
            let died = !server.isRunning || server.starts > start
            print("killed at \(name):\(count) with \(mails.count) mails in, \(sent.count) out: \(died)")
            #expect(died, "it never came to \(name):\(count)")
        }
        if !server.isRunning { try await server.start() }
        // All that waits comes in some cycles.
        let end = ContinuousClock.now + .seconds(90)
        var arrived: [String] = []
        var missing: [String] = []
        var through = 0
        repeat {
            try await Task.sleep(for: .milliseconds(500))
            let reader = network.taken.compactMap { try? network.read($0.packet, first: $0.first, alice.maker) }
            through = reader.count
            for packet in reader { alice.take(packet) }
            arrived = try alice.items(.mail).map { String(decoding: $0.content, as: UTF8.self) }
            missing = sent.filter { text in !sink.mails.contains { $0.content.contains(text) } }
        } while (arrived.count < mails.count || !missing.isEmpty) && ContinuousClock.now < end
        for text in mails { #expect(arrived.count { $0.contains("\(text)\r\n") } == 1, "\(text)") }
        #expect(arrived.count == mails.count)
        #expect(network.nodes.allSatisfy { $0.usedTwice == 0 })
        let left = alice.statuses.map(\.surbs).min() ?? 0
        #expect(through <= total - Int(left))
        // A mail may come twice only if the kill was between the mail server's answer and our note; then with one id.
        for text in sent {
            let copies = sink.mails.filter { $0.content.contains(text) }
            #expect(!copies.isEmpty)
            let ids = Set(
                copies.compactMap { $0.content.split(separator: "\r\n").first { $0.hasPrefix("Message-ID") } })
            #expect(ids.count == 1)
        }
        let doubled = sink.mails.count - sent.count
        #expect(doubled <= MailRounds.concurrent * Self.points.count)
        print("\(mails.count) mails in, \(sent.count) out, \(doubled) of them twice; \(through) packets through blocks")
        #expect(server.stop() == 0)
        await network.stop()
        await sink.close()
    }
}
