import TestSupport
import Testing
import WireFormat

@testable import Exits

/// The pure machine: dialogues, bounds, hostile bytes.
@Suite struct LMTPServerMachineTests {
    /// Plays the handler: known recipients begin with `good`; deliveries are kept.
    private struct Dialogue {
        var machine: LMTPServerMachine
        var output = ""
        var mails: [LMTPMail] = []
        var isClosed = false
        var replies: (LMTPMail) -> [LMTPReply] = { mail in mail.recipients.map { _ in LMTPReply(250, "2.0.0", "ok") } }

        init(_ limits: LMTPLimits = LMTPLimits(mail: 1000)) {
            machine = LMTPServerMachine(name: "reply.example", limits: limits)
            perform(machine.start())
        }

        mutating func perform(_ actions: [LMTPServerMachine.Action]) {
            for action in actions {
                switch action {
                case .send(let bytes): output += String(decoding: bytes, as: UTF8.self)
                case .check(let recipient):
                    let isGood = recipient.hasPrefix("good")
                    perform(machine.checked(isGood ? LMTPReply(250, "2.1.5", "ok") : LMTPReply(550, "5.1.1", "no")))
                case .deliver(let mail):
                    mails.append(mail)
                    perform(machine.delivered(replies(mail)))
                case .close: isClosed = true
                }
            }
        }

        /// What the server says to these bytes.
        mutating func say(_ text: String) -> String {
            output = ""
            perform(machine.received(text.utf8))
            return output
        }

        mutating func codes(_ text: String) -> [String] {
            say(text).split(separator: "\r\n").map { String($0.prefix(3)) }
        }
    }

    @Test func aDialogueStepByStep() {
        var it = Dialogue()
        #expect(it.output == "220 reply.example LMTP\r\n")
        #expect(
            it.say("LHLO mta.example\r\n")
                == "250-reply.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 1000\r\n"
        )
        #expect(it.say("MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME\r\n") == "250 2.1.0 sender ok\r\n")
        #expect(it.say("RCPT TO:<good1@x>\r\n") == "250 2.1.5 ok\r\n")
        #expect(it.say("RCPT TO:<bad@x>\r\n") == "550 5.1.1 no\r\n")
        #expect(it.say("rcpt to:<good2@x>\r\n") == "250 2.1.5 ok\r\n")
        #expect(it.say("DATA\r\n") == "354 end with a line of one dot\r\n")
        #expect(it.say("Subject: x\r\n\r\n..dot\r\n.\r\n") == "250 2.0.0 ok\r\n250 2.0.0 ok\r\n")
        #expect(
            it.mails == [
                LMTPMail(
                    sender: "a@b.example", recipients: ["good1@x", "good2@x"],
                    content: Array("Subject: x\r\n\r\n.dot\r\n".utf8))
            ])
        #expect(it.say("QUIT\r\n").hasPrefix("221 2.0.0"))
        #expect(it.isClosed)
    }

    @Test func allAtOnceAndByteByByteIsTheSame() {
        let text =
            "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<good@x>\r\nDATA\r\nhello\r\n.\r\nMAIL FROM:<s@t>\r\nRCPT TO:<good@y>\r\nDATA\r\n.\r\nQUIT\r\n"
        var whole = Dialogue()
        let answers = whole.say(text)
        var pieces = Dialogue()
        var collected = ""
        for byte in text.utf8 {
            pieces.output = ""
            pieces.perform(pieces.machine.received([byte]))
            collected += pieces.output
        }
        #expect(collected == answers)
        #expect(pieces.mails == whole.mails)
        #expect(whole.mails.map(\.content) == [Array("hello\r\n".utf8), []])
        #expect(whole.mails.map(\.sender) == ["", "s@t"])
    }

    @Test func onlyADotBetweenTwoCRLFEndsAMail() {
        for trick in ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r\n.\rx"] {
            var it = Dialogue()
            _ = it.say("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<good@x>\r\nDATA\r\n")
            #expect(it.say("one" + trick + "MAIL FROM:<evil@x>\r\n") == "", "\(trick.debugDescription)")
            #expect(it.say("\r\n.\r\n") == "250 2.0.0 ok\r\n")
            #expect(it.mails.count == 1)
        }
    }

    @Test func refusesWhatIsOutOfOrderOrUnknown() {
        var it = Dialogue()
        #expect(it.codes("MAIL FROM:<a@b>\r\n") == ["503"])
        #expect(
            it.codes("EHLO x\r\nHELO x\r\nLHLO\r\nLHLO x\r\n") == [
                "500", "500", "501", "250", "250", "250", "250", "250",
            ])
        #expect(it.codes("DATA\r\nRCPT TO:<good@x>\r\n") == ["503", "503"])
        #expect(it.codes("MAIL FROM:a@b\r\nMAIL FROM:<a b>\r\nMAIL FROM:<a@b> AUTH=<>\r\n") == ["501", "501", "555"])
        #expect(it.codes("MAIL FROM:<a@b> SIZE=1001\r\nMAIL FROM:<a@b> SIZE=-1\r\n") == ["552", "501"])
        #expect(it.codes("MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\n") == ["250", "503", "503"])
        #expect(it.codes("RCPT TO:<>\r\nRCPT TO:<good@x> NOTIFY=NEVER\r\n") == ["501", "555"])
        #expect(it.codes("RSET\r\nRCPT TO:<good@x>\r\nNOOP\r\nVRFY x\r\n") == ["250", "503", "250", "252"])
        #expect(!it.isClosed)
        #expect(it.mails.isEmpty)
    }

    @Test func aMailThatIsTooLongIsRefusedForEachRecipientAndNotKept() {
        var it = Dialogue()
        _ = it.say("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<good1@x>\r\nRCPT TO:<good2@x>\r\nDATA\r\n")
        #expect(it.codes(String(repeating: "x", count: 1001) + "\r\n.\r\n") == ["552", "552"])
        #expect(it.mails.isEmpty)
        #expect(it.codes("MAIL FROM:<a@b>\r\nRCPT TO:<good1@x>\r\nDATA\r\n") == ["250", "250", "354"])
        #expect(it.codes(String(repeating: "x", count: 998) + "\r\n.\r\n") == ["250"])
        #expect(it.mails.first?.content.count == 1000)
    }

    @Test func oddParametersAreRefusedAndNothingElse() {
        var it = Dialogue()
        _ = it.say("LHLO x\r\n")
        for odd in ["=", "==", "=8BITMIME", "BODY", "SIZE=", "SIZE=-1", "SIZE=99999999999999999999", "x=y=z"] {
            let code = it.codes("MAIL FROM:<> \(odd)\r\n").first ?? ""
            #expect(["501", "552", "555"].contains(code), "\(odd): \(code)")
        }
        #expect(it.codes("MAIL FROM:<>\r\n") == ["250"])
    }

    @Test func everythingIsBounded() {
        var it = Dialogue()
        #expect(it.codes(String(repeating: "x", count: 4000)) == ["500"])
        #expect(it.isClosed)
        it = Dialogue()
        #expect(it.codes(String(repeating: "bad\r\n", count: 40)).last == "421")
        #expect(it.isClosed)
        var limits = LMTPLimits(mail: 100)
        limits.recipients = 2
        limits.mails = 2
        it = Dialogue(limits)
        _ = it.say("LHLO x\r\nMAIL FROM:<a@b>\r\n")
        #expect(it.codes(String(repeating: "RCPT TO:<good@x>\r\n", count: 3)) == ["250", "250", "452"])
        #expect(it.codes("RSET\r\nMAIL FROM:<a@b>\r\nRSET\r\nMAIL FROM:<a@b>\r\n") == ["250", "250", "250", "421"])
        #expect(it.isClosed)
    }

    /// A line's end counts, and in how many pieces it comes makes no difference.
    @Test func aLineAtItsBound() {
        var limits = LMTPLimits(mail: 100)
        limits.line = 20
        for (letters, code) in [(13, "250"), (14, "500"), (15, "500")] {
            let line = "LHLO " + String(repeating: "x", count: letters) + "\r\n"
            var whole = Dialogue(limits)
            #expect(whole.codes(line).first == code)
            var pieces = Dialogue(limits)
            #expect(line.utf8.flatMap { pieces.codes(String(decoding: [$0], as: UTF8.self)) }.first == code)
        }
    }

    @Test func timeAndShutdownEndTheConnectionWithAWord() {
        var it = Dialogue()
        it.perform(it.machine.timedOut())
        #expect(it.output.hasSuffix("421 4.4.2 reply.example waited too long\r\n") && it.isClosed)
        it = Dialogue()
        it.perform(it.machine.shutDown())
        #expect(it.output.hasSuffix("421 4.3.2 reply.example is stopping\r\n") && it.isClosed)
        // A mail that is being handed over is answered first.
        var machine = LMTPServerMachine(name: "n", limits: LMTPLimits(mail: 100))
        _ = machine.received("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<good@x>\r\n".utf8)
        _ = machine.checked(LMTPReply(250, "2.1.5", "ok"))
        #expect(machine.received("DATA\r\nx\r\n.\r\n".utf8).contains { if case .deliver = $0 { true } else { false } })
        #expect(machine.shutDown().isEmpty)
        #expect(machine.delivered([LMTPReply(250, "2.0.0", "ok")]).last == .close)
    }

    @Test func randomBytesNeverTrap() {
        var random = SeededRandom(name: "lmtp random")
        let words = [
            "LHLO x\r\n", "MAIL FROM:<a@b>", "RCPT TO:<good@x>", "DATA\r\n", "\r\n", ".", "\r", "\n", "RSET", " ", "<",
            ">",
        ]
        for _ in 0..<300 {
            var it = Dialogue()
            for _ in 0..<60 where !it.isClosed {
                let noise = String(decoding: random.bytes(Int.random(in: 0...3, using: &random)), as: UTF8.self)
                _ = it.say((words.randomElement(using: &random) ?? "") + (Bool.random(using: &random) ? noise : ""))
            }
            #expect(it.mails.allSatisfy { $0.content.count <= 1000 })
        }
    }
}
