// Replies of an SMTP server (RFC 5321 section 4.2), read from bytes as they come. The server is not trusted: a reply
// over the limits ends the session, and of its text only what a decision needs is kept.

/// One whole reply.
struct SMTPReply: Hashable, Sendable {
    /// 200 to 599.
    var code: UInt16
    /// The texts of all lines, without code and separator; bytes outside printable ASCII are made `?`.
    var lines: [String]

    var isPositive: Bool { code < 300 }
    var isTransient: Bool { (400..<500).contains(code) }
    var isPermanent: Bool { code >= 500 }

    /// The enhanced status code (RFC 3463) that opens the first line, such as 5.7.1, as three numbers.
    var enhanced: [Int]? {
        guard let word = lines.first?.split(separator: " ").first else { return nil }
        let numbers = word.split(separator: ".", omittingEmptySubsequences: false)
        let values = numbers.compactMap { $0.count <= 3 ? Int($0) : nil }
        return numbers.count == 3 && values.count == 3 && values[0] == Int(code / 100) ? values : nil
    }

    /// Whether any line has `word`, without regard to case.
    func mentions(_ word: String) -> Bool { lines.contains { $0.lowercased().contains(word) } }
}

/// Why bytes are not an acceptable reply.
enum SMTPReplyError: Error, Hashable {
    case lineTooLong, tooManyLines, malformed
}

/// Cuts replies out of a stream.
struct SMTPReplyParser: Sendable {
    /// RFC 5321 section 4.5.3.1.5 allows 512; some servers write more.
    static let maximumLine = 2048
    /// EHLO answers have some twenty lines.
    static let maximumLines = 128

    private var line: [UInt8] = []
    private var code: UInt16?
    private var lines: [String] = []
    private var pending: [UInt8] = []
    private var position = 0

    /// Whether bytes are waiting that no reply has used up yet.
    var hasUnread: Bool { position < pending.count || !line.isEmpty || code != nil }

    /// Takes bytes from the server. Call `next` until it gives nil before appending more: that bounds what is kept.
    mutating func append(_ bytes: some Sequence<UInt8>) {
        if position == pending.count {
            pending.removeAll(keepingCapacity: true)
            position = 0
        }
        pending.append(contentsOf: bytes)
    }

    /// The next whole reply; nil until more bytes come.
    mutating func next() throws(SMTPReplyError) -> SMTPReply? {
        while position < pending.count {
            let byte = pending[position]
            position += 1
            guard byte == 0x0A else {
                guard line.count < Self.maximumLine else { throw .lineTooLong }
                line.append(byte)
                continue
            }
            if line.last == 0x0D { line.removeLast() }
            let isLast = try takeLine()
            line.removeAll(keepingCapacity: true)
            if isLast, let code {
                let reply = SMTPReply(code: code, lines: lines)
                self.code = nil
                lines = []
                return reply
            }
        }
        return nil
    }

    /// Adds a line to the reply under way; whether it was the last one.
    private mutating func takeLine() throws(SMTPReplyError) -> Bool {
        guard line.count >= 3, (0x32...0x35).contains(line[0]), line[1...2].allSatisfy({ (0x30...0x39).contains($0) }),
            line.count == 3 || line[3] == 0x20 || line[3] == 0x2D
        else { throw .malformed }
        let value = line[0..<3].reduce(UInt16(0)) { $0 * 10 + UInt16($1 - 0x30) }
        guard code == nil || code == value else { throw .malformed }
        guard lines.count < Self.maximumLines else { throw .tooManyLines }
        code = value
        let text = line.dropFirst(4).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        lines.append(String(decoding: text, as: UTF8.self))
        return line.count == 3 || line[3] == 0x20
    }
}
