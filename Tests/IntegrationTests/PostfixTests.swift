// Mail with attachments through five nodes into a Postfix.

import Foundation
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Postfix", .enabled(if: Postfix.isAvailable, "these tests need a real mail server: apt-get install postfix"))
    struct PostfixTests {
        @Test("mails of 2 KB, 300 KB and 5 MB arrive over five hops, the body byte for byte", .timeLimit(.minutes(3)))
        func sizes() async throws {
            var generator = SeededRandom(name: "sizes")
            let postfix = try await Postfix()
            var plan = LabPlan()
            plan.timeScale = 200
            plan.loopsPerMinute = 0
            plan.smarthost = "127.0.0.1:\(postfix.port)"
            plan.retryPause = .seconds(60)
            let lab = try RunningLab(plan)
            let sender = try Correspondent(lab)
            let exit = lab.exits[0].name

            var bodies: [String: [UInt8]] = [:]
            for size in [2_000, 300_000, 5_000_000] {
                let head = "From: me@home.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"cut\"\r\n\r\n"
                let opening = "--cut\r\nContent-Type: text/plain\r\n\r\n.hello\r\n..\r\n.\r\n--cut\r\nContent-Type: application/octet-stream\r\n"
                    + "Content-Disposition: attachment; filename=\"a.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                let body = Array(opening.utf8) + RandomText.base64(size * 4 / 3, using: &generator) + Array("--cut--\r\n".utf8)
                let subject = "attachment of \(size) bytes"
                bodies[subject] = body
                let shipments = try sender.shipments(
                    Array(head.utf8) + body, subject: subject, to: "smtp:someone@outside.example", exit: exit, delay: .seconds(20),
                    using: &generator)
                print("\(subject): \(shipments.count) packets")
                try await sender.send(shipments)
            }
            try await eventually("three mails have arrived; \(postfix.log.suffix(500))", seconds: 140) { postfix.mails.count >= 3 }
            for mail in postfix.mails.map(ArrivedMail.init) {
                let sent = bodies.removeValue(forKey: mail.subject).map { String(decoding: $0, as: UTF8.self).replacing("\r\n", with: "\n") }
                // The exit's note about itself may follow the body; nothing in it may differ. Compared as a fact, so that a
                // failure does not print megabytes.
                let isSame = sent == mail.body
                #expect(isSame, "\(mail.subject): \(sent?.utf8.count ?? -1) bytes sent, \(mail.body.utf8.count) arrived")
                #expect(mail.headers["content-type"] == "multipart/mixed; boundary=\"cut\"")
                #expect(mail.headers["from"]?.contains("home.example") == false)
            }
            #expect(bodies.isEmpty)
            let books = try await lab.quiet()
            for (name, book) in books { #expect(book["packets_missing"] == 0, "the books of \(name)") }
            lab.stop()
            try await postfix.stop()
        }
    }
}
