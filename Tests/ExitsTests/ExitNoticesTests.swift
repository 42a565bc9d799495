import Messages
import TestSupport
import Testing
import WireFormat

@testable import Exits

/// What recipients are told, and where.
@Suite struct ExitNoticesTests {
    private let identity: ExitIdentity
    private let link: MailRecipient

    init() throws {
        identity = ExitIdentity(
            address: try MailRecipient("anonymous@exit.example"), complaints: try MailRecipient("abuse@exit.example"))
        link = try MailRecipient("optout+abc&d@reply.exit.example")
    }

    private func facts(_ text: String, pieces: Int = 65_536) throws -> BodyFacts {
        try ExitBody(bytes: Array(text.utf8), pieceBytes: pieces).facts()
    }

    private func all(_ body: ExitBody) throws -> String {
        let read = try body.open()
        var bytes: [UInt8] = []
        while let piece = try read() { bytes += piece }
        #expect(try read() == nil)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func theFooterFollowsWhatIsPlain() throws {
        let texts = ExitTexts()
        let footer = texts.bodyFooter(identity, optOut: nil)
        let text = String(decoding: footer, as: UTF8.self)
        #expect(text.hasPrefix("-- \r\nThis mail came through"))
        #expect(text.contains("abuse@exit.example") && !text.contains("{") && !text.contains("optout"))
        #expect(
            String(decoding: texts.bodyFooter(identity, optOut: link), as: UTF8.self).hasSuffix("\(link.address)\r\n"))
        for (body, start) in [("hello\n", "hello\n"), ("hello", "hello\r\n"), ("", ""), ("a\r", "a\r")] {
            let plain = ExitBody(bytes: Array(body.utf8), pieceBytes: 2)
            let followed = plain.followed(by: footer)
            #expect(try all(followed) == start + text)
            // What the server is told is what it gets.
            #expect(try followed.facts().wireBytes == plain.facts().followed(by: footer).wireBytes)
        }
    }

    @Test func theFooterIsForPlainTextAlone() throws {
        let plain = try facts("hello\n")
        let good: [[SenderField: String]] = [
            [:], [.subject: "x"], [.mimeVersion: "1.0", .contentType: "text/plain"],
            [.contentType: "Text/Plain; charset=\"UTF-8\"; format=flowed", .contentTransferEncoding: "8bit"],
            [.contentType: "text/plain; charset=iso-8859-1"], [.contentTransferEncoding: "7bit"],
        ]
        for fields in good { #expect(BodyFooter.isPossible(fields: fields, body: plain), "\(fields)") }
        let bad: [[SenderField: String]] = [
            [.contentType: "multipart/mixed; boundary=x"], [.contentType: "text/html"],
            [.contentType: "text/plain; charset=utf-16"], [.contentType: "application/pkcs7-mime"],
            [.contentTransferEncoding: "base64"], [.contentTransferEncoding: "quoted-printable"],
            [.contentMD5: "x"], [.contentDisposition: "attachment"],
        ]
        for fields in bad { #expect(!BodyFooter.isPossible(fields: fields, body: plain), "\(fields)") }
        for armor in ["PGP MESSAGE", "PGP SIGNED MESSAGE", "NIGHTJAR MESSAGE"] {
            for pieces in [1, 5, 1000] {
                let body = try facts("see:\r\n-----BEGIN \(armor)-----\r\nx\r\n", pieces: pieces)
                #expect(body.hasArmor && !BodyFooter.isPossible(fields: [:], body: body))
            }
        }
        for text in ["x-----BEGIN PGP\n", "-----BEGI\nN PGP\n", "----- BEGIN PGP\n", "-----BEGIN"] {
            #expect(try !facts(text).hasArmor)
        }
    }

    @Test func theHeaderNamesTheLink() throws {
        func head(_ link: MailRecipient?, _ texts: ExitTexts = ExitTexts()) throws -> String {
            let mail = try ExitMail.compose(
                identity: identity, recipients: [MailRecipient("alice@example.org")], fields: [:], body: facts("x\n"),
                token: Digest(), texts: texts, optOut: link, now: Timestamp(seconds: 1_795_242_600))
            return String(decoding: mail.head, as: UTF8.self)
        }
        #expect(try !head(nil).contains("List-"))
        #expect(try head(link).contains("List-Unsubscribe: <mailto:optout+abc%26d@reply.exit.example>\r\n"))
        #expect(try head(link).contains("List-Help: <mailto:abuse@exit.example>\r\n"))
        var texts = ExitTexts()
        try texts.set(.comments, to: "Sent by {exit}.\nWrite to {complaints}\n")
        #expect(try head(nil, texts).contains("Comments: Sent by exit.example. Write to abuse@exit.example\r\n"))
    }

    @Test func textsAreChecked() throws {
        var texts = ExitTexts()
        func refused(_ part: ExitTexts.Part, _ text: String, _ error: ExitTextError) {
            #expect(throws: error) { try texts.set(part, to: text) }
        }
        refused(.footer, " \n\n", .lacks("{complaints}"))
        refused(.footer, "", .empty)
        refused(.footer, "hello\n", .lacks("{complaints}"))
        refused(.footer, "{complaints} gr\u{FC}n", .notASCII)
        refused(.footer, "{complaints}\tx", .notASCII)
        refused(.footer, "{complaints} {who}", .placeholder("who"))
        refused(.footer, "{complaints} {exit", .placeholder("exit"))
        refused(.footer, "{complaints} {optout}", .placeholder("optout"))
        refused(.footer, "{complaints}" + String(repeating: "x", count: 70), .longLine(78))
        refused(.comments, "{complaints}" + String(repeating: " x", count: 400), .tooLong(600))
        refused(.optOut, "write to us", .lacks("{optout}"))
        try texts.set(.optOut, to: "Stop: {optout}  \r\n")
        #expect(texts.optOut == "Stop: {optout}\n")
    }
}
