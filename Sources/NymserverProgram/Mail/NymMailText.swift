// A mail as its nym wrote it, cut into what may stand in a header and the body. Its owner's program has left out what would
// identify him; here nothing but what `HeaderRules` knows is taken, whatever program it was.

internal import Exits
internal import Messages

/// The parts of a nym's mail.
struct NymMailText {
    /// Subject, threading and MIME, not checked yet.
    let fields: [SenderField: String]
    /// Recipients of the mail that To and Cc name, and that the mail is for: the others are not shown to anybody.
    let shown: [MailRecipient]
    /// Lines that end in CRLF.
    let body: [UInt8]

    /// Bytes of a header that are looked at.
    static let longestHeader = 32 << 10

    /// - Parameters:
    ///   - content: header fields, an empty line and the body (`NymMail.content`).
    ///   - recipients: of the envelope.
    init(_ content: [UInt8], recipients: [MailRecipient]) throws(RefusalReason) {
        var fields: [SenderField: String] = [:]
        var named: Set<String> = []
        var name = ""
        var value: [UInt8] = []
        func finish() throws(RefusalReason) {
            defer { (name, value) = ("", []) }
            guard let text = String(validating: value, as: UTF8.self) else { throw .badHeader }
            let trimmed = String(text.drop { $0 == " " })
            switch name.lowercased() {
            case "to", "cc": named.formUnion(Self.addresses(trimmed))
            default:
                guard let field = SenderField(headerName: name), !trimmed.isEmpty else { return }
                guard fields.updateValue(trimmed, forKey: field) == nil else { throw .badHeader }
            }
        }
        var position = 0
        while position < content.count {
            guard position <= Self.longestHeader else { throw .longHeader }
            guard let end = content[position...].firstIndex(of: 0x0A), end > position, content[end - 1] == 0x0D else {
                throw .badHeader
            }
            let line = content[position..<end - 1]
            position = end + 1
            guard let first = line.first else { break }
            if first == 0x20 || first == 0x09 {
                guard !name.isEmpty else { throw .badHeader }
                value += line
                continue
            }
            if !name.isEmpty { try finish() }
            guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex,
                line[..<colon].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else { throw .badHeader }
            name = String(decoding: line[..<colon], as: UTF8.self)
            value = Array(line[(colon + 1)...])
        }
        if !name.isEmpty { try finish() }
        self.fields = fields
        shown = recipients.filter { named.contains($0.address.lowercased()) }
        body = Array(content[position...])
    }

    /// What could be addresses in an address list: the words with an @, without what stands around them.
    private static func addresses(_ value: String) -> [String] {
        value.split { $0 == "," || $0 == ";" || $0 == " " || $0 == "<" || $0 == ">" || $0 == "\t" }
            .filter { $0.contains("@") }.map { $0.lowercased() }
    }
}
