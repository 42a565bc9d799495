// Writes messages for people and mail programs. The body goes from the disk to its destination in pieces, whatever its size.

internal import Daemon
internal import Exits
internal import WireFormat

/// Writes messages to standard output, a file or a Maildir.
struct MessageWriter {
    let terminal: Terminal
    let options: OutputOptions

    /// Writes messages.
    /// - Parameter done: called for each that is safely where it belongs: printed, or on the disk.
    /// - Returns: those that are no text and were not written to a terminal.
    func write(_ messages: [ReceivedMessage], done: (ReceivedMessage) throws -> Void) throws -> [ReceivedMessage] {
        switch options.output {
        case .maildir(let path):
            for message in messages {
                try deliver(message, to: path)
                try done(message)
            }
            return []
        case .file(let path):
            // Nothing came: what an earlier run has written there stays.
            guard !messages.isEmpty else { return [] }
            let file = try OutputFile(path)
            try write(messages) { try file.append($0) }
            try file.finish()
            for message in messages { try done(message) }
            return []
        case .standard where terminal.outputIsTerminal && !options.force:
            return try show(messages, done: done)
        case .standard:
            try write(messages, each: done) { bytes throws in try terminal.write(bytes: bytes) }
            return []
        }
    }

    // MARK: Streams

    private func write(
        _ messages: [ReceivedMessage], each: (ReceivedMessage) throws -> Void = { _ in },
        to sink: ([UInt8]) throws -> Void
    ) throws {
        for message in messages {
            if messages.count > 1 {
                try mbox(message, to: sink)
            } else if message.kind == .raw {
                try message.readBody(sink)
            } else {
                try mail(message, to: sink)
            }
            try each(message)
        }
    }

    /// A mail with LF.
    private func mail(_ message: ReceivedMessage, to sink: ([UInt8]) throws -> Void) throws {
        var lines = LineEncoder(.file)
        try sink(lines.encode(message.head()))
        try message.readBody { try sink(lines.encode($0)) }
        let end = lines.finish()
        if !end.isEmpty { try sink(end) }
    }

    /// In the form of mboxrd: each message after a line that begins with `From `, lines of its own that do so with a `>`
    /// more.
    private func mbox(_ message: ReceivedMessage, to sink: ([UInt8]) throws -> Void) throws {
        try sink(Array("From nightjar \(Self.separatorDate(message.received))\n".utf8))
        let isRaw = message.kind == .raw
        var lines = TextLines()
        var output: [UInt8] = []
        let put: (ArraySlice<UInt8>) throws -> Void = { line in
            if line.drop(while: { $0 == UInt8(ascii: ">") }).starts(with: Array("From ".utf8)) {
                output.append(UInt8(ascii: ">"))
            }
            output += line
            output.append(0x0A)
        }
        try lines.consume(message.head(encodingBody: isRaw), put)
        let next = try isRaw ? Self.base64(message) : message.openBody()
        while let piece = try next() {
            try lines.consume(piece, put)
            try sink(output)
            output.removeAll(keepingCapacity: true)
        }
        try lines.finish(put)
        try sink(output + [0x0A])
    }

    /// The body in base64, lines of 76.
    static func base64(_ message: ReceivedMessage) throws -> () throws -> [UInt8]? {
        let next = try message.openBody()
        var rest: [UInt8] = []
        var isEnded = false
        return {
            while !isEnded {
                let piece = try next()
                isEnded = piece == nil
                rest += piece ?? []
                // 57 bytes are a line.
                let whole = isEnded ? rest.count : rest.count / 57 * 57
                guard whole > 0 else { continue }
                let lines = Base64.lines(Array(rest[..<whole]), columns: 76)
                rest.removeFirst(whole)
                return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
            }
            return nil
        }
    }

    /// As in asctime(3): `Sat Nov 21 06:00:00 2026`.
    private static func separatorDate(_ time: Timestamp) -> String {
        // Sat, 21 Nov 2026 06:00:00 +0000
        let words = ReceivedMessage.date(time).split(whereSeparator: { $0 == " " || $0 == "," })
        return "\(words[0]) \(words[2]) \(words[1]) \(words[4]) \(words[3])"
    }

    // MARK: Terminal

    /// Shows texts with everything that could steer the terminal made visible.
    private func show(
        _ messages: [ReceivedMessage], done: (ReceivedMessage) throws -> Void
    ) throws -> [ReceivedMessage] {
        var binary: [ReceivedMessage] = []
        for message in messages {
            guard try Self.isText(message) else {
                binary.append(message)
                continue
            }
            var lines = TextLines()
            let put: (ArraySlice<UInt8>) throws -> Void = { try terminal.print(Self.harmless($0)) }
            if message.kind == .mail { try lines.consume(message.head(), put) }
            try message.readBody { try lines.consume($0, put) }
            try lines.finish(put)
            try done(message)
        }
        return binary
    }

    /// A line with tabs, and every other control character written out.
    static func harmless(_ line: ArraySlice<UInt8>) -> String {
        String(decoding: line, as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
            .map { Printable.line(String($0)) }.joined(separator: "\t")
    }

    /// Whether the body is text: UTF-8 without zero bytes.
    static func isText(_ message: ReceivedMessage) throws -> Bool {
        var lines = TextLines()
        var isText = true
        let look: (ArraySlice<UInt8>) -> Void = { line in
            if isText { isText = !line.contains(0) && String(validating: line, as: UTF8.self) != nil }
        }
        try message.readBody { lines.consume($0, look) }
        lines.finish(look)
        return isText
    }

    // MARK: Maildir

    private func deliver(_ message: ReceivedMessage, to path: String) throws {
        let isRaw = message.kind == .raw
        let body = ExitBody {
            let reading = BodySource(next: try isRaw ? Self.base64(message) : message.openBody())
            return { try reading.take() }
        }
        let result = MaildirDelivery(path: path).store(
            head: message.head(encodingBody: isRaw), body: body, token: message.tokenDigest)
        guard case .delivered = result.outcome else {
            throw CommandFailure(
                "cannot write a mail into the Maildir \(path); see that it can be written and that there is room, and try "
                    + "again (nothing is lost)", code: .temporary)
        }
    }
}

/// A reading that the Maildir's writer takes piece by piece, on the thread that asked for the delivery.
private final class BodySource: @unchecked Sendable {
    private let next: () throws -> [UInt8]?
    init(next: @escaping () throws -> [UInt8]?) { self.next = next }
    func take() throws -> [UInt8]? { try next() }
}
