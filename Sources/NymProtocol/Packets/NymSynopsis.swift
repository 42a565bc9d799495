internal import WireFormat

/// Who wrote, about what, and how much: 512 bytes, whatever they say.
///
///     version 1 u8 | size u32 | day u32 | from: length u8, UTF-8 | subject: length u16, UTF-8 | zeros to 512
public struct NymSynopsis: Hashable, Sendable {
    /// The From field as it stood in the mail, cut to 160 bytes; not decoded, not checked.
    public let from: String
    /// The Subject field, cut to 320 bytes; not decoded.
    public let subject: String
    /// Bytes of the mail.
    public let size: UInt32
    /// The day of arrival.
    public let day: UInt32

    /// Bytes of every synopsis.
    public static let size = 512
    private static let version: UInt8 = 1
    private static let longestFrom = 160
    private static let longestSubject = 320
    /// More of a mail's beginning is not read.
    private static let mostHeader = 64 << 10

    /// Cuts the text to its bounds.
    public init(from: String, subject: String, size: UInt32, day: UInt32) {
        self.from = NymText.line(from, atMost: Self.longestFrom)
        self.subject = NymText.line(subject, atMost: Self.longestSubject)
        self.size = size
        self.day = day
    }

    /// The synopsis of a mail: header, empty line, body. A field that is missing is empty.
    public init(of mail: [UInt8], day: UInt32) {
        var (from, subject): (String?, String?)
        var field: String?
        func finish() {
            guard let line = field, let colon = line.firstIndex(of: ":") else { return }
            let value = String(line[line.index(after: colon)...].drop { $0 == " " })
            switch line[..<colon].lowercased() {
            case "from" where from == nil: from = value
            case "subject" where subject == nil: subject = value
            default: break
            }
        }
        for line in mail.prefix(Self.mostHeader).split(separator: 0x0A, omittingEmptySubsequences: false) {
            let bytes = line.last == 0x0D ? line.dropLast() : line
            if bytes.isEmpty { break }
            let text = String(decoding: bytes, as: UTF8.self)
            if bytes.first == 0x20 || bytes.first == 0x09 {
                field? += " " + text.drop { $0 == " " || $0 == "\t" }
            } else {
                finish()
                field = text
            }
        }
        finish()
        self.init(from: from ?? "", subject: subject ?? "", size: UInt32(clamping: mail.count), day: day)
    }

    /// 512 bytes.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: Self.size)
        writer.integer(Self.version)
        writer.integer(size)
        writer.integer(day)
        writer.short(from)
        writer.text(subject)
        writer.zeros(Self.size - writer.bytes.count)
        return writer.bytes
    }

    /// Reads 512 bytes.
    public init(decoding bytes: [UInt8]) throws(NymError) {
        guard bytes.count == Self.size else { throw .malformed }
        self = try NymProtocol.decoding {
            var reader = WireReader(bytes)
            guard try reader.integer(UInt8.self) == Self.version else { throw NymError.unknownVersion }
            let size = try reader.integer(UInt32.self)
            let day = try reader.integer(UInt32.self)
            let from = try reader.short()
            let subject = try reader.text()
            try reader.zeros(reader.remaining)
            let synopsis = NymSynopsis(from: from, subject: subject, size: size, day: day)
            guard synopsis.from == from, synopsis.subject == subject else { throw NymError.malformed }
            return synopsis
        }
    }
}
