/// A node's name for people: 1 to 24 letters, digits, `-` and `_`, starting with a letter.
public struct Nickname: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// Nil if `text` has another form.
    public init?(_ text: some StringProtocol) {
        guard (1...24).contains(text.utf8.count), let first = text.utf8.first, Self.isLetter(first),
            text.utf8.allSatisfy({ Self.isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 95 })
        else { return nil }
        self.text = String(text)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
    public var description: String { text }
    /// Nicknames are compared without case.
    public var folded: String { text.lowercased() }
}
