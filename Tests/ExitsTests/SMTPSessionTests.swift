import MixCrypto
import TestSupport
import Testing

@testable import Exits

/// TLS and AUTH, by script.
@Suite struct SMTPSessionTests {
    private func play(_ server: ScriptedServer, _ settings: SMTPSettings) throws -> ScriptedServer {
        var server = server
        var machine = SMTPClientMachine(settings: settings, envelope: try Sample.envelope())
        server.play(&machine)
        return server
    }

    private func server(_ turns: [String: ScriptedServer.Turn] = [:], _ capabilities: [String]) -> ScriptedServer {
        var server = ScriptedServer(turns)
        server.capabilities = capabilities
        return server
    }

    @Test(arguments: [SMTPSettings.Security.required, .opportunistic])
    func startTLSIsUsedWhenOfferedAndNothingFromBeforeCounts(_ security: SMTPSettings.Security) throws {
        var offering = server([:], ["STARTTLS", "SIZE 5", "8BITMIME"])
        offering.capabilitiesUnderTLS = ["STARTTLS"]
        let played = try play(offering, Sample.settings(security: security))
        #expect(played.commands.prefix(4) == ["EHLO exit.example", "STARTTLS", "EHLO exit.example", "MAIL FROM:<>"])
        #expect(played.outcomes == [.delivered(code: 250)])
    }

    @Test func requiredTLSOrNoMail() throws {
        let settings = Sample.settings(security: .required)
        #expect(try play(server([:], []), settings).outcomes == [.deferred(.tlsUnavailable)])
        #expect(try play(server(["EHLO": .reply("500 what")], []), settings).outcomes == [.deferred(.tlsUnavailable)])
        for reply in ["454 4.7.0 not now", "501 no"] {
            let played = try play(server(["STARTTLS": .reply(reply)], ["STARTTLS"]), settings)
            #expect(played.outcomes == [.deferred(.tlsUnavailable, code: reply == "501 no" ? 501 : 454)])
            #expect(!played.commands.contains { $0.hasPrefix("MAIL") })
        }
        #expect(try play(server(["HANDSHAKE": .close], ["STARTTLS"]), settings).outcomes == [.deferred(.tlsFailed)])
    }

    @Test func opportunisticTLSGoesOnWithout() throws {
        let settings = Sample.settings(security: .opportunistic)
        #expect(try play(server([:], []), settings).outcomes == [.delivered(code: 250)])
        #expect(
            try play(server(["STARTTLS": .reply("454 not now")], ["STARTTLS"]), settings).outcomes == [
                .delivered(code: 250)
            ])
        #expect(try play(server(["HANDSHAKE": .close], ["STARTTLS"]), settings).outcomes == [.deferred(.tlsFailed)])
    }

    @Test func repliesSlippedInBeforeTheHandshakeEndTheSession() throws {
        let slipped = server(["STARTTLS": .reply("220 go\r\n250 injected\r\n")], ["STARTTLS"])
        for security in [SMTPSettings.Security.required, .opportunistic] {
            #expect(try play(slipped, Sample.settings(security: security)).outcomes == [.deferred(.protocolViolation)])
        }
        // Half a line is as bad.
        let half = server(["STARTTLS": .reply("220 go\r\n25\n")], ["STARTTLS"])
        #expect(try play(half, Sample.settings(security: .required)).outcomes == [.deferred(.protocolViolation)])
    }

    @Test func noStartTLSUnderTLS() throws {
        let played = try play(server([:], ["STARTTLS"]), Sample.settings(security: .implicit))
        #expect(!played.commands.contains("STARTTLS"))
        #expect(played.outcomes == [.delivered(code: 250)])
    }

    @Test func plainAndLogin() throws {
        let settings = Sample.settings(security: .implicit, credentials: true)
        let plain = try play(server([:], ["AUTH LOGIN PLAIN"]), settings)
        #expect(plain.commands.dropFirst().first == "AUTH PLAIN AGV4aXQAc2VjcmV0")
        #expect(plain.outcomes == [.delivered(code: 250)])
        let login = try play(server([:], ["AUTH LOGIN"]), settings)
        #expect(login.commands.dropFirst().prefix(3) == ["AUTH LOGIN", "ZXhpdA==", "c2VjcmV0"])
        #expect(login.outcomes == [.delivered(code: 250)])
    }

    @Test func aServerThatAsksForThePlainResponseGetsItOnce() throws {
        let settings = Sample.settings(security: .implicit, credentials: true)
        let asking = try play(server(["AUTH": .reply("334 ")], ["AUTH PLAIN"]), settings)
        #expect(asking.commands.dropFirst().prefix(2) == ["AUTH PLAIN AGV4aXQAc2VjcmV0", "AGV4aXQAc2VjcmV0"])
        #expect(asking.outcomes == [.delivered(code: 250)])
        let endless = try play(server(["AUTH": .reply("334 "), "LOGIN": .reply("334 ")], ["AUTH PLAIN"]), settings)
        #expect(endless.outcomes == [.deferred(.protocolViolation)])
    }

    @Test func refusedCredentialsAreTheOperatorsProblem() throws {
        let settings = Sample.settings(security: .implicit, credentials: true)
        for (reply, outcome) in [
            ("535 5.7.8 no", ExitOutcome.deferred(.authenticationRefused, code: 535)),
            ("454 4.7.0 later", .deferred(.temporary, code: 454)), ("250 ok", .deferred(.protocolViolation, code: 250)),
        ] {
            #expect(try play(server(["AUTH": .reply(reply)], ["AUTH PLAIN"]), settings).outcomes == [outcome])
        }
        for capabilities in [[], ["AUTH CRAM-MD5"]] {
            #expect(try play(server([:], capabilities), settings).outcomes == [.deferred(.authenticationUnavailable)])
        }
    }

    @Test func aPasswordIsNotSentToWhoeverListens() throws {
        let offering = server([:], ["STARTTLS", "AUTH PLAIN LOGIN"])
        for settings in [
            Sample.settings(security: .none, credentials: true),
            Sample.settings(security: .opportunistic, credentials: true),
            Sample.settings(security: .required, credentials: true, trust: .anything),
        ] {
            let played = try play(offering, settings)
            #expect(played.outcomes == [.deferred(.authenticationUnavailable)])
            #expect(!played.commands.contains { $0.hasPrefix("AUTH") })
        }
        let allowed = Sample.settings(security: .none, credentials: true, inClear: true)
        #expect(try play(offering, allowed).outcomes == [.delivered(code: 250)])
    }

    @Test func credentialsDoNotPrint() throws {
        let settings = Sample.settings(credentials: true)
        let credentials = try #require(settings.credentials)
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped, "\(settings)"] {
            #expect(!text.contains("secret") && !text.contains("c2VjcmV0"))
        }
    }
}
