// The path language, after Mixminion's: what a user may demand of a path (doc/CLIENT.md, paths).
//
//     path    = element *( "," element )
//     element = NAME            this node (nickname, or at least 8 digits of its id)
//             | "?"             one random node
//             | "*" [N]         N random nodes; without a number as many as fill the path up
//             | "~" N           about N random nodes: N - 1, N or N + 1
//             | "{" NAME *( "|" NAME ) "}"   one of these

/// A parsed path specification.
public struct PathSpecification: Hashable, Sendable {
    public enum Element: Hashable, Sendable {
        case node(String)
        case random(Int)
        case about(Int)
        case fill
        case oneOf([String])
    }

    public let elements: [Element]

    /// As many random nodes as the network's paths have.
    public static let standard = PathSpecification(elements: [.fill])

    init(elements: [Element]) { self.elements = elements }

    /// Parses the language above.
    public init(_ text: String) throws(PathError) {
        var elements: [Element] = []
        if text.contains(":") {
            throw .syntax(
                "a colon divides nothing here: a path is the way of one packet; the last node of a reply's path is the one "
                    + "where it changes into the reply block's own path")
        }
        for raw in text.split(separator: ",", omittingEmptySubsequences: false) {
            let word = Self.trimmed(raw)
            guard let first = word.first else { throw .syntax("an element is empty; write for example `*2,alpha`") }
            switch first {
            case "?":
                guard word == "?" else { throw .syntax("`\(word)`: a question mark stands alone") }
                elements.append(.random(1))
            case "*" where word == "*": elements.append(.fill)
            case "*", "~":
                guard let count = Int(word.dropFirst()), (1...5).contains(count), String(count) == word.dropFirst()
                else {
                    throw .syntax("`\(word)`: a number from 1 to 5 must follow")
                }
                elements.append(first == "*" ? .random(count) : .about(count))
            case "{":
                guard word.last == "}" else { throw .syntax("`\(word)`: the closing brace is missing") }
                let names = word.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map(
                    Self.trimmed)
                guard names.allSatisfy(Self.isName) else {
                    throw .syntax("`\(word)`: names separated by | must stand in braces")
                }
                elements.append(.oneOf(names))
            default:
                guard Self.isName(word) else {
                    throw .syntax("`\(word)` is neither a node's name nor one of ?, *, *N, ~N, {A|B}")
                }
                elements.append(.node(word))
            }
        }
        guard elements.filter({ $0 == .fill }).count <= 1 else { throw .syntax("`*` can stand once in a path") }
        self.elements = elements
    }

    /// Without the blanks around it.
    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static func isName(_ text: String) -> Bool {
        Nickname(text) != nil
            || (text.utf8.count >= 8 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) })
    }
}
