// What was inside a sealed mail: a text with a header of the writer's own. Nobody has checked it on its way, so only the
// fields that any sender may set are taken from it.

internal import Messages
internal import WireFormat

/// The content of a sealed mail, in the form of every other message.
struct SealedMailContent {
    let fields: [SenderField: String]
    let body: [UInt8]
    private let kind: BodyKind

    /// Whether a body begins as a sealed mail does.
    static func isSealed(_ beginning: [UInt8]) -> Bool {
        // Version and kind of `ArmoredMessage`.
        beginning.starts(with: [1, 2])
    }

    /// Reads the text that was sealed. What cannot be a mail's text is bytes.
    init(_ text: [UInt8]) {
        guard let mail = try? OutgoingMail(text) else {
            fields = [:]
            body = text
            kind = .raw
            return
        }
        var fields = mail.fields
        if let name = Self.displayName(text) { fields[.displayName] = name }
        self.fields = fields
        body = mail.body
        kind = .rfc5322
    }

    /// An encoded message.
    func encoded() throws -> [UInt8] {
        let envelope = try Envelope(recipients: [.drop], bodyKind: kind, fields: fields)
        return try MessageEncoder.encode(envelope, body: body, limit: body.count)
    }

    /// The same; nil if the text makes no message.
    func encodedIfPossible() throws -> [UInt8]? {
        do {
            return try encoded()
        } catch  where error is MessageError || error is EnvelopeError {
            return nil
        }
    }

    /// The display name out of `From: "NAME (anonymous, unverified)" <...>`, the form in which it was sealed; nil for
    /// any other, which could be made to look like somebody's address.
    private static func displayName(_ text: [UInt8]) -> String? {
        let before = Array("From: \"".utf8)
        let after = Array(" \(HeaderRules.displayNameTag)\" <".utf8)
        for line in text.prefix(4096).split(separator: 0x0A, omittingEmptySubsequences: false) {
            if line.isEmpty || line.elementsEqual([0x0D]) { return nil }
            guard line.starts(with: before) else { continue }
            let rest = Array(line.dropFirst(before.count))
            guard let end = rest.indices.first(where: { rest[$0...].starts(with: after) }),
                let name = String(validating: rest[..<end], as: UTF8.self),
                (try? HeaderRules.senderHeaders(from: [.displayName: name])) != nil
            else { return nil }
            return name
        }
        return nil
    }
}
