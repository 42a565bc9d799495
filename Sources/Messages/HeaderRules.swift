// Which header fields a sender may set, and what may stand in them. Clients apply the rules so that people hear about
// a mistake at once; exits apply them again to whatever arrives, because nobody has to use our client.

internal import WireFormat

/// The rules for header fields that come from an anonymous sender. Pure.
public enum HeaderRules {
    /// Stands behind every display name, so that a name is never mistaken for one that somebody vouches for.
    public static let displayNameTag = "(anonymous, unverified)"
    /// Shown in From when the sender gave no name.
    public static let anonymousName = "Anonymous sender"
    /// Longest display name in characters: the tag behind it must stay in view.
    public static let maximumDisplayName = 40
    /// Message ids in one field.
    public static let maximumMessageIDs = 100
    /// Longest message id, brackets included.
    public static let maximumMessageID = 250

    /// The header fields that an envelope's sender fields become, checked, in the order of their tags. A display name
    /// and an introduction are checked too but are no fields: pass the name to `from`.
    public static func senderHeaders(from fields: [SenderField: String]) throws(HeaderViolation) -> [HeaderField] {
        var headers: [HeaderField] = []
        for (field, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch field {
            case .displayName: try checkDisplayName(value)
            case .introduction:
                guard MailboxToken(hex: value) != nil else { throw HeaderViolation(field.name, .malformedValue) }
            default: headers.append(try header(field, value))
            }
        }
        return headers
    }

    /// From, with the tagged display name or the exit's own name for unnamed senders before `address`, which is the exit's.
    public static func from(
        displayName: String?, address: String, defaultName: String = anonymousName
    ) throws(HeaderViolation) -> HeaderField {
        guard let displayName else {
            try checkDisplayName(defaultName)
            let isASCII = defaultName.utf8.allSatisfy { $0 < 0x80 }
            return try HeaderField(
                "From", "\(isASCII ? "\"\(defaultName)\"" : EncodedWord.encode(defaultName)) <\(address)>")
        }
        return try HeaderField("From", "\(taggedPhrase(displayName)) <\(address)>")
    }

    /// `"Name (anonymous, unverified)"`, or the same as encoded words when the name has letters outside ASCII: a phrase
    /// (RFC 5322 section 3.2.5) that may stand before an address.
    public static func taggedPhrase(_ displayName: String) throws(HeaderViolation) -> String {
        try checkDisplayName(displayName)
        let text = "\(displayName) \(displayNameTag)"
        // Neither quote nor backslash passes the check above, so nothing needs escaping.
        return text.utf8.allSatisfy { $0 < 0x80 } ? "\"\(text)\"" : EncodedWord.encode(text)
    }

    /// One field, checked by the rule of its kind.
    static func header(_ field: SenderField, _ value: String) throws(HeaderViolation) -> HeaderField {
        guard value.utf8.count <= field.maximumSize else { throw HeaderViolation(field.name, .tooLong) }
        // Before anything is encoded: an encoded word would hide a control character from the check on the value.
        if value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            throw HeaderViolation(field.name, .controlCharacter)
        }
        switch field {
        case .subject, .contentDescription:
            if value.utf8.contains(where: { $0 > 0x7F }) {
                return try HeaderField(field.name, EncodedWord.encode(value))
            }
            guard EncodedWord.isWellFormed(value) else { throw HeaderViolation(field.name, .malformedEncodedWord) }
        case .inReplyTo, .references:
            let ids = value.split(separator: " ", omittingEmptySubsequences: false)
            guard ids.count <= maximumMessageIDs, ids.allSatisfy(isMessageID) else {
                throw HeaderViolation(field.name, .malformedMessageID)
            }
        case .mimeVersion:
            guard value == "1.0" else { throw HeaderViolation(field.name, .malformedValue) }
        case .contentTransferEncoding:
            // Not "binary": SMTP carries lines.
            guard ["7bit", "8bit", "quoted-printable", "base64"].contains(value.lowercased()) else {
                throw HeaderViolation(field.name, .unsupportedEncoding)
            }
        case .contentType, .contentDisposition:
            let header = try HeaderField(field.name, value)
            guard MIMEValue.isWellFormed(value, withSubtype: field == .contentType) else {
                throw HeaderViolation(field.name, .malformedValue)
            }
            return header
        case .contentLanguage, .contentMD5, .contentDuration, .contentFeatures, .contentAlternative, .displayName,
            .introduction:
            guard !value.utf8.contains(0x3D) || !value.contains("=?") else {
                throw HeaderViolation(field.name, .malformedValue)
            }
        }
        return try HeaderField(field.name, value)
    }

    /// `<left@right>` of printable ASCII without the characters that would end or comment it. Laxer than RFC 5322, as
    /// ids in use are.
    static func isMessageID(_ text: Substring) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count >= 5, bytes.count <= maximumMessageID, bytes.first == 0x3C, bytes.last == 0x3E else {
            return false
        }
        let inner = bytes.dropFirst().dropLast()
        let forbidden = Array("<>()\"\\,;".utf8)
        guard inner.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !forbidden.contains($0) }) else { return false }
        let sides = inner.split(separator: 0x40, omittingEmptySubsequences: false)
        return sides.count == 2 && sides.allSatisfy { !$0.isEmpty }
    }

    /// Letters, marks and digits of any script, single spaces inside, and - ' . _ only: no address, quote, bracket or
    /// invisible character can appear, so that neither the tag nor the exit's address can be imitated or hidden.
    static func checkDisplayName(_ name: String) throws(HeaderViolation) {
        guard !name.isEmpty else { throw HeaderViolation(SenderField.displayName.name, .empty) }
        guard name.utf8.count <= SenderField.displayName.maximumSize, isSafeName(name.unicodeScalars) else {
            throw HeaderViolation(SenderField.displayName.name, .unsafeName)
        }
    }

    private static func isSafeName(_ name: String.UnicodeScalarView) -> Bool {
        guard name.count <= maximumDisplayName else { return false }
        var marks = 0
        var hasLetter = false
        var previous: Unicode.Scalar = " "
        for scalar in name {
            // Fillers are letters by category and yet invisible.
            if scalar.properties.isDefaultIgnorableCodePoint { return false }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber:
                hasLetter = true
                marks = 0
            case .nonspacingMark, .spacingMark:
                // Some scripts stack two or three marks on a letter; more only smears over other lines.
                marks += 1
                guard marks <= 3, hasLetter else { return false }
            default:
                guard "-'._ ".unicodeScalars.contains(scalar), !(scalar == " " && previous == " ") else { return false }
                marks = 0
            }
            previous = scalar
        }
        return hasLetter && previous != " "
    }
}
