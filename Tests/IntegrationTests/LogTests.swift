// What a network writes into its logs at trace level, with users, failures, crashes and hostile peers.

import Daemon
import Foundation
import Glibc
import LabProgram
import MMTP
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Logs")
    struct LogTests {
        @Test("at trace level no log holds anything about users, peers or packets", .timeLimit(.minutes(2)))
        func nothingInLogs() async throws {
            var random = SeededRandom(name: "nothingInLogs")
            let server = try await MailServer(["--reply", "RCPT*2=451 4.3.0 not now", "--close", "DOT*1", "--hang", "DATA*1"])
            var plan = LabPlan()
            plan.nodes = 5
            plan.exits = 2
            plan.timeScale = 300
            // Loops too: they are made and come back, or do not.
            plan.loopsPerMinute = 0.2
            plan.smarthost = "127.0.0.1:\(server.port)"
            plan.smtpTimeout = .milliseconds(500)
            plan.retryPause = .seconds(60)
            let lab = try RunningLab(plan) { _, text in text += "\n[log]\nlevel = \"trace\"\n" }
            let sender = try Correspondent(lab)
            let exits = lab.exits.map(\.name)
            try lab.kill("bravo")

            var secrets = ["wonderland", "Meeting", "127.0.0.1", "\(server.port)"]
            var shipments: [Shipment] = []
            for number in 0..<30 {
                let exit = exits[number % 2]
                // Some for a local user who does not exist.
                let recipient = number % 3 == 0 ? "mbox:\(number % 6 == 0 ? "postmaster" : "nobody")@\(exit)" : "smtp:alice\(number)@wonderland.example"
                secrets.append(String(recipient.dropFirst(5)))
                let path = number < 15 ? ["alpha", "charlie", exit] : ["alpha", "bravo", exit]
                shipments += try sender.shipments(
                    RandomText.base64(number % 5 == 0 ? 30_000 : 30, using: &random), subject: "Meeting number \(number)", to: recipient,
                    exit: exit, path: path, delay: .seconds(20), using: &random)
            }
            try await sender.send(shipments)
            // Damaged, repeated and made up.
            try await sender.send([shipments[0]])
            let connection = try await sender.connect(to: sender.id("alpha"))
            var damaged = shipments[1].packet
            damaged[100] ^= 1
            #expect(await connection.send([damaged, random.bytes(32_768)]) == [.rejected(.malformed), .rejected(.malformed)])
            connection.close()
            let garbage = try LoopbackSocket(port: lab.nodes[0].port)
            garbage.send(random.bytes(1000))
            try await eventually("what bravo is not needed for arrives") { server.count >= 8 }
            try lab.start("bravo")
            try lab.signal("alpha", SIGHUP)
            try lab.kill(exits[0])
            try lab.start(exits[0])
            let bySMTP = (0..<30).count { $0 % 3 != 0 }
            try await eventually("everything arrives", seconds: 60) {
                Set(server.mails.map { ArrivedMail($0).subject }).count == bySMTP
                    && exits.reduce(0) { $0 + lab.mails($1).count } == 5
            }
            secrets += server.mails.map { String(ArrivedMail($0).messageID.dropFirst().prefix { $0 != "@" }) }
            lab.stop()
            let allowed = lab.nodes.flatMap { [$0.id, String($0.id.prefix(16))] } + lab.names.map(lab.dataDirectory) + [lab.networkFile]
            var lines = 0
            for name in lab.names {
                let text = lab.log(name)
                lines += text.split(separator: "\n").count
                #expect(text.contains("info node: started"))
                let findings = LogSafety.findings(in: text, secrets: secrets, allowed: allowed)
                #expect(findings.isEmpty, "\(name): \(findings) in \(text)")
            }
            print("\(lines) lines of log searched for \(secrets.count) secrets")
            // The search does find what it is for.
            #expect(!LogSafety.findings(in: "mail for alice1@wonderland.example", secrets: secrets, allowed: allowed).isEmpty)
        }
    }
}
