// What a sender may say in the header section of a mail. On the wire a field is a number, so that a name which is not
// in this list cannot even be asked for.

internal import WireFormat

/// A field of the mail's header section that the sender may set, by its tag in the envelope.
///
/// Left out on purpose, although they are MIME fields: Content-ID, Content-Location and Content-Base, which name the
/// host that wrote the mail and mean nothing at the top of a message.
public enum SenderField: UInt8, CaseIterable, Sendable, Comparable, Hashable {
    /// Subject (RFC 5322 section 3.6.5).
    case subject = 1
    /// Name shown in From beside the exit's address; always tagged by the exit as unverified.
    case displayName = 2
    /// In-Reply-To (RFC 5322 section 3.6.4).
    case inReplyTo = 3
    /// References (RFC 5322 section 3.6.4).
    case references = 4
    /// No header: the token, 32 hexadecimal digits, by which a mailbox knows a sender who was introduced to it.
    case introduction = 5
    /// MIME-Version (RFC 2045 section 4).
    case mimeVersion = 16
    /// Content-Type (RFC 2045 section 5).
    case contentType = 17
    /// Content-Transfer-Encoding (RFC 2045 section 6).
    case contentTransferEncoding = 18
    /// Content-Disposition (RFC 2183).
    case contentDisposition = 19
    /// Content-Description (RFC 2045 section 8).
    case contentDescription = 20
    /// Content-Language (RFC 3282).
    case contentLanguage = 21
    /// Content-MD5 (RFC 1864).
    case contentMD5 = 22
    /// Content-Duration (RFC 3803).
    case contentDuration = 23
    /// Content-Features (RFC 2912).
    case contentFeatures = 24
    /// Content-Alternative (RFC 3297).
    case contentAlternative = 25

    /// The field's name in a mail; "display name" and "introduction" stand in none.
    public var name: String {
        switch self {
        case .subject: "Subject"
        case .displayName: "display name"
        case .inReplyTo: "In-Reply-To"
        case .references: "References"
        case .introduction: "introduction"
        case .mimeVersion: "MIME-Version"
        case .contentType: "Content-Type"
        case .contentTransferEncoding: "Content-Transfer-Encoding"
        case .contentDisposition: "Content-Disposition"
        case .contentDescription: "Content-Description"
        case .contentLanguage: "Content-Language"
        case .contentMD5: "Content-MD5"
        case .contentDuration: "Content-Duration"
        case .contentFeatures: "Content-Features"
        case .contentAlternative: "Content-Alternative"
        }
    }

    /// The field of a mail with this name, in any case of letters; nil if senders may not set it.
    public init?(headerName: some StringProtocol) {
        let wanted = headerName.lowercased()
        guard let field = Self.allCases.first(where: { $0.isHeader && $0.name.lowercased() == wanted }) else {
            return nil
        }
        self = field
    }

    /// Whether the field becomes a header field as it is.
    public var isHeader: Bool { self != .displayName && self != .introduction }

    /// Whether the field belongs to MIME.
    public var isMIME: Bool { rawValue >= Self.mimeVersion.rawValue }

    /// Longest value in bytes of UTF-8, unfolded. Subjects and names are read by people; references grow with a thread.
    public var maximumSize: Int {
        switch self {
        case .subject: 2_000
        case .displayName: 160
        case .introduction: 2 * MailboxToken.byteCount
        case .references: 4_096
        case .mimeVersion, .contentTransferEncoding: 40
        case .contentMD5, .contentDuration: 80
        default: 998
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
