// The nymserver killed again and again while mail comes and goes: nothing is lost, nothing comes twice.

import Foundation
import LabProgram
import TestSupport
import Testing

extension Integration {
    @Suite("A nymserver that is killed", .enabled(if: NymDomainMail.isAvailable, "\(NymDomainMail.needs)"))
    struct NymCrashTests {
        @Test("loses and doubles nothing, in and out", .timeLimit(.minutes(10)))
        func kills() async throws {
            var random = SeededRandom(name: "nymserver kills")
            let desk = try await NymDesk()
            let alice = try await NymUser(desk)
            try await alice.create("alice@nym.example")
            let (kills, mails, answers) = (6, 24, 4)
            for number in 0..<answers {
                try await alice.send(
                    from: "alice@nym.example", to: "b@outside.example", subject: "out \(number).", "Number \(number).\n"
                )
            }
            var written = 0
            for _ in 0..<kills {
                for _ in 0..<(mails / kills) {
                    // Refused for the moment while nobody answers: sent again, as any mail server does.
                    let subject = "in \(written)."
                    try await eventually("\(subject) is taken", seconds: 30, every: .milliseconds(200)) {
                        try await desk.mail.swaks(
                            from: "b@outside.example", to: ["alice@nym.example"], subject: subject
                        ).code == 0
                    }
                    written += 1
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...900, using: &random)))
                try desk.lab.kill(Lab.nymserverName)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...300, using: &random)))
                try desk.lab.start(Lab.nymserverName)
                _ = try await alice.check()
            }
            let wanted = (0..<mails).map { "Subject: in \($0).\n" }
            var shown = ""
            try await eventually("all mails came; \(desk.logs)", seconds: 180, every: .milliseconds(500)) {
                shown = try await alice.check()
                return wanted.allSatisfy(shown.contains)
            }
            for subject in wanted {
                #expect(shown.components(separatedBy: subject).count == 2, "\(subject) came more than once")
            }
            for number in 0..<answers {
                let mail = try await desk.mail.outside.mail("out \(number).", seconds: 60, log: desk.logs)
                #expect(mail.content.contains("Number \(number)."))
            }
            // Killed between the mail server's 250 and its own note of it, the server must hand a mail over again; it is the
            // same mail then, by its Message-ID.
            let sent = desk.mail.outside.mails.map { ArrivedMail(Data($0.content.utf8)) }
            #expect(Set(sent.map(\.messageID)).count == answers, "\(sent.map { $0.subject + " " + $0.messageID })")
            print("\(sent.count - answers) of \(answers) mails were handed over again")
            #expect(
                !desk.lab.log(Lab.nymserverName).contains("error"), "\(desk.lab.log(Lab.nymserverName).suffix(1000))")
            desk.lab.stop()
        }
    }
}
