// A recipient's address in the strict form that exits deliver to: `user@host`, no quoting, no address literals, no
// routes. Everything that reaches an SMTP command or a header passes through here, whatever was checked before.

/// A checked `user@host`, ASCII, at most 254 bytes (RFC 5321 section 4.5.3.1.3 less the angle brackets).
public struct MailRecipient: Hashable, Sendable {
    /// The part before the `@` as the sender wrote it, 1 to 64 bytes.
    public let user: String
    /// The domain in lower case, 1 to 253 bytes.
    public let host: String

    /// `user@host`.
    public var address: String { "\(user)@\(host)" }

    /// The user in lower case without a `+extension`: what rules and rates compare.
    public var plainUser: String {
        let lower = user.lowercased()
        guard let plus = lower.firstIndex(of: "+"), plus != lower.startIndex else { return lower }
        return String(lower[..<plus])
    }

    /// Checks `text`. A `%` or `!` in the user is refused: servers take it for a route, which would lead around the
    /// exit's rules.
    public init(_ text: String) throws(RefusalReason) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 254, let at = bytes.firstIndex(of: UInt8(ascii: "@")) else { throw .badRecipient }
        let user = bytes[..<at]
        let host = bytes[(at + 1)...]
        guard Self.isUser(user), Self.isHost(host) else { throw .badRecipient }
        self.user = String(decoding: user, as: UTF8.self)
        self.host = String(decoding: host, as: UTF8.self).lowercased()
    }

    /// RFC 5322 dot-atom without `%`, `!` and the characters of other routes.
    static func isUser(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...64).contains(bytes.count) else { return false }
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty
                && atom.allSatisfy { isLetterOrDigit($0) || "#$&'*+-/=?^_`{|}~".utf8.contains($0) }
        }
    }

    /// Labels of letters, digits and inner hyphens (RFC 1123 section 2.1); the last label not all digits, so that an
    /// address literal without brackets is none.
    static func isHost(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...253).contains(bytes.count) else { return false }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let hyphen = UInt8(ascii: "-")
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { isLetterOrDigit($0) || $0 == hyphen }
        } && labels.last.map { !$0.allSatisfy { (0x30...0x39).contains($0) } } == true
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
