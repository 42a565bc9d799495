import TestSupport
import Testing

@testable import Exits

@Suite struct SMTPClientMachineTests {
    /// Plays one mail against `server`, whole and byte by byte, which must make no difference.
    private func play(
        _ server: ScriptedServer, settings: SMTPSettings = Sample.settings(), envelope: SMTPEnvelope? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> ScriptedServer {
        let envelope = try envelope ?? Sample.envelope()
        let played = [1, 1_000_000].map { size in
            var server = server
            server.pieceBytes = size
            var machine = SMTPClientMachine(settings: settings, envelope: envelope)
            server.play(&machine)
            return server
        }
        #expect(played[0].commands == played[1].commands, sourceLocation: sourceLocation)
        #expect(played[0].outcomes == played[1].outcomes, sourceLocation: sourceLocation)
        return played[0]
    }

    @Test func aMailIsDelivered() throws {
        let server = try play(
            ScriptedServer(), envelope: Sample.envelope(to: ["alice@example.org", "bob@example.org"], eightBit: true))
        #expect(
            server.commands == [
                "EHLO exit.example", "MAIL FROM:<> SIZE=100 BODY=8BITMIME", "RCPT TO:<alice@example.org>",
                "RCPT TO:<bob@example.org>",
                "DATA", ".",
            ])
        #expect(server.outcomes == [.delivered(code: 250), .delivered(code: 250)])
        #expect(!server.isClosed)
    }

    @Test func parametersAreSentOnlyIfOffered() throws {
        var server = ScriptedServer()
        server.capabilities = []
        let played = try play(server, envelope: Sample.envelope(eightBit: true, sender: "bounces@exit.example"))
        #expect(played.commands.dropFirst().first == "MAIL FROM:<bounces@exit.example>")
        let old = try play(ScriptedServer(["EHLO": .reply("502 what?")]))
        #expect(old.commands.prefix(3) == ["EHLO exit.example", "HELO exit.example", "MAIL FROM:<>"])
        #expect(old.outcomes == [.delivered(code: 250)])
    }

    /// Every step of a session with each of the ways to fail, and what must come of it.
    static let failures: [(step: String, permanent: ExitOutcome)] = [
        ("CONNECT", .deferred(.serverRefused, code: 554)), ("MAIL", .deferred(.senderRefused, code: 554)),
        ("RCPT", .refused(.recipientRefused, code: 554)), ("DATA", .refused(.contentRefused, code: 554)),
        ("CONTENT", .refused(.contentRefused, code: 554)), ("DOT", .refused(.contentRefused, code: 554)),
    ]

    @Test(arguments: failures)
    func everyStepCanFailInEveryWay(_ step: String, _ permanent: ExitOutcome) throws {
        let isAmbiguous = step == "DOT"
        func lost(_ reason: DeferralReason, code: UInt16? = nil) -> ExitOutcome {
            .deferred(Deferral(reason: reason, code: code, isAmbiguous: isAmbiguous))
        }
        #expect(try play(ScriptedServer([step: .reply("554 5.0.0 no")])).outcomes == [permanent])
        #expect(
            try play(ScriptedServer([step: .reply("451 4.0.0 later")])).outcomes == [.deferred(.temporary, code: 451)])
        #expect(
            try play(ScriptedServer([step: .reply("421 4.3.2 going down")])).outcomes == [
                .deferred(.temporary, code: 421)
            ])
        #expect(try play(ScriptedServer([step: .close])).outcomes == [lost(.closed)])
        #expect(try play(ScriptedServer([step: .hang])).outcomes == [lost(.timeout)])
        #expect(try play(ScriptedServer([step: .reply("nonsense")])).outcomes == [lost(.protocolViolation)])
        #expect(try play(ScriptedServer([step: .reply("334 what")])).outcomes == [lost(.protocolViolation, code: 334)])
    }

    @Test func aServerThatWantsNoHelloIsTheOperatorsProblem() throws {
        let refusal = ScriptedServer.Turn.reply("550 go away")
        #expect(
            try play(ScriptedServer(["EHLO": refusal, "HELO": refusal])).outcomes == [
                .deferred(.serverRefused, code: 550)
            ])
        #expect(try play(ScriptedServer(["EHLO": .reply("451 x")])).outcomes == [.deferred(.temporary, code: 451)])
        #expect(try play(ScriptedServer(["EHLO": .close])).outcomes == [.deferred(.closed)])
    }

    @Test(
        arguments: [
            ("MAIL", "552 5.3.4 too big", .refused(.tooLarge, code: 552)),
            ("MAIL", "552 no", .refused(.tooLarge, code: 552)),
            ("MAIL", "554 5.3.4 too big", .refused(.tooLarge, code: 554)),
            ("MAIL", "550 5.1.8 bad sender", .deferred(.senderRefused, code: 550)),
            ("MAIL", "530 5.7.0 authenticate", .deferred(.authenticationRefused, code: 530)),
            ("MAIL", "501 5.5.4 syntax", .deferred(.commandRefused, code: 501)),
            ("MAIL", "555 what", .deferred(.commandRefused, code: 555)),
            ("RCPT", "550 5.1.1 no such user", .refused(.recipientRefused, code: 550)),
            ("RCPT", "501 5.1.3 bad address", .refused(.recipientRefused, code: 501)),
            ("RCPT", "550 5.1.1 <x@relay.example> unknown", .refused(.recipientRefused, code: 550)),
            ("RCPT", "554 5.7.1 Relay access denied", .deferred(.relayRefused, code: 554)),
            ("RCPT", "550 relaying denied", .deferred(.relayRefused, code: 550)),
            ("RCPT", "552 too many recipients", .deferred(.temporary, code: 552)),
            ("RCPT", "503 sequence", .deferred(.commandRefused, code: 503)),
            ("RCPT", "530 no", .deferred(.authenticationRefused, code: 530)),
            ("RCPT", "450 greylisted", .deferred(.temporary, code: 450)),
            ("DATA", "503 sequence", .deferred(.commandRefused, code: 503)),
            ("DATA", "550 no", .refused(.contentRefused, code: 550)),
            ("DOT", "552 5.3.4 too big", .refused(.tooLarge, code: 552)),
            ("DOT", "552 5.2.2 full", .refused(.contentRefused, code: 552)),
            ("DOT", "550 5.7.1 spam, no relay", .refused(.contentRefused, code: 550)),
            ("DOT", "500 line too long", .refused(.contentRefused, code: 500)),
            ("DOT", "503 sequence", .deferred(.commandRefused, code: 503)),
            ("DATA", "250 ok", .deferred(.protocolViolation, code: 250)),
            ("CONTENT", "250 ok", .deferred(.protocolViolation, code: 250)),
        ] as [(String, String, ExitOutcome)])
    func onlyWhatConcernsTheMailRefusesIt(_ step: String, _ reply: String, _ outcome: ExitOutcome) throws {
        #expect(try play(ScriptedServer([step: .reply(reply)])).outcomes == [outcome])
    }

    @Test func eachRecipientHasAnOutcomeOfItsOwn() throws {
        let three = try Sample.envelope(to: ["a@x.org", "b@x.org", "c@x.org"])
        var turns: [String: ScriptedServer.Turn] = ["RCPT 1": .reply("550 5.1.1 no"), "RCPT 3": .reply("451 later")]
        let mixed = try play(ScriptedServer(turns), envelope: three)
        #expect(
            mixed.outcomes == [
                .refused(.recipientRefused, code: 550), .delivered(code: 250), .deferred(.temporary, code: 451),
            ])
        turns["DOT"] = .close
        #expect(
            try play(ScriptedServer(turns), envelope: three).outcomes == [
                .refused(.recipientRefused, code: 550), .deferred(Deferral(reason: .closed, isAmbiguous: true)),
                .deferred(.temporary, code: 451),
            ])
        turns["RCPT 2"] = .reply("550 5.1.1 no")
        let none = try play(ScriptedServer(turns), envelope: three)
        #expect(!none.commands.contains("DATA"))
        #expect(none.outcomes?.last == .deferred(.temporary, code: 451))
    }

    @Test func aMailOverTheServersSizeIsNotSent() throws {
        let played = try play(ScriptedServer(), envelope: Sample.envelope(bytes: 1_000_001))
        #expect(played.outcomes == [.refused(.tooLarge, code: nil)])
        #expect(played.commands == ["EHLO exit.example"])
        var unlimited = ScriptedServer()
        unlimited.capabilities = ["SIZE 0"]
        #expect(try play(unlimited, envelope: Sample.envelope(bytes: 1_000_001)).outcomes == [.delivered(code: 250)])
    }

    @Test func aConnectionTakesSeveralMails() throws {
        var server = ScriptedServer(["DATA": .reply("451 later")])
        var machine = SMTPClientMachine(settings: Sample.settings(), envelope: try Sample.envelope())
        server.play(&machine)
        #expect(server.outcomes == [.deferred(.temporary, code: 451)])
        server.turns = [:]
        server.play(&machine, from: machine.begin(try Sample.envelope(to: ["bob@example.org"])))
        #expect(server.outcomes == [.delivered(code: 250)])
        server.play(&machine, from: machine.begin(try Sample.envelope(to: ["carol@example.org"])))
        #expect(
            server.commands.dropFirst(4) == [
                "RSET", "MAIL FROM:<> SIZE=100", "RCPT TO:<bob@example.org>", "DATA", ".", "MAIL FROM:<> SIZE=100",
                "RCPT TO:<carol@example.org>", "DATA", ".",
            ])
        server.play(&machine, from: machine.quit())
        #expect(server.commands.last == "QUIT" && server.isClosed)
        #expect(machine.begin(try Sample.envelope()) == [.finished([.deferred(.closed)])])
    }

    @Test func whatAnIdleServerSaysEndsTheConnection() throws {
        var server = ScriptedServer()
        var machine = SMTPClientMachine(settings: Sample.settings(), envelope: try Sample.envelope())
        server.play(&machine)
        #expect(machine.received(Array("421 idle too long\r\n".utf8)) == [.close])
        #expect(machine.step == .closed)
        #expect(
            machine.received(Array("250 ok\r\n".utf8)).isEmpty && machine.closed().isEmpty && machine.timedOut().isEmpty
        )
    }

    @Test func ourOwnTroubleDefers() throws {
        var machine = SMTPClientMachine(settings: Sample.settings(), envelope: try Sample.envelope())
        #expect(machine.failed(.shutdown) == [.finished([.deferred(.shutdown)]), .close])
    }

    @Test func randomServersNeverTrapAndAlwaysGiveAnOutcome() throws {
        var generator = SeededRandom(name: "random servers")
        let verbs = [
            "CONNECT", "EHLO", "HELO", "STARTTLS", "AUTH", "LOGIN", "MAIL", "RCPT", "DATA", "CONTENT", "DOT",
            "HANDSHAKE",
        ]
        let replies = [
            "220 a", "250 b", "250-c\r\n250 STARTTLS", "334 d", "354 e", "421 f", "451 g", "500 h", "530 i", "552 j",
            "235 k", "x",
        ]
        for _ in 0..<3000 {
            var turns: [String: ScriptedServer.Turn] = [:]
            for verb in verbs where Bool.random(using: &generator) {
                let reply = replies[Int.random(in: 0..<replies.count, using: &generator)]
                turns[verb] = Int.random(in: 0..<6, using: &generator) == 0 ? .close : .reply(reply)
            }
            var server = ScriptedServer(turns, pieceBytes: Int.random(in: 1...9, using: &generator))
            server.capabilities = ["STARTTLS", "AUTH PLAIN LOGIN"]
            let security: [SMTPSettings.Security] = [.none, .opportunistic, .required, .implicit]
            let settings = Sample.settings(
                security: security[Int.random(in: 0..<4, using: &generator)], credentials: .random(using: &generator),
                inClear: .random(using: &generator))
            var machine = SMTPClientMachine(settings: settings, envelope: try Sample.envelope())
            server.play(&machine)
            _ = machine.closed().map { if case .finished(let outcomes) = $0 { #expect(outcomes.count == 1) } }
            #expect(server.outcomes?.count == 1 || machine.transaction == nil)
            // Delivered means that the server said 2xx to the dot, and nothing else.
            if server.outcomes == [.delivered(code: 250)] {
                #expect(server.commands.contains("."))
                #expect(
                    turns["DOT"] == nil || turns["DOT"] == .reply("250 b")
                        || turns["DOT"] == .reply("250-c\r\n250 STARTTLS"))
            }
        }
    }
}
