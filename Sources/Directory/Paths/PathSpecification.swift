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

/// Why there is no path; each names the constraint that failed.
public enum PathError: Error, Equatable, Sendable, CustomStringConvertible {
    case syntax(String)
    case unknownNode(String)
    case blockedNode(String)
    /// No node that may be the first; the one that the path names there, if it names one.
    case blockedEntry(String?)
    /// No node that may be the last.
    case blockedExit(String?)
    case tooLong(Int, maximum: Int)
    case tooShort
    case noExit(String)
    case cannotExit(String, needs: String)
    case notEnoughNodes(wanted: Int, usable: Int)
    case repeated(String)
    case sameFamily(String, String)
    case sameNetwork(String, String)
    case noKey(String, period: String)
    case expiredNode(String)
    case notFound(String)

    public var description: String {
        switch self {
        case .syntax(let what): "the path is not well-formed: \(what)"
        case .unknownNode(let name): "no node of this network is called \(name); see `nightjar nodes`"
        case .blockedNode(let name): "the path names \(name), which your configuration blocks"
        case .blockedEntry(let name):
            name.map { "the path begins at \($0), which blocked-entries in your configuration forbids" }
                ?? "blocked-entries in your configuration leaves no node for a path to begin at"
        case .blockedExit(let name):
            name.map { "the path ends at \($0), which blocked-exits in your configuration forbids" }
                ?? "blocked-exits in your configuration leaves no node for a path to end at"
        case .tooLong(let count, let maximum): "the path has \(count) hops, but a packet has room for \(maximum)"
        case .tooShort: "the path has no hop"
        case .noExit(let what): "no node of this network can deliver to \(what); see `nightjar nodes`"
        case .cannotExit(let name, let what): "the path ends at \(name), which does not deliver to \(what)"
        case .notEnoughNodes(let wanted, let usable):
            "the path needs \(wanted) different nodes, but only \(usable) of the network are usable"
        case .repeated(let name): "the path would pass \(name) twice; every hop must be another node"
        case .sameFamily(let a, let b): "the path would pass \(a) and \(b), which the same people run"
        case .sameNetwork(let a, let b):
            "the path would pass \(a) and \(b), which are in one network (IPv4 /16 or IPv6 /32)"
        case .noKey(let name, let period):
            "node \(name) has published no key for period \(period); the network file is out of date"
        case .expiredNode(let name): "the descriptor of node \(name) has expired; the network file is out of date"
        case .notFound(let constraint):
            "no path meets all demands: the one that failed most often is \(constraint); shorten the path or demand less"
        }
    }
}
