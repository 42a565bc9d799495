import Daemon
import Directory
import Exits
import Foundation
import MMTP
import Messages
import MixCrypto
import Mixing
import Sphinx
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// Mail that an exit hands to nymservers, to programs, and to a mail server that many would misuse.
@Suite("Modules of an exit", .timeLimit(.minutes(3)))
struct ExitModulesTests {
    /// Takes all mail.
    private final class Keeper: LMTPReceiver {
        let mails = Mutex<[LMTPMail]>([])
        var count: Int { mails.withLock { $0.count } }

        func check(recipient: String) -> LMTPReply { LMTPReply(250, "2.1.5", "ok") }

        func deliver(_ mail: LMTPMail) -> [LMTPReply] {
            mails.withLock { $0.append(mail) }
            return mail.recipients.map { _ in LMTPReply(250, "2.0.0", "ok") }
        }
    }

    private static func serve(_ keeper: Keeper, at path: String) async throws -> LMTPServer {
        try await LMTPServer.bind(
            LMTPServerSettings(address: .socket(path), name: "nym.example", limits: LMTPLimits(mail: 1 << 20)),
            receiver: keeper)
    }

    private static func key() throws -> KEMPublicKey {
        var seed = [UInt8](repeating: 9, count: KEM.seedSize)
        return try KEMPrivateKey(seed: SecretBytes(moving: &seed)).publicKey
    }

    private static func nym(_ path: String) throws -> NymHandover {
        NymHandover(
            published: try #require(NymDomain(domain: "nym.example", key: key())), deliver: .socket(path))
    }

    @Test("mail for a nym is announced, waits for its server, and passes a program that hangs")
    func nyms() async throws {
        var generator = SeededRandom(name: "nyms")
        let outside = try TemporaryDirectory("outside")
        let socket = outside.file("nyms.sock")
        let program = outside.file("hang")
        try Data("#!/bin/sh\ncat > \(outside.file("taken"))\nsleep 600\n".utf8).write(to: URL(fileURLWithPath: program))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        let network = try await InProcessNetwork(nodes: 2) { index, settings in
            guard index == 1 else { return }
            var exit = try RelayTests.exitSettings(outside)
            exit.mailboxes = try LocalMailboxes([("run", "program:\(program)")])
            exit.nyms = [try Self.nym(socket)]
            settings.exit = exit
        }
        for index in 0..<2 { try await network.start(index) }
        let descriptor = network.descriptor(1)
        #expect(descriptor.can(Capability.Name.nymserver) && !descriptor.can(Capability.Name.smtp))
        #expect(try descriptor.nymDomain("nym.example")?.key == Self.key())

        var packets: [[UInt8]] = []
        for number in 0..<(ProgramDelivery.concurrency + 2) {
            packets += try network.packets(
                body: Array("run \(number)\r\n".utf8), to: "mbox:run@node1", path: [0, 1], using: &generator)
        }
        #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
        #expect(try await network.wait { FileManager.default.fileExists(atPath: outside.file("taken")) })
        packets = []
        for address in ["nym:alice@nym.example", "nym:server@nym.example", "nym:alice@other.example"] {
            packets += try network.packets(
                body: Array("for \(address)\r\n".utf8), to: address, path: [0, 1], using: &generator)
        }
        #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
        let keeper = Keeper()
        let server = try await Self.serve(keeper, at: socket)
        #expect(try await network.wait { keeper.count == 2 })
        let mails = keeper.mails.withLock { $0 }
        #expect(Set(mails.map(\.recipients)) == [["alice@nym.example"], ["server@nym.example"]])
        for mail in mails {
            let text = String(decoding: mail.content, as: UTF8.self)
            #expect(text.contains("\r\nTo: \(mail.recipients[0])\r\n"))
            // Nothing is put under what a nym gets.
            #expect(text.hasSuffix("\r\n\r\nfor nym:\(mail.recipients[0])\r\n"))
            #expect(!text.contains("List-"))
        }
        // The refused one may be the last.
        #expect(try await network.wait { network.nodes[1]?.ledger.snapshot.dropped[.recipientRefused] == 1 })
        try await network.stopAll()
        await server.close()
    }

    @Test("equal bodies wait, somebody is told, and others pass")
    func flood() async throws {
        var generator = SeededRandom(name: "same body")
        let outside = try TemporaryDirectory("outside")
        let keeper = Keeper()
        let server = try await Self.serve(keeper, at: outside.file("mail.sock"))
        // At midnight it is forgotten which bodies came: an afternoon begins as the next morning.
        let hour = ScaledTime.systemTime().seconds % 86_400 / 3600
        let ahead = Interval.hours(hour < 12 ? 0 : 24 - hour)
        let network = try await InProcessNetwork(nodes: 2, ahead: ahead) { index, settings in
            guard index == 1 else { return }
            var exit = try RelayTests.exitSettings(outside)
            // The dialect is of no matter here.
            exit.smtp = SMTPSettings(lmtp: .socket(outside.file("mail.sock")), helloName: "exit.example")
            exit.sameBody = 2
            settings.exit = exit
        }
        for index in 0..<2 { try await network.start(index) }
        func send(_ body: String, to addresses: [String]) async throws {
            for address in addresses {
                let packets = try network.packets(
                    body: Array(body.utf8), to: address, path: [0, 1], using: &generator)
                #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
            }
        }
        let advertising = String(repeating: "Buy now! Ravens are cheap.\r\n", count: 20)
        try await send(advertising, to: (0..<5).map { "user\($0)@example.org" })
        let node = try #require(network.nodes[1])
        #expect(try await network.wait { node.counters.health.current["same-body"] != nil && keeper.count == 2 })
        try await send("Dear friend,\r\n", to: ["friend@example.org"])
        #expect(try await network.wait { keeper.count >= 3 })
        let texts = keeper.mails.withLock { $0.map { String(decoding: $0.content, as: UTF8.self) } }
        #expect(texts.count { $0.contains("Buy now!") } == 2)
        let footer = "\r\n\r\nDear friend,\r\n-- \r\nThis mail came through"
        #expect(texts.count { $0.contains(footer) } == 1)
        try await network.stopAll()
        await server.close()
    }

    @Test("the gate knows levels and domains of nyms")
    func gate() throws {
        let outside = try TemporaryDirectory("outside")
        var exit = try RelayTests.exitSettings(outside)
        exit.smtp = SMTPSettings(helloName: "exit.example")
        exit.policy.rules = [try RecipientRule("allow listed.example")]
        exit.nyms = [try Self.nym("/run/x")]
        var wishes = RecipientWishes.unknown
        wishes.hasOptedIn = { $0.user == "willing" }
        func taken(_ address: String, _ level: ExitLevel) throws -> Bool {
            exit.level = level
            let found = try Address(address)
            // The gate asks nobody what he wishes, as that is slow; the attempt does.
            guard ExitGate(settings: exit, names: ["node1"]).refusal(of: found) == nil else { return false }
            return (try? exit.target(found, wishes)) != nil
        }
        let table: [(String, Set<ExitLevel>)] = [
            ("a@example.org", [.everyone]), ("a@listed.example", [.everyone, .listed]),
            ("willing@example.org", [.everyone, .optedIn]),
            ("nym:a@nym.example", Set(ExitLevel.allCases)), ("nym:a@other.example", []),
            ("mbox:alice@node1", Set(ExitLevel.allCases)), ("mbox:alice@node2", []), ("mbox:bob@node1", []),
            ("drop:", []),
        ]
        for (address, levels) in table {
            for level in ExitLevel.allCases {
                #expect(try taken(address, level) == levels.contains(level), "\(address) \(level)")
            }
        }
        exit.level = .listed
        #expect(exit.capabilities.first == Capability(Capability.Name.smtp, limits: ["level": 1]))
        exit.level = .nyms
        #expect(exit.capabilities.map(\.name) == [Capability.Name.mbox, Capability.Name.nymserver])
    }

    private func settings(_ more: String) throws -> ExitSettings? {
        let directory = try TemporaryDirectory("node-config")
        let path = directory.file("node.toml")
        let text = """
            nickname = "alpha"
            addresses = ["mix.example.org:48099"]
            [exit]
            address = "anonymous@exit.example"
            complaints = "abuse@exit.example"

            """
        try Data((text + more.replacing("DIR", with: directory.path)).utf8).write(to: URL(fileURLWithPath: path))
        let armor = Armor.encode(
            [1, 1] + (try Self.key()).bytes + (try Self.key()).fingerprint.bytes, kind: .publicKey)
        try Data(armor.utf8).write(to: URL(fileURLWithPath: directory.file("server.key")))
        try Data(armor.replacing("A", with: "B").utf8).write(to: URL(fileURLWithPath: directory.file("bad.key")))
        try Data("Complain to {complaints}.\n".utf8).write(to: URL(fileURLWithPath: directory.file("text")))
        return try NodeSettings(configuration: path).exit
    }

    @Test("the configuration of modules")
    func configuration() throws {
        let exit = try #require(
            try settings(
                """
                deliver-to = "opted-in"
                same-body = 5
                footer = "header"
                program-time = "30s"
                [exit.bytes-per-hour]
                lmtp = "2 MiB"
                [exit.texts]
                footer-file = "DIR/text"
                [[exit.nym]]
                domain = "Nym.example"
                deliver = "lmtp:127.0.0.1:2400"
                key-file = "DIR/server.key"
                """))
        #expect(exit.level == .optedIn && exit.sameBody == 5 && exit.footer == .header)
        #expect(exit.programTime == .seconds(30) && exit.hourlyBytes == [.lmtp: 2 << 20])
        #expect(exit.texts.footer == "Complain to {complaints}.\n")
        #expect(exit.nyms.map(\.domain) == ["nym.example"])
        #expect(try exit.nyms.first?.published.key == Self.key())
        #expect(exit.lmtpServers == [.loopback(host: "127.0.0.1", port: 2400)])
    }

    @Test(
        "what is wrong in it is told",
        arguments: [
            ("deliver-to = \"all\"", "deliver-to"),
            ("[exit.texts]\nfooter-file = \"DIR/none\"", "footer-file"),
            ("[exit.texts]\noptout-file = \"DIR/text\"", "{optout}"),
            (
                "[[exit.nym]]\ndomain = \"nym.example\"\ndeliver = \"lmtp:10.0.0.1:24\"\nkey-file = \"DIR/server.key\"",
                "lmtp:10.0.0.1:24"
            ),
            ("[[exit.nym]]\ndomain = \"nym.example\"\ndeliver = \"lmtp:/x\"\nkey-file = \"DIR/bad.key\"", "server.key"),
            ("[[exit.nym]]\ndomain = \"1.2.3.4\"\ndeliver = \"lmtp:/x\"\nkey-file = \"DIR/server.key\"", "1.2.3.4"),
            ("[[exit.mbox]]\nname = \"a\"\ntarget = \"program:relative\"", "program:relative"),
        ])
    func mistakes(text: String, words: String) {
        #expect { try settings(text) } throws: { "\($0)".contains(words) }
    }
}
