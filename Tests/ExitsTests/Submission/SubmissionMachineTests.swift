import TestSupport
import Testing
import WireFormat

@testable import Exits

/// A mail program's dialogue with the machine: what it sends, what comes back.
struct SubmissionDialogue {
    var machine: SubmissionMachine
    var output = ""
    var mails: [SubmittedMail] = []
    var logins: [SubmissionLogin] = []
    var isClosed = false
    var password = "secret"

    init(limits: SubmissionLimits = SubmissionLimits(mail: 10_000), isSecure: Bool = true) {
        machine = SubmissionMachine(name: "localhost", limits: limits, isSecure: isSecure)
        perform(machine.start())
    }

    /// Logged in, after EHLO.
    static func ready(limits: SubmissionLimits = SubmissionLimits(mail: 10_000)) -> Self {
        var dialogue = Self(limits: limits)
        dialogue.say("EHLO me", "AUTH PLAIN AG1lAHNlY3JldA==")
        _ = dialogue.taken()
        return dialogue
    }

    mutating func say(_ lines: String...) { send(lines.map { $0 + "\r\n" }.joined()) }
    mutating func send(_ text: String) { send(Array(text.utf8)) }
    mutating func send(_ bytes: [UInt8]) { perform(machine.received(bytes)) }

    /// What came since the last call.
    mutating func taken() -> String {
        defer { output = "" }
        return output
    }

    private mutating func perform(_ actions: [SubmissionMachine.Action]) {
        for action in actions {
            #expect(!isClosed, "nothing is done after the end")
            switch action {
            case .send(let bytes): output += String(decoding: bytes, as: UTF8.self)
            case .startTLS: machine.secured()
            case .authenticate(let login):
                logins.append(login)
                let isRight = login.password == Array(password.utf8)
                perform(machine.answered(SubmissionReply(isRight ? 235 : 535, nil, "login")))
            case .checkSender(let sender):
                perform(machine.answered(SubmissionReply(sender.hasPrefix("bad") ? 550 : 250, nil, "sender")))
            case .checkRecipient(let recipient, _):
                perform(machine.answered(SubmissionReply(recipient.hasPrefix("bad") ? 550 : 250, nil, "recipient")))
            case .deliver(let mail):
                mails.append(mail)
                perform(machine.answered(SubmissionReply(250, "2.0.0", "stored")))
            case .close: isClosed = true
            }
        }
    }
}

@Suite("Submission machine")
struct SubmissionMachineTests {
    @Test("a mail from STARTTLS to QUIT")
    func mail() {
        var dialogue = SubmissionDialogue(isSecure: false)
        #expect(dialogue.taken() == "220 localhost ESMTP\r\n")
        dialogue.say("EHLO me")
        let before = dialogue.taken()
        #expect(before.contains("250-PIPELINING\r\n") && before.contains("250-8BITMIME\r\n"))
        #expect(before.contains("250-ENHANCEDSTATUSCODES\r\n") && before.contains("250-SIZE 10000\r\n"))
        #expect(before.hasSuffix("250 STARTTLS\r\n") && !before.contains("AUTH"))
        dialogue.say("STARTTLS")
        #expect(dialogue.taken().hasPrefix("220 "))
        dialogue.say("MAIL FROM:<a@b>")
        #expect(dialogue.taken().hasPrefix("530 "))
        dialogue.say("EHLO me")
        let after = dialogue.taken()
        #expect(after.contains("AUTH PLAIN LOGIN") && !after.contains("STARTTLS"))
        dialogue.say("AUTH LOGIN", "bWU=", "c2VjcmV0")
        #expect(dialogue.taken() == "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 login\r\n")
        dialogue.say(
            "MAIL FROM:<a@b> SIZE=100 BODY=8BITMIME", "RCPT TO:<c@d>", "RCPT TO:<C@D>", "RCPT TO:<bad@d>", "DATA")
        #expect(
            dialogue.taken()
                == "250 sender\r\n250 recipient\r\n250 2.1.5 named already\r\n550 recipient\r\n354 end with a line of one dot\r\n"
        )
        dialogue.say("Subject: x", "", "..dot", ".", "QUIT")
        #expect(dialogue.taken() == "250 2.0.0 stored\r\n221 2.0.0 localhost says goodbye\r\n")
        #expect(dialogue.isClosed)
        #expect(
            dialogue.mails == [
                SubmittedMail(sender: "a@b", recipients: ["c@d"], content: Array("Subject: x\r\n\r\n.dot\r\n".utf8))
            ])
        #expect(dialogue.logins == [SubmissionLogin(user: "me", password: Array("secret".utf8))])
    }

    @Test("the same byte by byte")
    func drip() {
        var dialogue = SubmissionDialogue.ready()
        for byte in Array("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n".utf8) { dialogue.send([byte]) }
        #expect(dialogue.mails.map(\.content) == [Array("x\r\n".utf8)])
    }

    @Test(
        "what comes in another order is refused",
        arguments: [
            (["RCPT TO:<a@b>"], "503"), (["DATA"], "503"), (["MAIL FROM:<a@b>", "MAIL FROM:<a@b>"], "503"),
            (["MAIL FROM:<a@b>", "DATA"], "503"), (["MAIL FROM:<bad@b>", "RCPT TO:<c@d>"], "503"),
            (["MAIL FROM:<a@b>", "RCPT TO:<bad@d>", "DATA"], "503"), (["MAIL FROM:<a@b>", "AUTH PLAIN"], "503"),
            (["AUTH PLAIN AG1lAHNlY3JldA=="], "503"), (["STARTTLS"], "503"), (["MAIL a@b"], "501"),
            (["MAIL FROM:<a b>"], "501"), (["MAIL FROM:<a@b> RET=HDRS"], "555"),
            (["MAIL FROM:<a@b> SIZE=10001"], "552"),
            (["MAIL FROM:<a@b> SIZE=x"], "501"), (["RCPT"], "503"), (["BDAT 10"], "500"), ([""], "500"),
            (["MAIL FROM:<a@b>", "RCPT TO:<>"], "501"), (["EHLO"], "501"), (["XYZZY"], "500"),
        ])
    func order(_ lines: [String], _ code: String) {
        var dialogue = SubmissionDialogue.ready()
        for line in lines.dropLast() { dialogue.say(line) }
        _ = dialogue.taken()
        dialogue.say(lines[lines.count - 1])
        #expect(dialogue.taken().hasPrefix(code), "\(lines)")
        #expect(dialogue.mails.isEmpty)
    }

    @Test(
        "lines that end in CR or LF alone end the connection",
        arguments: ["MAIL FROM:<a@b>\n", "NOOP\rNOOP\r\n", "NOOP\r\r\n", "NO\0OP\r\n"])
    func bareLineEnds(_ text: String) {
        var dialogue = SubmissionDialogue.ready()
        dialogue.send(text)
        #expect(dialogue.taken().hasPrefix("500 5.5.2"))
        #expect(dialogue.isClosed)
    }

    @Test(
        "no other line end smuggles a second mail in",
        arguments: ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\n.\r", "\0"])
    func smuggling(_ end: String) {
        var dialogue = SubmissionDialogue.ready()
        dialogue.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA")
        _ = dialogue.taken()
        dialogue.send("one\(end)MAIL FROM:<evil@b>\r\nRCPT TO:<c@d>\r\nDATA\r\ntwo\r\n.\r\n")
        #expect(dialogue.taken().hasPrefix("554 5.6.0"))
        #expect(dialogue.mails.isEmpty)
        dialogue.say("NOOP")
        #expect(dialogue.taken().hasPrefix("250"))
    }

    @Test("nothing is taken from before TLS")
    func startTLSInjection() {
        var dialogue = SubmissionDialogue(isSecure: false)
        dialogue.say("EHLO me")
        _ = dialogue.taken()
        dialogue.say("STARTTLS", "EHLO evil", "AUTH PLAIN AG1lAHNlY3JldA==")
        #expect(dialogue.taken().hasPrefix("503 5.5.1 nothing may follow STARTTLS"))
        #expect(dialogue.isClosed && dialogue.logins.isEmpty)
    }

    @Test("a password in the clear is not looked at")
    func clearPassword() {
        var dialogue = SubmissionDialogue(isSecure: false)
        dialogue.say("EHLO me", "AUTH PLAIN AG1lAHNlY3JldA==")
        #expect(dialogue.taken().contains("538 5.7.11"))
        #expect(dialogue.logins.isEmpty)
    }

    @Test("wrong passwords end the connection")
    func passwords() {
        var dialogue = SubmissionDialogue()
        dialogue.say("EHLO me")
        _ = dialogue.taken()
        for line in ["AUTH PLAIN AG1lAGJhZA==", "AUTH PLAIN AG1lAGJhZA=="] { dialogue.say(line) }
        #expect(dialogue.taken() == "535 login\r\n535 login\r\n")
        dialogue.say("AUTH LOGIN", "bWU=", "YmFk")
        #expect(dialogue.taken().hasSuffix("421 4.7.0 too many passwords; connect again\r\n"))
        #expect(dialogue.isClosed)
    }

    @Test(
        "answers to challenges that are none",
        arguments: ["*", "!!!", "AG1l", "AHgAAHk=", "YQBiAGM=", String(repeating: "A", count: 4000)])
    func challenges(_ answer: String) {
        var dialogue = SubmissionDialogue()
        dialogue.say("EHLO me", "AUTH PLAIN")
        #expect(dialogue.taken().hasSuffix("334 \r\n"))
        dialogue.say(answer)
        let reply = dialogue.taken()
        #expect(reply.hasPrefix("501") || reply.hasPrefix("535"), "\(answer): \(reply)")
        dialogue.say("AUTH PLAIN AG1lAHNlY3JldA==")
        #expect(dialogue.taken() == "235 login\r\n")
    }

    @Test("bounds: a line, a mail, recipients, errors, mails")
    func bounds() {
        var limits = SubmissionLimits(mail: 100)
        limits.recipients = 2
        limits.errors = 3
        limits.mails = 2
        var dialogue = SubmissionDialogue.ready(limits: limits)
        dialogue.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "RCPT TO:<e@f>", "RCPT TO:<g@h>")
        #expect(dialogue.taken().hasSuffix("452 4.5.3 a mail has at most 2 recipients; write to the others apart\r\n"))
        dialogue.say("DATA", String(repeating: "x", count: 100), ".")
        #expect(dialogue.taken().contains("552 5.3.4"))
        dialogue.say("MAIL FROM:<a@b>", "RSET", "MAIL FROM:<a@b>")
        #expect(dialogue.taken().hasSuffix("421 4.7.0 enough mail over this connection\r\n"))
        #expect(dialogue.isClosed && dialogue.mails.isEmpty)

        var long = SubmissionDialogue.ready(limits: limits)
        long.send(String(repeating: "x", count: 12_289))
        #expect(long.taken() == "500 5.5.2 line too long\r\n")
        #expect(long.isClosed)

        var wrong = SubmissionDialogue.ready(limits: limits)
        wrong.say("A", "B", "C", "D")
        #expect(wrong.taken().hasSuffix("421 4.7.0 too many errors\r\n"))
        #expect(wrong.isClosed)
    }

    @Test("while something is asked, nothing of what follows is done")
    func waiting() {
        var machine = SubmissionMachine(name: "x", limits: SubmissionLimits(mail: 100), isSecure: true)
        _ = machine.received(Array("EHLO me\r\n".utf8))
        let asked = machine.received(Array("AUTH PLAIN AG1lAHNlY3JldA==\r\nMAIL FROM:<a@b>\r\nQUIT\r\n".utf8))
        #expect(asked.count == 1 && machine.isWaiting)
        let next = machine.answered(SubmissionReply(235, nil, "in"))
        #expect(next == [.send(Array("235 in\r\n".utf8)), .checkSender("a@b")])
        let last = machine.answered(SubmissionReply(250, nil, "ok"))
        #expect(last.count == 3 && last.last == .close)
    }

    @Test("a mail that is handed over is answered before the end")
    func stopping() {
        var machine = SubmissionMachine(name: "x", limits: SubmissionLimits(mail: 100), isSecure: true)
        machine.isAuthenticated = true
        machine.phase = .delivering
        #expect(machine.shutDown().isEmpty)
        let actions = machine.answered(SubmissionReply(250, nil, "stored"))
        #expect(actions.first == .send(Array("250 stored\r\n".utf8)) && actions.last == .close)
    }

    @Test("replies never carry control characters or long lines")
    func replies() {
        let reply = SubmissionReply(550, "5.1.1", "a\r\n250 b", String(repeating: "ä", count: 1000))
        let lines = String(decoding: reply.bytes, as: UTF8.self).split(separator: "\r\n")
        #expect(lines.count == 2 && lines[0] == "550-5.1.1 a??250 b" && lines[1].utf8.count < 510)
        #expect(String(describing: SubmissionLogin(user: "me", password: [1])) == "a login")
    }

    @Test("random bytes and random commands neither trap nor grow")
    func random() {
        var generator = SeededRandom(name: "submission")
        let words = [
            "EHLO me\r\n", "AUTH PLAIN AG1lAHNlY3JldA==\r\n", "AUTH LOGIN\r\n", "bWU=\r\n", "MAIL FROM:<a@b>\r\n",
            "RCPT TO:<c@d>\r\n", "DATA\r\n", ".\r\n", "text\r\n", "RSET\r\n", "STARTTLS\r\n", "NOOP\r\n", "\r", "\n",
            "=", "*\r\n",
        ]
        for _ in 0..<400 {
            var dialogue = SubmissionDialogue(
                limits: SubmissionLimits(mail: 1000), isSecure: Bool.random(using: &generator))
            for _ in 0..<40 where !dialogue.isClosed {
                if Int.random(in: 0..<8, using: &generator) == 0 {
                    dialogue.send(generator.bytes(Int.random(in: 0..<300, using: &generator)))
                } else {
                    dialogue.send(words[Int.random(in: 0..<words.count, using: &generator)])
                }
            }
            for mail in dialogue.mails {
                #expect(mail.content.count <= 1000 && !mail.recipients.isEmpty)
                #expect(SubmissionText.hasCleanLines(mail.content))
            }
        }
    }
}
