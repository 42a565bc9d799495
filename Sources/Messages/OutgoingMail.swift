// The client's side of a mail: from the file that a person hands over to what leaves the machine. What identifies the
// sender is dropped by keeping only what is named in `SenderField`, and the person is told what went.

/// Why a mail cannot be sent as it is. Messages are for the person who wrote it.
public enum OutgoingMailError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line of this number (from 1) stands in the header section and is no header field.
    case headerLine(Int)
    /// A header section longer than 256 KiB.
    case headerTooLarge
    /// A field that may stand once stands twice.
    case repeatedField(SenderField)
    /// A subject or description that is not UTF-8.
    case notUTF8(SenderField)
    case header(HeaderViolation)
    case body(MailBodyViolation)

    public var description: String {
        switch self {
        case .headerLine(let line):
            "line \(line) of the mail is not a header field; put an empty line between the header and the text, "
                + "or before both if all of it is text"
        case .headerTooLarge: "the mail's header is longer than \(MailText.maximumHeader) bytes; shorten it"
        case .repeatedField(let field): "the mail has \(field.name) twice; remove one"
        case .notUTF8(let field): "\(field.name) has characters that are not utf-8; save the mail as utf-8"
        case .header(let violation): violation.description
        case .body(let violation): violation.description
        }
    }
}

/// A mail without its sender: header fields that may travel, and the body in the form of the wire. What the writer or
/// his mail program put into the body itself stays there: signatures, names of files, MIME boundaries of a style.
public struct OutgoingMail: Hashable, Sendable {
    /// The sender fields, each of which passes `HeaderRules`.
    public let fields: [SenderField: String]
    /// Lines that end in CRLF. Byte for byte the body that was given if that has CRLF; else LF has become CRLF, and
    /// a last line without an end has got one.
    public let body: [UInt8]
    /// Names of the header fields that were left out, each once, in the order they stood in.
    public let dropped: [String]

    /// What a person sets beside the mail itself; each replaces the mail's own.
    public struct Options: Hashable, Sendable {
        /// Plain text, also outside ASCII.
        public var subject: String?
        /// Shown before the exit's address, tagged as unverified.
        public var displayName: String?
        /// A message id with its angle brackets.
        public var inReplyTo: String?

        public init(subject: String? = nil, displayName: String? = nil, inReplyTo: String? = nil) {
            self.subject = subject
            self.displayName = displayName
            self.inReplyTo = inReplyTo
        }
    }

    /// Reads `text`, an RFC 5322 message or plain text. Subject, In-Reply-To, References and MIME's fields are kept;
    /// everything else in the header, first of all From, To, Cc, Date, Message-ID and Received, is dropped.
    public init(_ text: [UInt8], options: Options = Options()) throws(OutgoingMailError) {
        let mail = try MailText(text)
        var fields: [SenderField: String] = [:]
        var dropped: [String] = []
        for field in mail.fields {
            if let kept = SenderField(headerName: field.name), let value = try Self.value(of: kept, field.value) {
                guard fields[kept] == nil else { throw .repeatedField(kept) }
                fields[kept] = value
            } else if !dropped.contains(where: { $0.lowercased() == field.name.lowercased() }) {
                dropped.append(field.name)
            }
        }
        if let subject = options.subject {
            fields[.subject] = EncodedWord.needsEncoding(subject) ? try Self.encoded(subject, .subject) : subject
        }
        if let name = options.displayName { fields[.displayName] = name }
        if let id = options.inReplyTo { fields[.inReplyTo] = id }
        do throws(MailBodyViolation) {
            body = try MailBody.canonical(mail.body)
        } catch {
            throw .body(error)
        }
        if !fields.keys.contains(where: \.isMIME) {
            fields.merge(Self.mimeFields(for: body)) { mine, _ in mine }
        }
        do throws(HeaderViolation) {
            _ = try HeaderRules.senderHeaders(from: fields)
        } catch {
            throw .header(error)
        }
        self.fields = fields
        self.dropped = dropped
    }

    /// The envelope of this mail to `recipients`. Recipients are never taken from the mail's own header: what stands
    /// there was written for another way of sending, and a forgotten Cc would give the sender away.
    public func envelope(
        to recipients: [Address], receiptBlock: [UInt8]? = nil, replyBlocks: [[UInt8]] = []
    ) throws(EnvelopeError) -> Envelope {
        try Envelope(
            recipients: recipients, bodyKind: .rfc5322, fields: fields, receiptBlock: receiptBlock,
            replyBlocks: replyBlocks)
    }

    /// The value in the form that the rules want; nil if nothing of it can be kept.
    private static func value(of field: SenderField, _ bytes: [UInt8]) throws(OutgoingMailError) -> String? {
        guard !bytes.isEmpty else { return nil }
        switch field {
        case .subject, .contentDescription:
            guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8(field) }
            return EncodedWord.needsEncoding(text) ? try encoded(text, field) : text
        case .inReplyTo, .references:
            return messageIDs(bytes, atMost: field.maximumSize)
        case .mimeVersion:
            // Some programs write their name behind it as a comment.
            return "1.0"
        default:
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw .header(HeaderViolation(field.name, .notASCII))
            }
            return text
        }
    }

    /// Encoded words, unless the text has control characters, which they would hide from the rules.
    private static func encoded(_ text: String, _ field: SenderField) throws(OutgoingMailError) -> String {
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw .header(HeaderViolation(field.name, .controlCharacter))
        }
        return EncodedWord.encode(text)
    }

    /// The message ids among other words and comments, with single spaces between. Of too many the first and the
    /// latest are kept, as RFC 5537 section 3.4.4 advises for References.
    private static func messageIDs(_ bytes: [UInt8], atMost limit: Int) -> String? {
        var ids: [Substring] = []
        for piece in String(decoding: bytes, as: UTF8.self).split(separator: "<").map({ "<" + $0 }) {
            guard let end = piece.firstIndex(of: ">") else { continue }
            let id = piece[...end]
            if HeaderRules.isMessageID(id) { ids.append(id) }
        }
        func size(_ ids: [Substring]) -> Int { ids.reduce(ids.count - 1) { $0 + $1.utf8.count } }
        while ids.count > 2, ids.count > HeaderRules.maximumMessageIDs || size(ids) > limit { ids.remove(at: 1) }
        return ids.isEmpty ? nil : ids.joined(separator: " ")
    }

    /// What a mail without MIME fields needs so that its letters outside ASCII arrive; nothing for ASCII.
    private static func mimeFields(for body: [UInt8]) -> [SenderField: String] {
        guard body.contains(where: { $0 > 0x7F }) else { return [:] }
        // RFC 1428 section 3 names the character set that nobody knows.
        let charset = String(validating: body, as: UTF8.self) == nil ? "unknown-8bit" : "utf-8"
        return [
            .mimeVersion: "1.0", .contentType: "text/plain; charset=\(charset)", .contentTransferEncoding: "8bit",
        ]
    }
}
