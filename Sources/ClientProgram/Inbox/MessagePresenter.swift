// Shows messages to people and programs, for the commands that receive some.

internal import Daemon
internal import Sphinx
internal import WireFormat

/// Shows messages.
struct MessagePresenter {
    let client: Client
    let options: OutputOptions

    /// Writes messages where they belong and marks as read what is there.
    /// - Parameter rest: what else JSON tells.
    /// - Returns: messages that are no text and were kept from a terminal.
    func show(_ messages: [ReceivedMessage], keepingUnread: Bool = false, rest: some Encodable) throws
        -> [ReceivedMessage]
    {
        let mark: (ReceivedMessage) throws -> Void = { if !keepingUnread { try client.markRead([$0]) } }
        try saveReplyBlocks(messages)
        var binary: [ReceivedMessage] = []
        if options.json, options.output == .standard {
            try MessageJSON { try client.terminal.write(bytes: $0) }
                .write(messages, withBodies: true, rest: rest, done: mark)
        } else {
            binary = try MessageWriter(terminal: client.terminal, options: options).write(messages, done: mark)
            if options.json {
                try MessageJSON { try client.terminal.write(bytes: $0) }
                    .write(messages, withBodies: false, rest: rest) { _ in }
            }
        }
        for message in messages { client.note(Self.line(message)) }
        for message in binary {
            client.terminal.message(
                "the message of \(message.size) bytes (\(message.id.hex.prefix(12))) is not text and was not shown on the "
                    + "terminal; write it to a file with -o FILE, or use --force. It is kept")
        }
        return binary
    }

    /// `answer to identity alice: mail, 1234 bytes, "subject", 2 reply blocks enclosed`
    static func line(_ message: ReceivedMessage) -> String {
        var line: String
        switch message.origin {
        case .identity(let name): line = "answer to identity \(Printable.text(name)): "
        case .mailbox(let name): line = "message to mailbox \(Printable.text(name)): "
        case .key(let name): line = "message sealed to key \(Printable.text(name)): "
        case .nym(let name): line = "mail to nym \(Printable.text(name)): "
        case .file: line = "message from a file (anybody can have made it): "
        }
        line += "\(message.kind == .mail ? "mail" : "bytes"), \(message.size) bytes"
        if let key = message.key, message.origin != .key(key) { line += ", sealed to key \(Printable.text(key))" }
        if !message.replyBlocks.isEmpty {
            line += ", \(Count.text(message.replyBlocks.count, "reply block")) enclosed for your answer"
        }
        return line
    }

    private func saveReplyBlocks(_ messages: [ReceivedMessage]) throws {
        let blocks = messages.flatMap(\.replyBlocks)
        guard let path = options.replyBlocks, !blocks.isEmpty else {
            if options.replyBlocks != nil { client.note("no reply blocks are enclosed; no file was written") }
            return
        }
        let text = blocks.map { Armor.encode($0, kind: .replyBlock) }.joined()
        try AtomicFile.write(text: text, to: path)
        client.note(
            "\(Count.text(blocks.count, "reply block")) written to \(path); answer with: nightjar reply --surb \(path)")
    }

    /// `3 of 7 parts of a message to identity alice are here (3f5a...)`
    static func line(_ message: IncompleteMessage) -> String {
        let whom =
            message.origin.name.isEmpty ? "" : " to \(message.origin.kind) \(Printable.text(message.origin.name))"
        return
            "\(message.held) of the \(message.wanted) parts that a message\(whom) needs are here (\(message.shortID)); "
            + "they are kept until \(message.expires)"
    }
}
