// Messages as JSON for programs. Bodies are written piece by piece, in base64: they may be bytes, and of any size.

internal import Foundation
internal import Messages
internal import WireFormat

/// What is told of a message.
struct MessageFacts: Encodable {
    let id, kind, received: String
    let identity, mailbox, key, nym: String?
    let size, replyBlocks: Int
    let wasRead: Bool
    let fields: [String: String]

    init(_ message: ReceivedMessage) {
        id = message.id.hex
        kind = message.kind.rawValue
        received = message.received.description
        identity = message.origin.kind == "identity" ? message.origin.name : nil
        mailbox = message.origin.kind == "mailbox" ? message.origin.name : nil
        nym = message.origin.kind == "nym" ? message.origin.name : nil
        key = message.key
        size = message.size
        replyBlocks = message.replyBlocks.count
        wasRead = message.isRead
        fields = Dictionary(
            message.fields.map { ($0.key.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
}

/// What is told of an incomplete message.
struct IncompleteFacts: Encodable {
    let id, to, since, expires: String
    let held, wanted, size: Int

    init(_ message: IncompleteMessage) {
        id = message.id.hex
        to = "\(message.origin)"
        held = message.held
        wanted = message.wanted
        size = message.size
        since = message.since.description
        expires = message.expires.description
    }
}

/// Writes a report with messages in it.
struct MessageJSON {
    /// Takes the text, piece by piece.
    let sink: ([UInt8]) throws -> Void

    /// Writes `{ "messages" : [...], and the members of rest }`.
    /// - Parameters:
    ///   - withBodies: whether bodies are part of it, as `bodyBase64`.
    ///   - done: called for each message that was written.
    func write(
        _ messages: [ReceivedMessage], withBodies: Bool, rest: some Encodable, done: (ReceivedMessage) throws -> Void
    ) throws {
        try put("{\n\"messages\" : [")
        for (index, message) in messages.enumerated() {
            try put(index == 0 ? "\n" : ",\n")
            let facts = try JSONText.encode(MessageFacts(message))
            if withBodies {
                // The object without its end.
                try put(facts.dropLast(2) + ",\n  \"bodyBase64\" : \"")
                let next = try MessageWriter.base64(message)
                while let piece = try next() { try sink(piece.filter { $0 != 0x0D && $0 != 0x0A }) }
                try put("\"\n}")
            } else {
                try put(facts)
            }
        }
        // An object again: its members follow.
        let members = try JSONText.encode(rest)
        try put("\n],\n" + members.dropFirst(2) + "\n")
        for message in messages { try done(message) }
    }

    private func put(_ text: some StringProtocol) throws { try sink(Array(text.utf8)) }
}
