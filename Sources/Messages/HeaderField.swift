// One field of a mail's header section, checked when it is made and folded when it is written. Nothing that reaches
// `serialized` can start a line of its own: the value holds printable ASCII and spaces only.

/// Why a header field is refused.
public struct HeaderViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the value.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        case badName, empty, controlCharacter, notASCII, surroundingSpace, tooLong, lineTooLong
        case malformedEncodedWord, malformedMessageID, malformedValue, unsupportedEncoding, unsafeName
    }

    /// The field's name.
    public let field: String
    public let reason: Reason

    public init(_ field: String, _ reason: Reason) {
        self.field = field
        self.reason = reason
    }

    public var description: String {
        switch reason {
        case .badName: "a header field has a name that mail does not allow; use letters, digits and hyphens"
        case .empty: "\(field) is empty; leave it out or give it a value"
        case .controlCharacter: "\(field) has a line break or control character; remove it"
        case .notASCII: "\(field) has characters outside ascii; encode them as rfc 2231 says"
        case .surroundingSpace: "\(field) begins or ends with a space; remove it"
        case .tooLong: "\(field) is too long; shorten it"
        case .lineTooLong: "\(field) has a word too long for a line of 998 characters; shorten it"
        case .malformedEncodedWord: "\(field) has an encoded word that is not well-formed; write plain text instead"
        case .malformedMessageID: "\(field) must be message ids in angle brackets, with spaces between them"
        case .malformedValue: "\(field) is not well-formed; see rfc 2045"
        case .unsupportedEncoding:
            "\(field) must be 7bit, 8bit, quoted-printable or base64; encode the mail in one of these"
        case .unsafeName:
            "\(field) may have only letters, digits, single spaces and - ' . _, at most "
                + "\(HeaderRules.maximumDisplayName) characters"
        }
    }
}

/// A field that may be written into a mail: name and unfolded value, both checked.
public struct HeaderField: Hashable, Sendable {
    /// The name, printable ASCII without colon.
    public let name: String
    /// The value without folding, printable ASCII and spaces.
    public let value: String

    /// Longest line, without its end (RFC 5322 section 2.1.1).
    public static let maximumLine = 998
    /// Where lines are folded when they have a space to fold at: within the 78 of RFC 5322 section 2.1.1 and the 76
    /// that RFC 2047 section 2 wants of lines with encoded words.
    public static let foldingColumn = 76
    /// Longest value; more than any field of ours needs.
    public static let maximumValue = 16 << 10

    /// Checks name and value (RFC 5322 section 2.2): no control characters, nothing outside ASCII, no word that
    /// cannot be folded into lines of 998.
    public init(_ name: String, _ value: String) throws(HeaderViolation) {
        guard !name.isEmpty, name.utf8.count <= 76, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3A })
        else {
            throw HeaderViolation("header", .badName)
        }
        let bytes = Array(value.utf8)
        guard let first = bytes.first, let last = bytes.last else { throw HeaderViolation(name, .empty) }
        guard bytes.count <= Self.maximumValue else { throw HeaderViolation(name, .tooLong) }
        for byte in bytes {
            if byte < 0x20 || byte == 0x7F { throw HeaderViolation(name, .controlCharacter) }
            if byte > 0x7F { throw HeaderViolation(name, .notASCII) }
        }
        guard first != 0x20, last != 0x20 else { throw HeaderViolation(name, .surroundingSpace) }
        let units = Self.units(bytes)
        guard name.utf8.count + 2 + (units.first?.count ?? 0) <= Self.maximumLine,
            units.allSatisfy({ $0.count <= Self.maximumLine })
        else { throw HeaderViolation(name, .lineTooLong) }
        self.name = name
        self.value = value
    }

    /// The value cut before each run of spaces: every piece but the first is spaces and a word, and may begin a line.
    private static func units(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var units: [ArraySlice<UInt8>] = []
        var start = 0
        for index in bytes.indices.dropFirst() where bytes[index] == 0x20 && bytes[index - 1] != 0x20 {
            units.append(bytes[start..<index])
            start = index
        }
        units.append(bytes[start...])
        return units
    }

    /// `Name: value` with CRLF, folded so that lines stay within 76 characters where the value's spaces allow it.
    /// Unfolding gives the value back exactly.
    public var serialized: [UInt8] {
        var text = Array("\(name): ".utf8)
        var column = text.count
        for (index, unit) in Self.units(Array(value.utf8)).enumerated() {
            if index > 0, column + unit.count > Self.foldingColumn {
                text.append(contentsOf: [0x0D, 0x0A])
                column = 0
            }
            text.append(contentsOf: unit)
            column += unit.count
        }
        text.append(contentsOf: [0x0D, 0x0A])
        return text
    }
}
