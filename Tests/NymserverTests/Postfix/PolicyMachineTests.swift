import TestSupport
import Testing

@testable import NymserverProgram

/// The pure machine: dialogues, bounds, hostile bytes.
@Suite struct PolicyMachineTests {
    /// Plays the shell; the door knows alice, bob is full, mails over 1000 bytes are too large.
    struct Dialogue {
        var machine: PolicyMachine
        var output = ""
        var questions: [PolicyQuestion] = []
        var isClosed = false

        init(_ limits: PolicyLimits = PolicyLimits()) { machine = PolicyMachine(limits: limits) }

        mutating func perform(_ actions: [PolicyMachine.Action]) {
            for action in actions {
                switch action {
                case .send(let bytes): output += String(decoding: bytes, as: UTF8.self)
                case .ask(let asked):
                    questions += asked
                    perform(
                        machine.answered(asked.map { SampleDoor().verdict(recipient: $0.recipient, size: $0.size) }))
                case .close: isClosed = true
                }
            }
        }

        mutating func say(_ bytes: some Collection<UInt8>) -> String {
            output = ""
            perform(machine.received(bytes))
            return output
        }
        mutating func say(_ text: String) -> String { say(Array(text.utf8)) }
    }

    static func request(_ state: String, to recipient: String, size: String = "0", instance: String = "a.1") -> String {
        """
        request=smtpd_access_policy
        protocol_state=\(state)
        protocol_name=ESMTP
        helo_name=mail.outside.example
        queue_id=
        sender=b@outside.example
        recipient=\(recipient)
        recipient_count=0
        client_address=192.0.2.7
        size=\(size)
        instance=\(instance)
        ccert_subject=x=y
        policy_context=


        """
    }

    @Test func everyVerdictHasItsWords() {
        var it = Dialogue()
        #expect(it.say(Self.request("RCPT", to: "alice@nym.example")) == "action=DUNNO\n\n")
        #expect(it.say(Self.request("RCPT", to: "x@elsewhere.example")) == "action=DUNNO\n\n")
        #expect(
            it.say(Self.request("RCPT", to: "nobody@nym.example"))
                == "action=550 5.1.1 there is no such address here\n\n")
        #expect(
            it.say(Self.request("RCPT", to: "bob@nym.example"))
                == "action=452 4.2.2 the mailbox is full; try again later\n\n")
        #expect(
            it.say(Self.request("RCPT", to: "alice@nym.example", size: "1001"))
                == "action=552 5.3.4 the mail is too large; 1000 bytes are taken\n\n")
        #expect(it.say(Self.request("RCPT", to: "broken@nym.example")) == "action=451 4.3.0 try again later\n\n")
        // Restrictions that it was not made for change nothing.
        for state in ["CONNECT", "EHLO", "HELO", "MAIL", "DATA", "VRFY", "ETRN", ""] {
            #expect(it.say(Self.request(state, to: "nobody@nym.example")) == "action=DUNNO\n\n")
        }
        #expect(it.questions.first == PolicyQuestion(recipient: "alice@nym.example", size: nil))
        #expect(!it.isClosed)
    }

    @Test func theEndOfAMailAsksForAllItsRecipients() {
        var it = Dialogue()
        #expect(it.say(Self.request("RCPT", to: "alice@nym.example")) == "action=DUNNO\n\n")
        #expect(it.say(Self.request("RCPT", to: "carol@nym.example")) == "action=DUNNO\n\n")
        #expect(it.say(Self.request("RCPT", to: "nobody@nym.example")).contains("550"))
        it.questions = []
        // Postfix names none where there are two.
        #expect(it.say(Self.request("END-OF-MESSAGE", to: "", size: "1000")) == "action=DUNNO\n\n")
        #expect(it.questions.map(\.recipient) == ["alice@nym.example", "carol@nym.example"])
        #expect(it.questions.map(\.size) == [1000, 1000])
        // The next mail has its own; those of the last one are forgotten, with the same instance too.
        it.questions = []
        #expect(it.say(Self.request("END-OF-MESSAGE", to: "", size: "5000")) == "action=DUNNO\n\n")
        #expect(it.questions.isEmpty)
        #expect(it.say(Self.request("RCPT", to: "alice@nym.example", instance: "a.2")) == "action=DUNNO\n\n")
        #expect(
            it.say(Self.request("END-OF-MESSAGE", to: "carol@nym.example", size: "5000", instance: "a.3")).contains(
                "552"))
        #expect(it.questions.map(\.recipient) == ["alice@nym.example", "carol@nym.example"])
    }

    @Test func theWorstVerdictIsSaid() {
        for (verdicts, word) in [
            ([NymVerdict.welcome, .overQuota, .unknown], "452"), ([.welcome, .tooLarge(limit: 5), .welcome], "552"),
            ([.later, .overQuota], "451"), ([.elsewhere, .welcome], "DUNNO"), ([], "451"),
        ] {
            var machine = PolicyMachine()
            _ = machine.received(Array(Self.request("RCPT", to: "x").utf8))
            let said = machine.answered(verdicts)
            guard case .send(let bytes) = said.first else {
                Issue.record("nothing was said")
                continue
            }
            #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("action=\(word)"))
        }
    }

    @Test func allAtOnceByteByByteAndInAnyPiecesIsTheSame() {
        var random = SeededRandom(name: "policy pieces")
        let names = ["alice", "bob", "nobody", "carol", "broken"].map { "\($0)@nym.example" }
        let text = (0..<12).map { number in
            Self.request(
                Bool.random(using: &random) ? "RCPT" : "END-OF-MESSAGE", to: names[number % names.count],
                size: String(Int.random(in: 0...2000, using: &random)), instance: "i.\(number / 4)")
        }.joined()
        var whole = Dialogue()
        let expected = whole.say(text)
        #expect(expected.split(separator: "\n", omittingEmptySubsequences: true).count == 12)
        for longest in [1, 7, 300] {
            var pieces = Dialogue()
            var said = ""
            var left = Array(text.utf8)[...]
            while !left.isEmpty {
                let count = Int.random(in: 1...longest, using: &random)
                said += pieces.say(left.prefix(count))
                left = left.dropFirst(count)
            }
            #expect(said == expected)
            #expect(pieces.questions == whole.questions)
        }
    }

    @Test(arguments: [
        "request=junk_mail\n\n", "\n", "recipient=a\n\n", "no mark\n", "=value\n", "GET / HTTP/1.1\r\n\r\n",
        "request=smtpd_access_policy\nsize=12x\n\n", "request=smtpd_access_policy\nsize=-1\n\n",
        "request=smtpd_access_policy\nsize=99999999999999999999\n\n",
        "request=smtpd_access_policy\nrecipient=a\nrecipient=b\n\n", "request=smtpd_access_policy\nhelo_name=a\0b\n\n",
    ])
    func whatIsNoRequestEndsTheConnectionWithoutAWord(_ text: String) {
        var it = Dialogue()
        #expect(it.say(text) == "")
        #expect(it.isClosed)
        #expect(it.say(Self.request("RCPT", to: "alice@nym.example")) == "")
    }

    @Test func everythingIsBounded() {
        var long = Dialogue()
        #expect(long.say("a=" + String(repeating: "x", count: 8190) + "\n") == "" && !long.isClosed)
        #expect(long.say(String(repeating: "x", count: 8193)) == "" && long.isClosed)
        var many = Dialogue()
        for _ in 0..<128 { #expect(many.say("a=b\n") == "") }
        #expect(!many.isClosed)
        #expect(many.say("a=b\n") == "" && many.isClosed)

        // Recipients over the bound are answered, and not remembered.
        var limits = PolicyLimits()
        limits.recipients = 2
        var few = Dialogue(limits)
        for _ in 0..<5 { #expect(few.say(Self.request("RCPT", to: "alice@nym.example")) == "action=DUNNO\n\n") }
        few.questions = []
        _ = few.say(Self.request("END-OF-MESSAGE", to: ""))
        #expect(few.questions.count == 2)

        // While a question is open, what else comes waits up to a bound.
        var machine = PolicyMachine()
        #expect(machine.received(Array(Self.request("RCPT", to: "x").utf8)).count == 1)
        let flood = [UInt8](repeating: 0x61, count: 60_000)
        #expect(machine.received(flood).isEmpty)
        #expect(machine.received(flood) == [.close])
        #expect(machine.answered([.welcome]).isEmpty)
    }

    @Test func aRecipientThatIsNoTextIsUnknown() {
        var it = Dialogue()
        var bytes = Array("request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=".utf8)
        bytes += [0xFF, 0xFE, 0x40]
        bytes += Array("\n\n".utf8)
        #expect(it.say(bytes).contains("550 5.1.1"))
        #expect(it.say(Self.request("RCPT", to: "")).contains("550 5.1.1"))
        #expect(it.questions.isEmpty)
    }

    @Test func stoppingAnswersFirst() {
        var machine = PolicyMachine()
        _ = machine.received(Array(Self.request("RCPT", to: "x").utf8))
        #expect(machine.shutDown().isEmpty)
        #expect(machine.answered([.welcome]) == [.send(Array("action=DUNNO\n\n".utf8)), .close])
        var idle = PolicyMachine()
        #expect(idle.shutDown() == [.close])
        #expect(idle.timedOut().isEmpty)
    }

    @Test func noiseNeverTraps() {
        var random = SeededRandom(name: "policy noise")
        let words = Array(Self.request("RCPT", to: "alice@nym.example", size: "7").utf8)
        for _ in 0..<3000 {
            var it = Dialogue()
            var bytes = words
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(0x0A, at: index)
                }
            }
            let said = it.say(bytes)
            #expect(said.isEmpty || said.hasPrefix("action="))
        }
    }
}

/// alice and carol are there, bob is full, broken is in trouble, mails over 1000 bytes are too large.
struct SampleDoor: NymDoor {
    func verdict(recipient: String, size: Int?) -> NymVerdict {
        guard recipient.hasSuffix("@nym.example") else { return .elsewhere }
        switch recipient.split(separator: "@").first {
        case "bob": return .overQuota
        case "broken": return .later
        case "alice", "carol": return (size ?? 0) > 1000 ? .tooLarge(limit: 1000) : .welcome
        default: return .unknown
        }
    }
}
