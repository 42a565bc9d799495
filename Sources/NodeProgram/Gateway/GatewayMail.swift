// What of an ordinary mail goes back through reply blocks: the fields that a reader needs, and the body as it is. Trace
// lines, which differ between two attempts of a mail server, are left out, so that the same mail is known again.

internal import MixCrypto
internal import WireFormat

/// An answer that came as ordinary mail.
struct GatewayMail: Sendable {
    /// Header and body, CRLF line ends in the header.
    let content: [UInt8]
    /// Whether a program wrote it, or it went to a list: such mail is not worth a reply block (RFC 3834).
    let isAutomatic: Bool

    /// Fields that travel.
    private static let kept: Set<String> = [
        "from", "subject", "date", "in-reply-to", "references", "message-id", "mime-version", "content-type",
        "content-transfer-encoding", "content-disposition", "content-description", "content-language", "content-md5",
        "content-duration", "content-features", "content-alternative",
    ]
    /// Longest header that is looked through.
    static let maximumHeader = 256 << 10
    /// Longest header that travels.
    static let maximumKept = 16 << 10

    /// Reads a mail. Nil if its header is over the limits.
    /// - Parameter sender: the envelope's; empty for the notices of mail servers.
    init?(_ mail: [UInt8], sender: String) {
        var kept: [UInt8] = []
        var isAutomatic = sender.isEmpty
        var keepsField = false
        var position = 0
        while position < mail.count {
            let end = mail[position...].firstIndex(of: 0x0A) ?? mail.count
            var line = mail[position..<end]
            if line.last == 0x0D { line = line.dropLast() }
            let isFolded = line.first == 0x20 || line.first == 0x09
            guard !line.isEmpty, isFolded || line.contains(0x3A) else {
                // An empty line ends the header; so does what is no field, and that belongs to the body.
                if line.isEmpty { position = min(end + 1, mail.count) }
                break
            }
            position = min(end + 1, mail.count)
            guard position <= Self.maximumHeader else { return nil }
            if !isFolded, let colon = line.firstIndex(of: 0x3A) {
                let name = Self.word(line[..<colon])
                keepsField = Self.kept.contains(name)
                if Self.isSignOfProgram(name, Self.word(line[(colon + 1)...])) { isAutomatic = true }
            }
            if keepsField {
                kept += line
                kept += [0x0D, 0x0A]
                guard kept.count <= Self.maximumKept else { return nil }
            }
        }
        content = kept + [0x0D, 0x0A] + mail[position...]
        self.isAutomatic = isAutomatic
    }

    private static func isSignOfProgram(_ name: String, _ value: String) -> Bool {
        switch name {
        // RFC 3834 section 5: a parameter may follow the word.
        case "auto-submitted": value.prefix { $0 != ";" && $0 != " " && $0 != "(" } != "no"
        case "precedence": ["bulk", "list", "junk"].contains(value)
        default: false
        }
    }

    /// ASCII letters small, white space around removed; at most 100 bytes are looked at.
    private static func word(_ bytes: ArraySlice<UInt8>) -> String {
        let word = bytes.drop { $0 == 0x20 || $0 == 0x09 }.prefix(100)
        let end = word.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? word.startIndex
        return String(decoding: word[..<end], as: UTF8.self).lowercased()
    }

    /// Names the mail among the answers to one address.
    func digest(_ token: ReplyToken) -> Digest { Digest.sha256(Array("gateway".utf8) + token.bytes + content) }
}
