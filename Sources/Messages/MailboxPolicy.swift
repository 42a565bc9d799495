public import WireFormat

/// What a mailbox's owner wants of its node.
///
///     flags u8 (1: introduced senders only) | reply token 16 | count u16 | introduction 16 *
public struct MailboxPolicy: Hashable, Sendable {
    /// Whether messages need one of `introductions`, and answers the `replyToken`.
    public var introducedOnly: Bool
    /// Stands in the reply blocks that end at the mailbox.
    public var replyToken: MailboxToken
    /// One for each sender who was introduced.
    public private(set) var introductions: [MailboxToken]

    /// Most introductions of a mailbox.
    public static let maximumIntroductions = 256

    /// Introductions beyond the bound are left out.
    public init(introducedOnly: Bool = false, replyToken: MailboxToken, introductions: [MailboxToken] = []) {
        self.introducedOnly = introducedOnly
        self.replyToken = replyToken
        self.introductions = Array(introductions.prefix(Self.maximumIntroductions))
    }

    /// Adds an introduction; false if there is no room.
    public mutating func introduce(_ token: MailboxToken) -> Bool {
        guard !introductions.contains(token) else { return true }
        guard introductions.count < Self.maximumIntroductions else { return false }
        introductions.append(token)
        return true
    }

    /// Takes an introduction back.
    public mutating func withdraw(_ token: MailboxToken) { introductions.removeAll { $0 == token } }

    /// Whether an answer with this token is let in.
    public func admits(replyToken: MailboxToken?) -> Bool { !introducedOnly || replyToken == self.replyToken }

    /// Whether a message with this introduction is let in.
    public func admits(introduction: MailboxToken?) -> Bool {
        guard introducedOnly else { return true }
        guard let introduction else { return false }
        return introductions.contains(introduction)
    }

    /// 19 to 4,115 bytes.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: 32)
        writer.integer(UInt8(introducedOnly ? 1 : 0))
        writer.fixed(replyToken)
        writer.integer(UInt16(introductions.count))
        for token in introductions { writer.fixed(token) }
        return writer.bytes
    }

    /// Reads exactly one policy.
    public init(decoding bytes: some Collection<UInt8>) throws(MessageError) {
        do {
            var reader = WireReader(Array(bytes))
            let flags = try reader.integer(UInt8.self)
            let token: MailboxToken = try reader.fixed()
            let count = Int(try reader.integer(UInt16.self))
            guard flags <= 1, count <= Self.maximumIntroductions else { throw MessageError.malformedRecord }
            var introductions: [MailboxToken] = []
            for _ in 0..<count { introductions.append(try reader.fixed()) }
            try reader.end()
            self.init(introducedOnly: flags == 1, replyToken: token, introductions: introductions)
        } catch {
            throw .malformedRecord
        }
    }
}
