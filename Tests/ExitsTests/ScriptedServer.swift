// A mail server as a table of replies, to play against the client's machine without a network.

import MixCrypto
import WireFormat

@testable import Exits

/// Answers commands by their verb; `CONNECT` is the greeting, `DOT` the end of data, `RCPT n` the n-th recipient.
struct ScriptedServer {
    /// What a server does instead of the usual.
    enum Turn: Hashable {
        case reply(String)
        case close
        case hang
    }

    var turns: [String: Turn] = [:]
    var capabilities = ["8BITMIME", "SIZE 1000000"]
    var capabilitiesUnderTLS: [String]?
    /// Bytes handed to the machine at once.
    var pieceBytes = 1_000_000
    private(set) var commands: [String] = []
    private(set) var outcomes: [ExitOutcome]?
    private(set) var isClosed = false
    private(set) var isEncrypted = false
    private var recipients = 0

    init(_ turns: [String: Turn] = [:], pieceBytes: Int = 1_000_000) {
        self.turns = turns
        self.pieceBytes = pieceBytes
    }

    /// Plays until the machine waits for something that will not come by itself.
    mutating func play(_ machine: inout SMTPClientMachine, from start: [SMTPClientMachine.Action]? = nil) {
        var actions = start ?? answer("CONNECT", normally: "220 scripted\r\n", &machine)
        while !actions.isEmpty {
            let action = actions.removeFirst()
            switch action {
            case .send(let bytes): actions += answer(String(decoding: bytes, as: UTF8.self), &machine)
            case .startTLS:
                isEncrypted = true
                actions += turns["HANDSHAKE"] == .close ? machine.failed(.tlsFailed) : machine.tlsEstablished()
            case .sendContent:
                if let turn = turns["CONTENT"] {
                    actions += perform(turn, &machine)
                } else {
                    actions += machine.contentSent()
                }
            case .finished(let outcomes): self.outcomes = outcomes
            case .close: isClosed = true
            }
        }
    }

    private mutating func answer(_ line: String, _ machine: inout SMTPClientMachine) -> [SMTPClientMachine.Action] {
        guard line.hasSuffix("\r\n"), !line.dropLast().contains("\n") else {
            commands.append("NOT ONE LINE: \(line)")
            return machine.closed()
        }
        let command = String(line.dropLast())
        commands.append(command)
        var verb = String(command.split(separator: " ").first ?? "")
        switch verb {
        case "EHLO", "LHLO":
            let offered = isEncrypted ? capabilitiesUnderTLS ?? capabilities : capabilities
            let lines = ["scripted"] + offered
            let text = lines.enumerated().map { "250\($0 + 1 == lines.count ? " " : "-")\($1)\r\n" }.joined()
            return answer(verb, normally: text, &machine)
        case "STARTTLS": return answer(verb, normally: "220 go\r\n", &machine)
        case "AUTH" where command == "AUTH LOGIN": return answer(verb, normally: "334 VXNlcm5hbWU6\r\n", &machine)
        case "AUTH": return answer(verb, normally: "235 welcome\r\n", &machine)
        case "DATA": return answer(verb, normally: "354 go\r\n", &machine)
        case ".": verb = "DOT"
        case "QUIT": return answer(verb, normally: "221 bye\r\n", &machine)
        case "RCPT":
            recipients += 1
            if turns["RCPT \(recipients)"] != nil { verb = "RCPT \(recipients)" }
        case "MAIL": recipients = 0
        case "HELO", "RSET": break
        default:
            // The second and third step of AUTH LOGIN.
            return answer(
                "LOGIN",
                normally: commands.dropLast().last == "AUTH LOGIN" ? "334 UGFzc3dvcmQ6\r\n" : "235 welcome\r\n",
                &machine)
        }
        return answer(verb, normally: "250 ok\r\n", &machine)
    }

    private mutating func answer(
        _ verb: String, normally text: String, _ machine: inout SMTPClientMachine
    ) -> [SMTPClientMachine.Action] { perform(turns[verb] ?? .reply(text), &machine) }

    private mutating func perform(_ turn: Turn, _ machine: inout SMTPClientMachine) -> [SMTPClientMachine.Action] {
        switch turn {
        case .hang: return machine.timedOut()
        case .close: return machine.closed()
        case .reply(let text):
            var actions: [SMTPClientMachine.Action] = []
            var rest = Array((text.utf8.last == 0x0A ? text : text + "\r\n").utf8)[...]
            while !rest.isEmpty {
                actions += machine.received(rest.prefix(pieceBytes))
                rest = rest.dropFirst(pieceBytes)
            }
            return actions
        }
    }
}

/// Settings and envelopes for the machine's tests.
enum Sample {
    static func settings(
        security: SMTPSettings.Security = .none, credentials: Bool = false, trust: SMTPSettings.Trust = .system,
        inClear: Bool = false
    ) -> SMTPSettings {
        SMTPSettings(
            host: "mail.example.org", port: 25, security: security, trust: trust, helloName: "exit.example",
            credentials: credentials
                ? SMTPCredentials(user: "exit", password: SymmetricSecret(copying: Array("secret".utf8))) : nil,
            allowsPasswordInClear: inClear)
    }

    static func envelope(
        to recipients: [String] = ["alice@example.org"], bytes: Int = 100, eightBit: Bool = false, sender: String? = nil
    ) throws -> SMTPEnvelope {
        SMTPEnvelope(
            sender: try sender.map { text in try MailRecipient(text) },
            recipients: try recipients.map { text in try MailRecipient(text) }, wireBytes: bytes, hasEightBit: eightBit)
    }
}
