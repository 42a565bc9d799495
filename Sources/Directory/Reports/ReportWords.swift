// The words `name=value` of a report's lines: one spelling for each number, in a fixed order.

/// Takes such words from the front.
struct ReportWords {
    private var rest: ArraySlice<String>

    init(_ words: some Sequence<String>) { rest = ArraySlice(Array(words)) }

    var isEmpty: Bool { rest.isEmpty }

    /// Takes the values of the next word if its name is `name`: `count` whole numbers, separated by `separator`. Nil if it is
    /// another word; an empty array if its value has another form, which no caller allows.
    mutating func take(_ name: String, count: Int = 1, separator: Character = "/") -> [Int]? {
        guard let word = rest.first, word.hasPrefix(name + "=") else { return nil }
        rest.removeFirst()
        let texts = word.dropFirst(name.utf8.count + 1).split(separator: separator, omittingEmptySubsequences: false)
        guard texts.count == count else { return [] }
        let values = texts.compactMap { text in Int(text).flatMap { String($0) == text ? $0 : nil } }
        return values.count == count ? values : []
    }
}
