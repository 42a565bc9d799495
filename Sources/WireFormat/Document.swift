// The one text form of every document: descriptors, the network file, later votes and the consensus. A document is a
// sequence of items; an item is a keyword line and sometimes an object, base64 between BEGIN and END lines. There is
// exactly one byte string for a document, because whoever signs or hashes must not have to ask which spelling was meant.

/// One item: `keyword argument argument`, and possibly an object behind it.
public struct DocumentItem: Hashable, Sendable {
    /// Lower-case letters, digits and hyphens.
    public var keyword: String
    /// Words without blanks; the last may be free text if the document's form says so.
    public var arguments: [String]
    /// Label (upper-case words) and bytes of the object.
    public var object: DocumentObject?

    public init(_ keyword: String, _ arguments: [String] = [], object: DocumentObject? = nil) {
        self.keyword = keyword
        self.arguments = arguments
        self.object = object
    }
}

/// Bytes between BEGIN and END lines.
public struct DocumentObject: Hashable, Sendable {
    public var label: String
    public var bytes: [UInt8]

    public init(_ label: String, _ bytes: [UInt8]) {
        self.label = label
        self.bytes = bytes
    }
}

/// Why text is not a document, with the line (from 1) that shows it.
public struct DocumentError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case tooLarge = "is larger than a document may be"
        case notText = "is not UTF-8 text"
        case lineEnd = "does not end with a line feed, or has another line end"
        case keyword = "does not start with a keyword"
        case spacing = "has spaces, control characters or invisible ones where none may be"
        case object = "has an object that is not well-formed"
        case unexpected = "has an item that is unknown, missing, repeated or out of order"
        case value = "has a value that its keyword does not allow"
        case signature = "is not signed by the key that it names"
    }
    public let line: Int
    public let reason: Reason

    public init(line: Int, reason: Reason) {
        self.line = line
        self.reason = reason
    }

    public var description: String { line > 0 ? "line \(line) \(reason.rawValue)" : "the document \(reason.rawValue)" }
}

/// Writes and parses the canonical text form.
public enum Document {
    /// Most bytes that a document may have.
    public static let maximumSize = 16 << 20
    private static let columns = 64

    /// The canonical bytes of `items`. Keywords, arguments and labels must be of the allowed form: ours always are.
    public static func write(_ items: [DocumentItem]) -> [UInt8] {
        var lines: [String] = []
        for item in items {
            lines.append(([item.keyword] + item.arguments).joined(separator: " "))
            if let object = item.object {
                lines.append("-----BEGIN \(object.label)-----")
                lines.append(contentsOf: Base64.lines(object.bytes, columns: columns))
                lines.append("-----END \(object.label)-----")
            }
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// An item and where it stands.
    public struct ParsedItem: Sendable {
        public let item: DocumentItem
        /// First line, counted from 1.
        public let line: Int
        /// Offset of the item's first byte.
        public let offset: Int
    }

    /// The items of `bytes`; anything but the canonical form is refused.
    public static func parse(_ bytes: [UInt8]) throws(DocumentError) -> [ParsedItem] {
        guard bytes.count <= maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw DocumentError(line: 0, reason: .notText) }
        guard bytes.last == 10 else { throw DocumentError(line: 0, reason: .lineEnd) }
        var items: [ParsedItem] = []
        var offset = 0
        var line = 0
        var openObject: (label: String, lines: Int, lastWasFull: Bool)?
        // Beside the tuple, so that a line is appended in place and a large object costs no more than its size.
        var objectText: [UInt8] = []
        while offset < bytes.count {
            let end = bytes[offset...].firstIndex(of: 10) ?? bytes.count
            let text = bytes[offset..<end]
            line += 1
            if let object = openObject {
                if text.starts(with: "-----".utf8) {
                    guard text.elementsEqual("-----END \(object.label)-----".utf8), object.lines > 0,
                        let decoded = Base64.decode(String(decoding: objectText, as: UTF8.self)),
                        let last = items.popLast()
                    else { throw DocumentError(line: line, reason: .object) }
                    var item = last.item
                    item.object = DocumentObject(object.label, decoded)
                    items.append(ParsedItem(item: item, line: last.line, offset: last.offset))
                    openObject = nil
                } else {
                    guard object.lastWasFull, !text.isEmpty, text.count <= columns else {
                        throw DocumentError(line: line, reason: .object)
                    }
                    objectText += text
                    openObject = (object.label, object.lines + 1, text.count == columns)
                }
            } else if text.starts(with: "-----".utf8) {
                guard let label = label(of: text), let last = items.last, last.item.object == nil else {
                    throw DocumentError(line: line, reason: .object)
                }
                openObject = (label, 0, true)
                objectText.removeAll(keepingCapacity: true)
            } else {
                items.append(ParsedItem(item: try keywordLine(text, line: line), line: line, offset: offset))
            }
            offset = end + 1
        }
        guard openObject == nil else { throw DocumentError(line: line, reason: .object) }
        return items
    }

    private static func label(of text: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: text, as: UTF8.self)
        guard text.hasPrefix("-----BEGIN "), text.hasSuffix("-----"), text.utf8.count > 16 else { return nil }
        let label = String(text.dropFirst(11).dropLast(5))
        let isUpper = label.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) || $0 == 32 || $0 == 45 }
        return isUpper && !label.hasPrefix(" ") && !label.hasSuffix(" ") && !label.contains("  ") ? label : nil
    }

    private static func keywordLine(_ text: ArraySlice<UInt8>, line: Int) throws(DocumentError) -> DocumentItem {
        let isClean = text.allSatisfy { $0 >= 32 && $0 != 127 }
        guard isClean,
            text.allSatisfy({ $0 < 128 }) || String(decoding: text, as: UTF8.self).unicodeScalars.allSatisfy(isVisible)
        else { throw DocumentError(line: line, reason: .spacing) }
        let words = text.split(separator: 32, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let keyword = words.first, let first = keyword.utf8.first, (97...122).contains(first),
            keyword.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
        else { throw DocumentError(line: line, reason: .keyword) }
        guard !words.contains("") else { throw DocumentError(line: line, reason: .spacing) }
        return DocumentItem(keyword, Array(words.dropFirst()))
    }
}

extension Document {
    /// Not a control character, and none that is invisible or changes the direction of text: what a document says must be
    /// what people see, on a terminal too. A list of numbers, so that all implementations have the same.
    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0xAD, 0x61C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
            0xFFF9...0xFFFB, 0xE0000...0xE007F:
            false
        default: true
        }
    }
}

/// Takes items in the fixed order of a document's form.
public struct DocumentReader: Sendable {
    private let items: [Document.ParsedItem]
    private var index = 0

    public init(_ items: [Document.ParsedItem]) { self.items = items }

    /// The item that comes next, if its keyword is `keyword`.
    public func isNext(_ keyword: String) -> Bool { index < items.count && items[index].item.keyword == keyword }

    /// Line of the item that comes next, for error messages.
    public var line: Int { index < items.count ? items[index].line : (items.last?.line ?? 0) }

    /// Offset of the item that comes next.
    public var offset: Int? { index < items.count ? items[index].offset : nil }

    /// Takes the next item, which must be `keyword` with `arguments` words (any number if nil) and, if `object` is named,
    /// an object of that label, else none.
    public mutating func take(
        _ keyword: String, arguments: Int? = nil, object: String? = nil
    ) throws(DocumentError) -> DocumentItem {
        guard isNext(keyword) else { throw DocumentError(line: line, reason: .unexpected) }
        let item = items[index].item
        if let arguments, item.arguments.count != arguments { throw DocumentError(line: line, reason: .value) }
        guard item.object?.label == object else { throw DocumentError(line: line, reason: .object) }
        index += 1
        return item
    }

    /// Takes all next items with `keyword`.
    public mutating func takeAll(
        _ keyword: String, arguments: Int? = nil, object: String? = nil
    ) throws(DocumentError) -> [DocumentItem] {
        var taken: [DocumentItem] = []
        while isNext(keyword) { taken.append(try take(keyword, arguments: arguments, object: object)) }
        return taken
    }

    /// Checks that nothing is left.
    public func end() throws(DocumentError) {
        guard index == items.count else { throw DocumentError(line: line, reason: .unexpected) }
    }

    /// An error at the item taken last.
    public func invalid() -> DocumentError {
        DocumentError(line: index > 0 ? items[index - 1].line : 0, reason: .value)
    }
}
