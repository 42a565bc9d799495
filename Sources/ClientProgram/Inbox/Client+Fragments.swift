// `nightjar fragments`: messages of which parts are missing.

internal import Daemon
internal import Spool
internal import WireFormat

extension Client {
    /// Messages of which parts are missing, oldest first.
    public func incompleteMessages() async throws -> [IncompleteMessage] { try await unfinishedMessages().incomplete }

    /// Messages of which parts are missing, oldest first, and why one that is complete could not be stored.
    func unfinishedMessages() async throws -> (incomplete: [IncompleteMessage], failure: (any Error)?) {
        guard ClientPlaces.isThere(places.inbox) else { return ([], nil) }
        let records = try records()
        defer { records.close() }
        let inbox = try await openInbox(records)
        defer { inbox.close() }
        return (try inbox.allIncomplete(), inbox.unfinished)
    }

    /// Throws parts away; they are not collected again when they come once more.
    /// - Parameter ids: beginnings of the messages' ids, at least 4 hexadecimal digits; nil for all.
    /// - Returns: what was given up.
    public func purgeIncomplete(_ ids: [String]?) async throws -> [IncompleteMessage] {
        guard ClientPlaces.isThere(places.inbox) else {
            if let first = ids?.first { throw Self.unknownFragment(first) }
            return []
        }
        let records = try records()
        defer { records.close() }
        let inbox = try await openInbox(records)
        defer { inbox.close() }
        let all = try inbox.allIncomplete()
        var chosen = all
        if let ids {
            chosen = []
            for id in ids {
                let found = all.filter { id.utf8.count >= 4 && $0.id.hex.hasPrefix(id.lowercased()) }
                guard found.count == 1, let one = found.first else { throw Self.unknownFragment(id) }
                chosen.append(one)
            }
        }
        try inbox.giveUp(chosen.map(\.id))
        return chosen
    }

    private static func unknownFragment(_ id: String) -> CommandFailure {
        CommandFailure(
            "no incomplete message has an id that begins with \(Printable.text(id)); see `nightjar fragments list`",
            code: .usage)
    }

    /// Shows the messages of which parts are missing.
    public func listFragments(json: Bool) async throws {
        let messages = try await incompleteMessages()
        guard !json else { return try terminal.print(JSONText.encode(messages.map { IncompleteFacts($0) })) }
        guard !messages.isEmpty else { return try terminal.print("no incomplete messages") }
        var table = TextTable(["ID", "TO", "PARTS", "BYTES", "SINCE", "UNTIL"])
        for message in messages {
            table.add([
                message.shortID, Printable.text("\(message.origin)"), "\(message.held)/\(message.wanted)",
                "\(message.size)", message.since.description, message.expires.description,
            ])
        }
        for line in table.lines { try terminal.print(line) }
    }

    /// Throws parts away.
    public func purgeFragments(_ ids: [String]?) async throws {
        let gone = try await purgeIncomplete(ids)
        note(
            gone.isEmpty
                ? "no incomplete messages" : "parts of \(Count.text(gone.count, "incomplete message")) thrown away")
    }
}
