/// A node's name for people: 1 to 24 letters, digits, `-` and `_`, starting with a letter. Not eight or more hexadecimal
/// digits and nothing else: such a word is the beginning of an id, and a name that looks like one would stand in its place.
public struct Nickname: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// What a name must be, for people who gave another one.
    public static let rule =
        "1 to 24 letters, digits, - and _, starts with a letter, and is not 8 or more hexadecimal digits"
    /// Stands for a name that is not there, in settings that are reported as wrong anyway.
    public static let unnamed = Nickname(unchecked: "unnamed")

    private init(unchecked text: String) { self.text = text }

    /// Nil if `text` has another form.
    public init?(_ text: some StringProtocol) {
        guard (1...24).contains(text.utf8.count), let first = text.utf8.first, Self.isLetter(first),
            text.utf8.allSatisfy({ Self.isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 95 }),
            !Self.isID(text)
        else { return nil }
        self.text = String(text)
    }

    /// Whether a word stands for the node whose id begins with it, and never for a nickname.
    static func isID(_ word: some StringProtocol) -> Bool {
        word.utf8.count >= shortestID
            && word.utf8.allSatisfy { (48...57).contains($0) || (65...70).contains($0) || (97...102).contains($0) }
    }

    /// Fewest digits of an id that name a node.
    private static let shortestID = 8

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
    public var description: String { text }
    /// Nicknames are compared without case.
    public var folded: String { text.lowercased() }
}
