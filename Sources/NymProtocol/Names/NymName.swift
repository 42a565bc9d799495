// Names of pseudonyms. They are the local parts of mail addresses, so what is allowed is what every mail server takes.

/// The part of a nym's address before the @: 2 to 32 lower-case letters, digits, and single `.`, `-`, `_` inside.
public struct NymName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public static let length = 2...32

    public let text: String

    /// Nil if `text` is no name. Names are in lower case only; whoever reads a person's input lowers it first.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard Self.length.contains(bytes.count) else { return nil }
        var wasMark = true
        for byte in bytes {
            switch byte {
            case 0x61...0x7A, 0x30...0x39: wasMark = false
            case 0x2E where !wasMark, 0x2D where !wasMark, 0x5F where !wasMark: wasMark = true
            default: return nil
            }
        }
        guard !wasMark else { return nil }
        self.text = String(text)
    }

    public var description: String { text }

    public static func < (left: NymName, right: NymName) -> Bool { left.text < right.text }
}
