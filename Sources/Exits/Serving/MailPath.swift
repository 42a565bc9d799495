/// What follows MAIL and RCPT: `FROM:<path> parameter parameter`.
enum MailPath {
    /// Printable ASCII between the angle brackets, which may be nothing, and the parameters; nil for anything else.
    static func read(_ text: Substring, keyword: String) -> (path: String, parameters: [Substring])? {
        guard text.prefix(keyword.count).uppercased() == keyword else { return nil }
        let rest = text.dropFirst(keyword.count).drop { $0 == " " }
        guard rest.first == "<", let close = rest.firstIndex(of: ">") else { return nil }
        let path = rest[rest.index(after: rest.startIndex)..<close]
        let behind = rest[rest.index(after: close)...]
        guard behind.isEmpty || behind.first == " ", path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        return (String(path), behind.split(separator: " "))
    }
}
