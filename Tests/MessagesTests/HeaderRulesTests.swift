import TestSupport
import Testing

@testable import Messages

@Suite struct HeaderRulesTests {
    private func violation(_ field: SenderField, _ value: String) -> HeaderViolation.Reason? {
        do throws(HeaderViolation) {
            _ = try HeaderRules.senderHeaders(from: [field: value])
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(arguments: [
        (SenderField.subject, "hello\r\nBcc: x@example.org", HeaderViolation.Reason.controlCharacter),
        (.subject, "hello\nworld", .controlCharacter),
        (.subject, "hello\0", .controlCharacter),
        (.subject, "a\tb", .controlCharacter),
        (.subject, "gr\u{FC}\u{DF}e\r\nBcc: x", .controlCharacter),
        (.subject, "next\u{85}line", .controlCharacter),
        (.subject, "", .empty),
        (.subject, " x", .surroundingSpace),
        (.subject, "x ", .surroundingSpace),
        (.subject, String(repeating: "x", count: 1500), .lineTooLong),
        (.subject, String(repeating: "x ", count: 1500) + "x", .tooLong),
        (.subject, "=?utf-8?b?!!!!?=", .malformedEncodedWord),
        (.subject, "=?utf-8?b?DQpCY2M6IHg=?=", .malformedEncodedWord),
        (.subject, "=?utf-8?q?=0D=0ABcc:_x?=", .malformedEncodedWord),
        (.subject, "=?utf-8?q?=+1?=", .malformedEncodedWord),
        (.subject, "=?utf-7?q?a?=", .malformedEncodedWord),
        (.subject, "=?utf-8?q?=FF?=", .malformedEncodedWord),
        (.subject, "=?utf-8?x?abc?=", .malformedEncodedWord),
        (.subject, "=?utf-8?q?abc", .malformedEncodedWord),
        (.subject, "a=?utf-8?q?abc?=", .malformedEncodedWord),
        (.subject, "=?utf-8?q?\(String(repeating: "a", count: 70))?=", .malformedEncodedWord),
        (.inReplyTo, "<a@b> c", .malformedMessageID),
        (.inReplyTo, "<a@b>  <c@d>", .malformedMessageID),
        (.inReplyTo, "<ab>", .malformedMessageID),
        (.references, "<a@b><c@d>", .malformedMessageID),
        (.references, "<a@b> <\"c\"@d>", .malformedMessageID),
        (.mimeVersion, "1.1", .malformedValue),
        (.contentTransferEncoding, "binary", .unsupportedEncoding),
        (.contentType, "text", .malformedValue),
        (.contentType, "text/plain; charset", .malformedValue),
        (.contentType, "text/plain; charset=\"utf", .malformedValue),
        (.contentType, "text/plain (comment)", .malformedValue),
        (.contentType, "text/plain; name=\u{FC}.txt", .notASCII),
        (.contentDisposition, "attachment/x", .malformedValue),
        (.contentLanguage, "=?utf-8?q?de?=", .malformedValue),
        (.displayName, "alice@example.org", .unsafeName),
        (.displayName, "Alice (verified)", .unsafeName),
        (.displayName, "Alice\u{202E}", .unsafeName),
        (.displayName, "Al\u{200B}ice", .unsafeName),
        (.displayName, "Alice\u{3164}", .unsafeName),
        (.displayName, "Alice \u{FF20}example", .unsafeName),
        (.displayName, "Al\" <x>", .unsafeName),
        (.displayName, "a  b", .unsafeName),
        (.displayName, "a\r\nb", .unsafeName),
        (.displayName, "a ", .unsafeName),
        (.displayName, "...", .unsafeName),
        (.displayName, "e\u{301}\u{301}\u{301}\u{301}", .unsafeName),
        (.displayName, String(repeating: "a", count: 41), .unsafeName),
        (.displayName, "", .empty),
    ])
    func refused(field: SenderField, value: String, reason: HeaderViolation.Reason) {
        #expect(violation(field, value) == reason)
    }

    @Test(arguments: [
        (SenderField.subject, "hello world"), (.subject, "=?utf-8?q?gr=C3=BC=C3=9Fe?= and more"),
        (.subject, "=?ISO-8859-1?Q?a_b?="), (.subject, "=?utf-8*de?b?w7w=?="), (.subject, "1+1=2? yes"),
        (.subject, "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?="),
        (.inReplyTo, "<a.b+c=d@mail.example>"), (.references, "<a@b> <c@d>"), (.mimeVersion, "1.0"),
        (.contentTransferEncoding, "Base64"), (.contentType, "multipart/mixed; boundary=\"a b;=\\\"c\""),
        (.contentType, "text/plain; charset=utf-8;"), (.contentType, "text/plain"),
        (.contentDisposition, "attachment; filename*=utf-8''%c3%bc"), (.contentLanguage, "de, en"),
        (.displayName, "Alice O'Neill-Smith Jr."), (.displayName, "J\u{FC}rgen"), (.displayName, "\u{5D0}\u{5D1}"),
    ])
    func accepted(field: SenderField, value: String) {
        #expect(violation(field, value) == nil)
    }

    @Test func fieldsComeOutInOrderWithoutTheDisplayName() throws {
        let headers = try HeaderRules.senderHeaders(from: [
            .contentType: "text/plain", .subject: "x", .displayName: "Alice", .mimeVersion: "1.0",
        ])
        #expect(headers.map(\.name) == ["Subject", "MIME-Version", "Content-Type"])
    }

    @Test func textOutsideASCIIBecomesEncodedWords() throws {
        let subject = "Gr\u{FC}\u{DF}e \u{1F426} " + String(repeating: "\u{E4}\u{F6}\u{FC} ", count: 20) + "=?x"
        let header = try #require(try HeaderRules.senderHeaders(from: [.subject: subject]).first)
        #expect(EncodedWord.isWellFormed(header.value))
        let lines = String(decoding: header.serialized, as: UTF8.self).split(separator: "\r\n")
        #expect(lines.count > 2)
        #expect(lines.allSatisfy { $0.utf8.count <= 76 })
        #expect(header.value.hasPrefix("=?utf-8?b?R3LDvMOfZSDwn5CmIM"))
    }

    @Test func displayNamesAreTagged() throws {
        #expect(
            try HeaderRules.from(displayName: "Alice", address: "anon@exit.example").value
                == "\"Alice (anonymous, unverified)\" <anon@exit.example>")
        #expect(
            try HeaderRules.from(displayName: nil, address: "anon@exit.example").value
                == "\"Anonymous sender\" <anon@exit.example>")
        // base64 of "Jürgen (anonymous, unverified)", 31 bytes: thirty in the first word.
        #expect(
            try HeaderRules.taggedPhrase("J\u{FC}rgen")
                == "=?utf-8?b?SsO8cmdlbiAoYW5vbnltb3VzLCB1bnZlcmlmaWVk?= =?utf-8?b?KQ==?=")
    }

    @Test func foldingKeepsTheValue() throws {
        var rng = SeededRandom(name: "foldingKeepsTheValue")
        for _ in 0..<300 {
            var value = "x"
            for _ in 0..<Int.random(in: 0...60, using: &rng) {
                value += String(repeating: " ", count: Int.random(in: 1...3, using: &rng))
                value += String(repeating: "w", count: Int.random(in: 1...120, using: &rng))
            }
            let text = String(decoding: try HeaderField("Subject", value).serialized, as: UTF8.self)
            let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
            #expect(lines.last == "")
            for (index, line) in lines.dropLast().enumerated() {
                #expect(line.utf8.count <= 998)
                #expect(line.contains("w") || line.contains("x"))
                #expect(index == 0 || line.hasPrefix(" "))
                #expect(line.utf8.count <= 76 || line.split(separator: " ").count <= 2)
            }
            #expect(lines.joined() == "Subject: " + value)
        }
    }

    @Test func fieldsRefuseWhatWouldBreakAMail() {
        #expect(throws: HeaderViolation("header", .badName)) { try HeaderField("Sub ject", "x") }
        #expect(throws: HeaderViolation("header", .badName)) { try HeaderField("A:B", "x") }
        #expect(throws: HeaderViolation("X", .controlCharacter)) { try HeaderField("X", "a\r\n b") }
        #expect(throws: HeaderViolation("X", .notASCII)) { try HeaderField("X", "\u{FC}") }
        #expect(throws: HeaderViolation("X", .tooLong)) {
            try HeaderField("X", String(repeating: "a ", count: 9000) + "a")
        }
    }

    @Test func everyReasonHasAMessageForPeople() {
        for reason in HeaderViolation.Reason.allCases {
            let text = HeaderViolation("Subject", reason).description
            #expect(!text.isEmpty && !text.hasSuffix(".") && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
        }
    }
}
