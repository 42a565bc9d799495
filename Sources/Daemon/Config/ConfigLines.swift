// On which line of a TOML file each key stands. The library that reads the values does not tell, so this looks at the text
// again, only far enough for messages.

/// Lines of keys and tables, by path: `mix.strategy`, `exit[1].address`, `exit[1]`.
struct ConfigLines: Sendable {
    /// Line numbers, from 1.
    private(set) var lines: [String: Int] = [:]
    /// Paths without the numbers of array elements, in order of appearance: `exit[].address`.
    private(set) var keys: [String] = []
    /// The first line at which brackets are used as TOML does not: around no key, or closed by one of another kind. The
    /// library that reads the values stops the process at some of these instead of reporting an error.
    private(set) var badBracket: Int?

    /// - Parameter includingSamples: also reads settings that are commented out as `#key = value` or `#[table]`, without
    ///   a blank after the sign; prose has one.
    init(_ text: String, includingSamples: Bool = false) {
        var prefix = ""
        var counts: [String: Int] = [:]
        var scanner = ValueScanner()
        // "\r\n" is one character.
        for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isLineEnd).enumerated() {
            defer { if scanner.isBroken, badBracket == nil { badBracket = index + 1 } }
            var line = raw.drop { $0 == " " || $0 == "\t" }
            guard scanner.isAtKey else {
                scanner.read(line)
                continue
            }
            if includingSamples, line.hasPrefix("#"), let next = line.dropFirst().first,
                next == "[" || next == "\"" || Self.isBare(next)
            {
                line = line.dropFirst()
            }
            if line.hasPrefix("["), badBracket == nil, !Self.beginsHeader(line) { badBracket = index + 1 }
            if line.hasPrefix("[[") {
                guard let path = Self.path(line.dropFirst(2), end: "]") else { continue }
                let count = counts[path, default: 0]
                counts[path] = count + 1
                prefix = "\(path)[\(count)]"
                note(prefix, index + 1)
            } else if line.hasPrefix("[") {
                guard let path = Self.path(line.dropFirst(), end: "]") else { continue }
                // A table inside an element of an array belongs to the last element.
                prefix = path
                for (array, count) in counts where path.hasPrefix(array + ".") {
                    prefix = "\(array)[\(count - 1)]" + path.dropFirst(array.count)
                }
                note(prefix, index + 1)
            } else if !line.hasPrefix("#"), let path = Self.path(line, end: "=") {
                let full = prefix.isEmpty ? path : "\(prefix).\(path)"
                note(full, index + 1)
                if let equals = line.firstIndex(of: "=") { scanner.read(line[line.index(after: equals)...]) }
            }
        }
    }

    /// The line of `path`, or of the nearest table around it.
    func line(of path: String) -> Int? {
        var path = path[...]
        while true {
            if let line = lines[String(path)] { return line }
            guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
            path = path[..<cut]
        }
    }

    private mutating func note(_ path: String, _ line: Int) {
        if lines[path] == nil { lines[path] = line }
        var general = ""
        var inIndex = false
        for character in path {
            if character == "]" { inIndex = false }
            if !inIndex { general.append(character) }
            if character == "[" { inIndex = true }
        }
        if !keys.contains(general) { keys.append(general) }
    }

    private static func beginsHeader(_ line: Substring) -> Bool {
        let inner = line.dropFirst(line.hasPrefix("[[") ? 2 : 1).drop { $0 == " " || $0 == "\t" }
        return inner.first.map { isBare($0) || $0 == "\"" || $0 == "'" } ?? false
    }

    private static func isBare(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == "-")
    }

    /// A dotted key up to `end`, its parts unquoted and joined by points.
    private static func path(_ text: Substring, end: Character) -> String? {
        var parts: [String] = []
        var part = ""
        var quote: Character?
        var wasQuoted = false
        for character in text {
            if let open = quote {
                if character == open { quote = nil } else { part.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                wasQuoted = true
            } else if character == "." {
                parts.append(part)
                part = ""
            } else if character == end {
                return part.isEmpty && !wasQuoted ? nil : (parts + [part]).joined(separator: ".")
            } else if isBare(character) {
                part.append(character)
            } else if character != " " && character != "\t" {
                return nil
            }
        }
        return nil
    }
}

extension Character {
    /// Whether TOML ends a line here.
    var isLineEnd: Bool { self == "\n" || self == "\r\n" }
}

/// Follows a value that may go over several lines: lists, inline tables and texts in triple quotes.
private struct ValueScanner {
    private var open: [Character] = []
    private var tripleQuote: String?
    /// Whether a bracket was closed by one of another kind.
    private(set) var isBroken = false
    /// Whether the next line starts with a key or a table.
    var isAtKey: Bool { open.isEmpty && tripleQuote == nil }

    mutating func read(_ line: Substring) {
        var rest = line
        while let character = rest.first {
            if let quote = tripleQuote {
                if rest.hasPrefix(quote) {
                    tripleQuote = nil
                    // One or two quotes more belong to the text.
                    rest = rest.dropFirst(3)
                    for _ in 0..<2 where rest.first == quote.first { rest = rest.dropFirst() }
                } else {
                    rest = rest.dropFirst(character == "\\" && quote == "\"\"\"" ? 2 : 1)
                }
                continue
            }
            if rest.hasPrefix("\"\"\"") || rest.hasPrefix("'''") {
                tripleQuote = String(rest.prefix(3))
                rest = rest.dropFirst(3)
                continue
            }
            switch character {
            case "#": return
            case "[", "{": open.append(character)
            case "]", "}": if open.popLast() != (character == "]" ? "[" : "{") { isBroken = true }
            case "\"", "'":
                rest = rest.dropFirst()
                while let inner = rest.first, inner != character {
                    rest = rest.dropFirst(inner == "\\" && character == "\"" ? 2 : 1)
                }
            default: break
            }
            rest = rest.dropFirst()
        }
    }
}
