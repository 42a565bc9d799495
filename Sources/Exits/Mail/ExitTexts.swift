// What an exit tells recipients. The words are the operator's; {complaints}, {optout} and {exit} stand for addresses.

/// The texts of an exit's notices.
public struct ExitTexts: Hashable, Sendable {
    /// Of the field Comments: one line of printable ASCII with {complaints}.
    public private(set) var comments =
        "This message came through a network of anonymous remailers. The operator of this exit does not know "
        + "who wrote it. Complaints and requests to receive no more: {complaints}"
    /// Under the body of plain mails: lines of printable ASCII with {complaints}, LF line ends.
    public private(set) var footer =
        "This mail came through a network of anonymous remailers; the operator of\nthis exit does not know who wrote it."
        + " Complaints: {complaints}\n"
    /// Under the footer where a recipient can end it with a mail: lines with {optout}, LF line ends.
    public private(set) var optOut = "To get no more anonymous mail, write to {optout}\n"

    public init() {}

    /// Which text.
    public enum Part: String, CaseIterable, Sendable {
        case comments, footer, optOut

        var mustName: String { self == .optOut ? "{optout}" : "{complaints}" }
        var maximumSize: Int { self == .comments ? 600 : 2000 }
    }

    /// Takes a text from a file.
    public mutating func set(_ part: Part, to text: String) throws(ExitTextError) {
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            line.reversed().drop { $0 == " " }.reversed()
        }.map { String($0) }
        let text = part == .comments ? lines.joined(separator: " ") : lines.map { $0 + "\n" }.joined()
        guard !lines.isEmpty else { throw .empty }
        guard text.utf8.count <= part.maximumSize else { throw .tooLong(part.maximumSize) }
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A }) else { throw .notASCII }
        guard part == .comments || lines.allSatisfy({ $0.utf8.count <= Self.maximumLine }) else {
            throw .longLine(Self.maximumLine)
        }
        for piece in text.split(separator: "{").dropFirst(text.hasPrefix("{") ? 0 : 1) {
            let word = piece.prefix { $0 != "}" }
            guard ["complaints", "optout", "exit"].contains(word), word.count < piece.count else {
                throw .placeholder(String(word.prefix { $0.isASCII && $0.isLetter }.prefix(20)))
            }
        }
        guard text.contains(part.mustName) else { throw .lacks(part.mustName) }
        guard part == .optOut || !text.contains("{optout}") else { throw .placeholder("optout") }
        switch part {
        case .comments: comments = text
        case .footer: footer = text
        case .optOut: optOut = text
        }
    }

    private static let maximumLine = 78

    /// `text` with its placeholders filled in.
    static func filled(_ text: String, _ identity: ExitIdentity, optOut: MailRecipient?) -> String {
        text.replacing("{complaints}", with: identity.complaints.address).replacing(
            "{exit}", with: identity.address.host
        )
        .replacing("{optout}", with: optOut?.address ?? identity.complaints.address)
    }

    /// What follows a plain body, CRLF line ends, beginning with the line that mail programs cut signatures at.
    public func bodyFooter(_ identity: ExitIdentity, optOut link: MailRecipient?) -> [UInt8] {
        let text = "-- \n" + footer + (link == nil ? "" : optOut)
        return Array(Self.filled(text, identity, optOut: link).replacing("\n", with: "\r\n").utf8)
    }
}

/// What is wrong with a text of an exit's.
public enum ExitTextError: Error, Hashable, CustomStringConvertible {
    case empty
    case tooLong(Int)
    case notASCII
    case longLine(Int)
    case placeholder(String)
    case lacks(String)

    public var description: String {
        switch self {
        case .empty: "the text is empty; write at least a line"
        case .tooLong(let most): "the text is too long; it may have \(most) bytes"
        case .notASCII: "the text has characters outside printable ascii; mail to everybody can have no others"
        case .longLine(let most): "a line is longer than \(most) characters; break it"
        case .placeholder(let word):
            "{\(word)} cannot stand here; {complaints} and {exit} can, and {optout} in the text about opting out"
        case .lacks(let name): "the text must have \(name) in it, or recipients would not know where to turn"
        }
    }
}
