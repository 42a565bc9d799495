import TestSupport
import Testing

@testable import Exits

@Suite struct SMTPReplyTests {
    /// All replies in `text`, fed in pieces of `size` bytes.
    private func parse(_ text: String, by size: Int) throws -> [SMTPReply] {
        var parser = SMTPReplyParser()
        var replies: [SMTPReply] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            parser.append(rest.prefix(size))
            rest = rest.dropFirst(size)
            while let reply = try parser.next() { replies.append(reply) }
        }
        #expect(!parser.hasUnread)
        return replies
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func repliesAreTheSameHoweverTheyArrive(_ size: Int) throws {
        let text =
            "220 hello\r\n250-first\r\n250-SIZE 10\r\n250 last\r\n354\r\n550-5.1.1 no\n550 5.1.1 such user\u{7}\r\n"
        #expect(
            try parse(text, by: size) == [
                SMTPReply(code: 220, lines: ["hello"]), SMTPReply(code: 250, lines: ["first", "SIZE 10", "last"]),
                SMTPReply(code: 354, lines: [""]), SMTPReply(code: 550, lines: ["5.1.1 no", "5.1.1 such user?"]),
            ])
    }

    @Test(arguments: [
        "hello\r\n", "22\r\n", "2 0 x\r\n", "120 x\r\n", "620 x\r\n", "250x\r\n", "\r\n", "250-a\r\n251 b\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "\u{16}\u{3}\u{1}\r\n",
    ])
    func whatIsNoReplyIsRefused(_ text: String) {
        #expect(throws: SMTPReplyError.malformed) { try parse(text, by: 1) }
    }

    @Test func repliesAreBounded() {
        #expect(throws: SMTPReplyError.lineTooLong) { try parse("250 " + String(repeating: "x", count: 5000), by: 100) }
        #expect(throws: SMTPReplyError.tooManyLines) { try parse(String(repeating: "250-x\r\n", count: 200), by: 100) }
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededRandom(name: "replies")
        for _ in 0..<500 {
            var parser = SMTPReplyParser()
            let alphabet = Array("2345 0-\r\nx.\u{0}".utf8)
            do throws(SMTPReplyError) {
                for _ in 0..<20 {
                    parser.append((0..<8).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
                    while try parser.next() != nil {}
                }
            } catch {
                #expect(error == .malformed)
            }
        }
    }

    @Test func statusAndCapabilities() {
        #expect(SMTPReply(code: 550, lines: ["5.7.1 no"]).enhanced == [5, 7, 1])
        for text in ["", "no", "4.7.1 no", "5.7 no", "5.7.1.1", "5.x.1", "5.9999.1"] {
            #expect(SMTPReply(code: 550, lines: [text]).enhanced == nil)
        }
        let offered = SMTPCapabilities(
            SMTPReply(
                code: 250,
                lines: ["x STARTTLS", "SIZE 1000", "8bitmime", "STARTTLS", "AUTH PLAIN login", "AUTH=CRAM-MD5"]))
        #expect(offered.size && offered.maximumSize == 1000 && offered.eightBitMIME && offered.startTLS)
        #expect(offered.authentication == ["PLAIN", "LOGIN", "CRAM-MD5"])
        let odd = SMTPCapabilities(SMTPReply(code: 250, lines: ["STARTTLS", "SIZE 99999999999999999999", "AUTH", ""]))
        #expect(odd.size && odd.maximumSize == nil && !odd.startTLS && odd.authentication.isEmpty)
    }
}
