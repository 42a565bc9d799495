// Telling a mail's header section from its body, in text that a person hands over: a file from a mail program, or words
// typed into a pipe. The danger to guard against is a header that is taken for a body, because it would be sent to the
// recipient with the sender's name in it.

/// A mail cut into header fields and body. Line ends may be LF or CRLF.
struct MailText {
    /// A field as it stood in the text, its lines joined (RFC 5322 section 2.2.3).
    struct Field {
        var name: String
        /// Without the white space around it; tabs are spaces.
        var value: [UInt8]
    }

    /// Longest header section: mail that has passed many servers carries some tens of KiB.
    static let maximumHeader = 256 << 10

    var fields: [Field] = []
    /// What follows the empty line, as it stood in the text.
    var body: ArraySlice<UInt8>

    /// Cuts `text`. There is a header section if the first line is a header field and one of the lines before the first
    /// empty one is a field that mail is known to have; all lines before the empty one must then be fields, else
    /// `headerLine`. Anything else is body, all of it.
    init(_ text: [UInt8]) throws(OutgoingMailError) {
        var position = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var isKnownMail = false
        var badLine: Int?
        var number = 0
        var sectionEnd: Int?
        // A mailbox file's separator in front of the header says from whom the mail came, and goes with it.
        var separator: Field?
        while position < text.count {
            let lineEnd = text[position...].firstIndex(of: 0x0A) ?? text.count
            let next = min(lineEnd + 1, text.count)
            var line = text[position..<lineEnd]
            if line.last == 0x0D { line = line.dropLast() }
            number += 1
            position = next
            if line.isEmpty {
                sectionEnd = next
                break
            }
            if number == 1, line.starts(with: Array("From ".utf8)) {
                separator = Field(name: "From (mailbox separator)", value: [])
            } else if let first = line.first, first == 0x20 || first == 0x09, badLine == nil, !fields.isEmpty {
                fields[fields.count - 1].value += [0x20] + Self.trimmed(line)
            } else if let field = Self.field(line) {
                fields.append(field)
                isKnownMail = isKnownMail || Self.knownNames.contains(field.name.lowercased())
            } else {
                badLine = badLine ?? number
                // A text that does not begin like a header is none, whatever its later lines look like.
                if fields.isEmpty { break }
            }
            guard !isKnownMail || position <= Self.maximumHeader else { throw .headerTooLarge }
        }
        guard isKnownMail else {
            fields = []
            body = text[...]
            return
        }
        if let badLine { throw .headerLine(badLine) }
        if let separator { fields.insert(separator, at: 0) }
        body = text[(sectionEnd ?? text.count)...]
    }

    /// `name: value`, the name of printable ASCII without spaces; white space before the colon is let pass.
    private static func field(_ line: ArraySlice<UInt8>) -> Field? {
        guard let colon = line.firstIndex(of: 0x3A) else { return nil }
        let name = trimmed(line[..<colon])
        guard line.first != 0x20, line.first != 0x09, (1...76).contains(name.count),
            name.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return Field(name: String(decoding: name, as: UTF8.self), value: trimmed(line[(colon + 1)...]))
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        let bytes = text.drop(while: isSpace)
        let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? bytes.startIndex
        return bytes[..<end].map { $0 == 0x09 ? 0x20 : $0 }
    }

    /// Fields by which a header section is known: those of RFC 5322 and MIME, and what mail programs and servers add.
    private static let knownNames: Set<String> = Set([
        "from", "sender", "reply-to", "to", "cc", "bcc", "date", "message-id", "subject", "in-reply-to", "references",
        "received", "return-path", "delivered-to", "mime-version", "content-type", "content-transfer-encoding",
        "user-agent", "x-mailer", "x-originating-ip", "dkim-signature", "list-id", "resent-from", "resent-to",
    ])
}
