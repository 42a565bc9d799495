import Foundation
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import Exits

/// The client's LMTP by script, and against our own server and Dovecot's over real sockets.
@Suite(.timeLimit(.minutes(2))) struct LMTPClientTests {
    private static let three = ["alice@example.org", "bob@example.org", "carol@example.org"]

    private func settings() throws -> SMTPSettings {
        SMTPSettings(lmtp: try #require(LMTPAddress("127.0.0.1:24")), helloName: "exit.example")
    }

    /// Plays one mail for three recipients, the replies whole and in small pieces.
    private func play(_ turns: [String: ScriptedServer.Turn], _ recipients: [String] = three) throws -> ScriptedServer {
        let played = try [1, 7, 1_000_000].map { size in
            var server = ScriptedServer(turns, pieceBytes: size)
            var machine = SMTPClientMachine(settings: try settings(), envelope: try Sample.envelope(to: recipients))
            server.play(&machine)
            return server
        }
        #expect(played[0].outcomes == played[1].outcomes && played[1].outcomes == played[2].outcomes)
        return played[0]
    }

    @Test func everyRecipientHasHisReply() throws {
        let server = try play(["DOT": .reply("250 2.0.0 one\r\n452 4.2.2 full\r\n550 5.1.1 gone")])
        #expect(server.commands.first == "LHLO exit.example")
        #expect(
            server.outcomes == [
                .delivered(code: 250), .deferred(.temporary, code: 452), .refused(.recipientRefused, code: 550),
            ])
        #expect(!server.isClosed)
    }

    @Test func repliesAreForThoseWhoWereAccepted() throws {
        let server = try play([
            "RCPT 2": .reply("550 5.1.1 no"), "DOT": .reply("250 one\r\n552 5.3.4 too large"),
        ])
        #expect(
            server.outcomes == [
                .delivered(code: 250), .refused(.recipientRefused, code: 550), .refused(.tooLarge, code: 552),
            ])
        let nobody = try play(["RCPT": .reply("450 4.2.1 later")])
        #expect(nobody.outcomes == Self.three.map { _ in .deferred(.temporary, code: 450) })
        #expect(!nobody.commands.contains("DATA"))
    }

    @Test func whatIsNotAnsweredIsOpen() throws {
        func lost(_ reason: DeferralReason, code: UInt16? = nil, isAmbiguous: Bool = true) -> ExitOutcome {
            .deferred(Deferral(reason: reason, code: code, isAmbiguous: isAmbiguous))
        }
        #expect(try play(["DOT": .close]).outcomes == Self.three.map { _ in lost(.closed) })
        #expect(
            try play(["DOT": .reply("250 one\r\n421 4.3.2 going down")]).outcomes == [
                .delivered(code: 250), lost(.temporary, code: 421, isAmbiguous: false),
                lost(.temporary, code: 421, isAmbiguous: false),
            ])
        #expect(
            try play(["DOT": .reply("250 one\r\nnonsense")]).outcomes == [
                .delivered(code: 250), lost(.protocolViolation), lost(.protocolViolation),
            ])
        var server = ScriptedServer(["DOT": .reply("250 one")])
        var machine = SMTPClientMachine(settings: try settings(), envelope: try Sample.envelope(to: Self.three))
        server.play(&machine)
        #expect(server.outcomes == nil)
        #expect(machine.timedOut().first == .finished([.delivered(code: 250), lost(.timeout), lost(.timeout)]))
    }

    @Test func aServerThatDoesNotKnowLHLOIsNotAskedForHELO() throws {
        let server = try play(["LHLO": .reply("500 5.5.1 what")])
        #expect(server.outcomes == Self.three.map { _ in .deferred(.serverRefused, code: 500) })
        #expect(!server.commands.contains { $0.hasPrefix("HELO") })
    }

    @Test func oneReplyTooManyEndsTheConnectionAndNothingElse() throws {
        let server = try play(["DOT": .reply("250 one\r\n250 two")], ["alice@example.org"])
        #expect(server.outcomes == [.delivered(code: 250)])
        #expect(server.isClosed)
    }

    // MARK: real servers

    private final class Keeper: LMTPReceiver {
        let mails = Mutex<[LMTPMail]>([])

        func check(recipient: String) -> LMTPReply {
            recipient.hasSuffix("@nym.example") ? LMTPReply(250, "2.1.5", "ok") : LMTPReply(550, "5.1.1", "unknown")
        }

        func deliver(_ mail: LMTPMail) -> [LMTPReply] {
            mails.withLock { $0.append(mail) }
            return mail.recipients.map {
                $0.hasPrefix("full") ? LMTPReply(452, "4.2.2", "full") : LMTPReply(250, "2.0.0", "ok")
            }
        }
    }

    private func mail(_ body: String, to recipients: [String]) throws -> SMTPMail {
        let body = ExitBody(bytes: Array(body.utf8), pieceBytes: 3)
        let head = Array("Subject: test\r\n\r\n".utf8)
        return SMTPMail(
            envelope: SMTPEnvelope(
                sender: nil, recipients: try recipients.map { text in try MailRecipient(text) },
                wireBytes: head.count + (try body.facts().wireBytes), hasEightBit: false),
            head: head, body: body)
    }

    @Test(arguments: [true, false]) func mailIsHandedToOurOwnServer(_ overSocket: Bool) async throws {
        let directory = try TemporaryDirectory("lmtp-client")
        let keeper = Keeper()
        var address = LMTPAddress.socket(directory.file("lmtp.sock"))
        if !overSocket { address = .loopback(host: "127.0.0.1", port: 0) }
        let server = try await LMTPServer.bind(
            LMTPServerSettings(address: address, name: "nym.example", limits: LMTPLimits(mail: 1 << 20)),
            receiver: keeper)
        if let port = server.port { address = .loopback(host: "127.0.0.1", port: port) }
        let client = try SMTPClient(settings: SMTPSettings(lmtp: address, helloName: "exit.example"))
        let outcomes = await client.deliver(
            try mail(".hidden\r\nlines\r\n", to: ["alice@nym.example", "bob@other.example", "full@nym.example"]))
        #expect(
            outcomes == [
                .delivered(code: 250), .refused(.recipientRefused, code: 550), .deferred(.temporary, code: 452),
            ])
        // The connection serves again.
        #expect(await client.deliver(try mail("two\r\n", to: ["carol@nym.example"])) == [.delivered(code: 250)])
        await client.close()
        await server.close()
        let mails = keeper.mails.withLock { $0 }
        #expect(mails.map(\.recipients) == [["alice@nym.example", "full@nym.example"], ["carol@nym.example"]])
        #expect(
            mails.first.map { String(decoding: $0.content, as: UTF8.self) }?.hasSuffix("\r\n.hidden\r\nlines\r\n")
                == true)
    }

    @Test func aSocketThatIsNotThereDefers() async throws {
        let directory = try TemporaryDirectory("lmtp-client")
        let client = try SMTPClient(
            settings: SMTPSettings(lmtp: .socket(directory.file("none.sock")), helloName: "exit.example"))
        #expect(await client.deliver(try mail("x\r\n", to: ["a@nym.example"])) == [.deferred(.unreachable)])
        await client.close()
    }

    @Test(.enabled(if: DovecotPeer.isAvailable, DovecotPeer.missing))
    func mailIsHandedToDovecot() async throws {
        let dovecot = try await DovecotPeer(users: ["alice"])
        let client = try SMTPClient(settings: SMTPSettings(lmtp: .socket(dovecot.socket), helloName: "exit.example"))
        let outcomes = await client.deliver(
            try mail("first\r\n.dotted\r\n", to: ["alice@exit.example", "nobody@exit.example"]))
        #expect(outcomes == [.delivered(code: 250), .refused(.recipientRefused, code: 550)])
        #expect(await client.deliver(try mail("second\r\n", to: ["alice@exit.example"])) == [.delivered(code: 250)])
        await client.close()
        let mails = try dovecot.mails(of: "alice")
        #expect(mails.count == 2)
        #expect(mails.contains { $0.hasSuffix("first\n.dotted\n") })
    }
}
