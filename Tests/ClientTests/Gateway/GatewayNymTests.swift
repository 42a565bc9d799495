// Mail from a nym by way of the gateway, with a keyring that has a passphrase: taken once whenever the gateway dies, again after
// a failure, and never under the wrong name.

import Daemon
import Directory
import Exits
import Glibc
import Messages
import MixCrypto
import NymProtocol
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.timeLimit(.minutes(5))) struct GatewayNymTests {
    /// A pipe that gives one line.
    private static func line(_ text: String) throws -> PassphraseSource {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let bytes = Array("\(text)\n".utf8)
        _ = write(ends[1], bytes, bytes.count)
        close(ends[1])
        return try PassphraseSource(descriptor: Int(ends[0]))
    }

    private static func mail(_ text: String, thread: String = "") -> [UInt8] {
        let field = thread.isEmpty ? "" : "In-Reply-To: \(thread)\r\n"
        return Array(
            "Message-ID: <\(text)@laptop>\r\nFrom: Alice <\(NymBench.address)>\r\nSubject: \(text)\r\n\(field)\r\nHello\r\n"
                .utf8)
    }

    @Test func aMailOfANymIsTakenOnce() async throws {
        let server = try TestNymserver()
        let network = try TestNetwork { plan in
            plan.change = { fields in
                fields.capabilities.append(Capability(Capability.Name.mailbox))
                guard fields.nickname.text == "echo" else { return }
                fields.nymDomains = [NymDomain(domain: "nym.example", key: server.key.publicKey)].compactMap(\.self)
            }
        }
        let bench = try NymBench(network: network.file, server: server)
        try await bench.user.join(network)
        try await bench.create()
        try bench.transmit()
        for _ in 0..<48 where try bench.state().stage != .active {
            bench.now = bench.now + .hours(1)
            #expect(bench.turn.take(at: bench.now, refilling: []).failure == nil)
            try bench.transmit()
            if let packet = try bench.server.slot(at: bench.now) { try await bench.take(packet) }
        }
        try #require(try bench.state().stage == .active)
        let client = bench.client
        try client.changePassphrase(passphrase: .none, new: try Self.line("correct horse"), remove: false)
        let opened = try Keyring.open(client, passphrase: try Self.line("correct horse"))
        let records = bench.records
        let desk = GatewayDesk(
            client: client, network: nil,
            keyring: KeyringSource(client: client, records: records, opened: opened), records: records,
            login: GatewayLogin(user: "nightjar", hash: try PasswordHash(of: Array("x".utf8))))
        let log = GatewayLog(records: records)
        func deliver(_ content: [UInt8], from sender: String = NymBench.address) async -> String {
            let reply = await desk.deliver(
                SubmittedMail(sender: sender, recipients: ["bob@example.org"], content: content))
            return "\(reply.code) \(reply.lines.joined(separator: " "))"
        }
        func sent() throws -> Int { try bench.state().sent.count }

        #expect(await desk.check(sender: NymBench.address, size: 1000).code == 250)
        #expect(await desk.check(sender: NymBench.address, size: 2 << 20).code == 552)
        let first = await deliver(Self.mail("one"))
        #expect(first.hasPrefix("250 stored as mail"), "\(first)")
        #expect(await deliver(Self.mail("one")) == "250 this mail was taken already")
        #expect(try sent() == 1)

        // Killed between the request and the note: the request is found by the mail's name.
        let name = try #require(try log.all().first?.name)
        try records.transaction { _ = try $0.remove(.submittedMails, name) }
        // The same to the same by hand is another mail.
        var byHand = NymSendRequest(
            nym: NymBench.address, recipients: ["bob@example.org"], content: Self.mail("by hand"))
        byHand.subject = "one"
        _ = try await client.nymSend(byHand, keyring: opened)
        #expect(await deliver(Self.mail("one")) == first)
        #expect(try sent() == 2)

        // What its server has refused may be sent again.
        let number = try #require(try log.all().first?.record.number)
        try bench.book.update(NymBench.address) { state in
            guard let index = state.sent.firstIndex(where: { $0.number == number }) else { return }
            state.sent[index].result = NymState.Result(
                code: NymResultCode.overBudget.rawValue, text: "over budget", heard: bench.now)
        }
        let rounds = GatewayRounds(
            client: client, records: records, maildir: GatewayMaildir(path: client.gatewayMaildir))
        try rounds.maildir.make()
        try rounds.notice()
        let again = await deliver(Self.mail("one"))
        #expect(again.hasPrefix("250 stored as mail") && again != first, "\(again)")
        #expect(await deliver(Self.mail("one")) == "250 this mail was taken already")
        #expect(try sent() == 3)

        // An answer under another name.
        try log.note("<hers@x>", of: NymBench.address, now: bench.now)
        try log.note("<other@x>", of: "other@nym.example", now: bench.now)
        #expect(await deliver(Self.mail("two", thread: "<hers@x>")).hasPrefix("250"))
        let mixed = await deliver(Self.mail("three", thread: "<other@x>"))
        #expect(mixed.hasPrefix("550 this answers a mail to other@nym.example"), "\(mixed)")
        let nobody = Array(
            "From: anonymous@nightjar.invalid\r\nIn-Reply-To: <hers@x>\r\n\r\nHello\r\n".utf8)
        let told = await deliver(nobody, from: "anonymous@nightjar.invalid")
        #expect(told.hasPrefix("550 this answers a mail to alice@nym.example"), "\(told)")
    }
}
