/// What a server offered in its answer to EHLO (RFC 5321 section 4.1.1.1). Keywords that we make no use of are ignored.
struct SMTPCapabilities: Hashable, Sendable {
    /// STARTTLS (RFC 3207).
    var startTLS = false
    /// 8BITMIME (RFC 6152).
    var eightBitMIME = false
    /// SIZE (RFC 1870).
    var size = false
    /// The largest message in bytes that SIZE names; nil if it names none or 0, which means no limit.
    var maximumSize: Int?
    /// AUTH (RFC 4954): the mechanisms, in upper case.
    var authentication: Set<String> = []

    /// Nothing beyond plain SMTP.
    init() {}

    /// Reads the reply to EHLO.
    init(_ reply: SMTPReply) {
        for line in reply.lines.dropFirst() {
            // Old servers write "AUTH=LOGIN".
            let words = line.uppercased().split(whereSeparator: { $0 == " " || $0 == "=" })
            switch words.first {
            case "STARTTLS": startTLS = true
            case "8BITMIME": eightBitMIME = true
            case "SIZE":
                size = true
                if words.count > 1, let limit = Int(words[1]), limit > 0 { maximumSize = limit }
            case "AUTH": authentication.formUnion(words.dropFirst().map(String.init))
            default: break
            }
        }
    }
}
