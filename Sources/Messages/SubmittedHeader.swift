// What a program that takes mail from a mail program must know of its header before it goes the way of every mail.

/// The header of a mail that was submitted.
public struct SubmittedHeader: Hashable, Sendable {
    /// Addresses in From.
    public let from: [String]
    /// Message-ID with its angle brackets, if it has one that is well-formed.
    public let messageID: String?
    /// Whether the mail is a read receipt (RFC 8098), a report that a program makes by itself.
    public let isReadReceipt: Bool
    /// The name before the address in From, if it is plain ASCII; nil for none, or one that would need decoding.
    public let displayName: String?
    /// Message-IDs of the thread that the mail says it belongs to.
    public let thread: [String]
    private let mail: MailText

    /// Throws as `OutgoingMail` does.
    public init(_ text: [UInt8]) throws(OutgoingMailError) {
        mail = try MailText(text)
        from = mail.fields.filter { $0.name.lowercased() == "from" }.flatMap { MailAddresses.list($0.value) }
        displayName =
            mail.fields.lazy.filter { $0.name.lowercased() == "from" }
            .compactMap { Self.displayName(String(decoding: $0.value, as: UTF8.self)) }.first
        messageID = mail.fields.lazy.filter { $0.name.lowercased() == "message-id" }
            .map { String(decoding: $0.value, as: UTF8.self) }.first { HeaderRules.isMessageID($0[...]) }
        thread = mail.fields.filter { ["in-reply-to", "references"].contains($0.name.lowercased()) }
            .flatMap { Self.messageIDs($0.value) }
        isReadReceipt = mail.fields.contains { field in
            field.name.lowercased() == "content-type"
                && String(decoding: field.value, as: UTF8.self).lowercased().contains("disposition-notification")
        }
    }

    /// The mail with only those fields of its header that a sender may set (`SenderField`), in which the message ids of the
    /// thread are left out that `isOwn` names: they tell where earlier mails were written.
    public func content(leavingOut isOwn: (String) throws -> Bool) rethrows -> [UInt8] {
        var text: [UInt8] = []
        for field in mail.fields {
            guard let kept = SenderField(headerName: field.name) else { continue }
            var value = field.value
            if kept == .inReplyTo || kept == .references {
                value = Array(try Self.messageIDs(value).filter { try !isOwn($0) }.joined(separator: " ").utf8)
            }
            if !value.isEmpty { text += Array("\(kept.name): ".utf8) + value + [0x0D, 0x0A] }
        }
        // A header section is known by a field of mail; what is left of a mail without a subject is one still.
        if text.isEmpty { text = Array("MIME-Version: 1.0\r\n".utf8) }
        return text + [0x0D, 0x0A] + mail.body
    }

    private static func messageIDs(_ value: [UInt8]) -> [String] {
        String(decoding: value, as: UTF8.self).split(separator: "<").compactMap { piece in
            piece.firstIndex(of: ">").map { "<" + piece[...$0] }
        }
    }

    private static func displayName(_ from: String) -> String? {
        guard let end = from.lastIndex(of: "<") else { return nil }
        let name = String(
            from[..<end].filter { $0 != "\"" }.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        let isPlain = name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && !name.contains("=?") && !name.contains("\\")
        return name.isEmpty || !isPlain ? nil : name
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.from == right.from && left.messageID == right.messageID && left.mail.body == right.mail.body
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(messageID) }
}
