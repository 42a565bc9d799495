// What a submission server asks of the program behind it, and what it answers with.

/// A reply of one or more lines.
public struct SubmissionReply: Hashable, Sendable {
    public let code: UInt16
    /// The status of RFC 3463, such as `5.1.1`; nil where none belongs.
    public let status: String?
    /// Texts of the lines; what is not printable ASCII is shown as `?`.
    public let lines: [String]

    /// Most lines, and most characters of a line's text: a reply line has 512 bytes (RFC 5321 section 4.5.3.1.5).
    static let maximumLines = 24
    static let maximumText = 480

    public init(_ code: UInt16, _ status: String?, _ lines: String...) { self.init(code, status, lines) }

    public init(_ code: UInt16, _ status: String?, _ lines: [String]) {
        self.code = code
        self.status = status
        self.lines = lines
    }

    public var isPositive: Bool { code / 100 == 2 }

    /// The lines with their ends.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        let shown = lines.isEmpty ? [""] : Array(lines.prefix(Self.maximumLines))
        for (index, line) in shown.enumerated() {
            let text = line.unicodeScalars.prefix(Self.maximumText).map {
                $0.value >= 0x20 && $0.value < 0x7F ? Character($0) : "?"
            }
            let mark = index == shown.count - 1 ? " " : "-"
            bytes += Array("\(code)\(mark)\(status.map { $0 + " " } ?? "")\(String(text))\r\n".utf8)
        }
        return bytes
    }
}

/// A user name and a password, as a mail program gave them.
public struct SubmissionLogin: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    public let user: String
    public let password: [UInt8]

    public init(user: String, password: [UInt8]) {
        self.user = user
        self.password = password
    }

    /// Without what is secret.
    public var description: String { "a login" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A mail as it was submitted.
public struct SubmittedMail: Hashable, Sendable {
    /// The envelope's sender, which `check(sender:)` has taken.
    public let sender: String
    /// Recipients that `check(recipient:from:)` has taken, each once, in order.
    public let recipients: [String]
    /// Header and body as they came, without the doubled dots. Every line ends in CRLF; no other CR or LF, no zero byte.
    public let content: [UInt8]

    public init(sender: String, recipients: [String], content: [UInt8]) {
        self.sender = sender
        self.recipients = recipients
        self.content = content
    }
}

/// The program behind a submission server.
public protocol SubmissionReceiver: Sendable {
    /// Whether the password is right: 235, else 535 or, for now, 454.
    func authenticate(_ login: SubmissionLogin) async -> SubmissionReply
    /// Whether mail from `sender`, an address, may be sent: 2xx, else why not.
    /// - Parameter size: bytes of the mail as the mail program has announced them; 0 if it has not.
    func check(sender: String, size: Int) async -> SubmissionReply
    /// Whether mail from `sender` to `recipient` can be sent: 2xx, else why not.
    func check(recipient: String, from sender: String) async -> SubmissionReply
    /// Takes a mail: 2xx only when it is durable.
    func deliver(_ mail: SubmittedMail) async -> SubmissionReply
}
