internal import Messages
internal import WireFormat

/// A mail that the nym sends.
///
///     from: length u8, name | display name: length u8, UTF-8 | count u8 | (length u16, address)* | content
public struct NymMail: Hashable, Sendable {
    /// The account's name or one of its aliases.
    public let from: NymName
    /// Shown beside the address in From; may be empty.
    public let displayName: String
    /// `user@host`, 1 to 8 different ones, hosts in lower case.
    public let recipients: [String]
    /// Kept header fields, an empty line and the body, lines of at most 998 bytes ending in CRLF.
    public let content: [UInt8]

    public static let mostRecipients = 8
    /// Longest content: 1 MiB.
    public static let largestContent = 1 << 20
    /// Longest display name in bytes.
    public static let longestDisplayName = 160

    /// `badRecipient` for what is no mail address, `malformed` for text that mail cannot carry.
    public init(from: NymName, displayName: String = "", recipients: [String], content: [UInt8]) throws(NymError) {
        guard (1...Self.mostRecipients).contains(recipients.count) else {
            throw .tooLarge("a mail has 1 to \(Self.mostRecipients) recipients")
        }
        for text in recipients {
            guard let address = try? Address(canonical: "smtp:" + text), address.mailAddress == text else {
                throw .badRecipient(isPlainLine(text) ? String(text.prefix(80)) : "a recipient")
            }
        }
        guard Set(recipients).count == recipients.count else { throw .malformed }
        guard displayName.utf8.count <= Self.longestDisplayName else {
            throw .tooLarge("a display name has at most \(Self.longestDisplayName) bytes")
        }
        guard isPlainLine(displayName) else { throw .malformed }
        guard content.count <= Self.largestContent else {
            throw .tooLarge("a mail has at most \(Self.largestContent >> 20) MiB")
        }
        do {
            var check = MailBodyCheck()
            try check.consume(content)
            try check.finish()
        } catch {
            throw .malformed
        }
        self.from = from
        self.displayName = displayName
        self.recipients = recipients
        self.content = content
    }

    /// The fields in one byte string, for a store that keeps the mail until it is sent.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: content.count + 512)
        write(to: &writer)
        return writer.bytes
    }

    /// Reads what `encoded` makes.
    public init(decoding bytes: [UInt8]) throws(NymError) {
        self = try NymProtocol.decoding {
            var reader = WireReader(bytes)
            return try NymMail(from: &reader)
        }
    }

    func write(to writer: inout WireWriter) {
        writer.name(from)
        writer.short(displayName)
        writer.integer(UInt8(recipients.count))
        for recipient in recipients { writer.text(recipient) }
        writer.append(content)
    }

    init(from reader: inout WireReader) throws {
        let from = try reader.name()
        let displayName = try reader.short()
        let count = try reader.integer(UInt8.self)
        guard count <= Self.mostRecipients else { throw NymError.malformed }
        var recipients: [String] = []
        for _ in 0..<count { recipients.append(try reader.text()) }
        try self.init(
            from: from, displayName: displayName, recipients: recipients, content: Array(reader.rest()))
    }
}
