// Messages that are complete and wait to be read: files of one directory and a record for each. Any process may read and
// mark them at any time; only the one that has the inbox open adds any.

internal import Messages
internal import Spool
internal import WireFormat

/// The received messages of a client.
struct ReceivedStore: Sendable {
    let records: RecordStore
    let directory: String

    /// How long a message that came is known when it comes again.
    static let memory = Interval.days(60)
    /// Bytes of all messages that wait unread; with more, mailboxes are left alone.
    static let sizeLimit = 1 << 30

    init(records: RecordStore, directory: String) {
        self.records = records
        self.directory = directory
    }

    /// Where the files are. Their names are random: those of messages could be recognised.
    func folder() throws -> SealedFolder { try SealedFolder(directory) }

    /// The record of the message called `name`; nil if none came.
    func record(_ name: MessageID) throws -> ReceivedRecord? {
        guard let bytes = try records.get(.receivedMessages, name.bytes) else { return nil }
        return try ReceivedRecord(decoding: bytes)
    }

    /// All messages that are still there, oldest first. A record that this version cannot read is passed over.
    func all() throws -> [(name: MessageID, record: ReceivedRecord)] {
        try records.all(.receivedMessages).compactMap { entry in
            guard let name = MessageID(entry.name), let record = try? ReceivedRecord(decoding: entry.value),
                record.file != nil
            else { return nil }
            return (name, record)
        }
    }

    /// Writes a message down; false, and the file is removed, if it came before and is still there.
    func add(_ name: MessageID, _ record: ReceivedRecord, now: Timestamp) throws -> Bool {
        let isNew = try records.transaction { transaction in
            if let old = try transaction.get(.receivedMessages, name.bytes).flatMap({
                try? ReceivedRecord(decoding: $0)
            }), old.file != nil {
                return false
            }
            // As long as it is unread it is kept, whatever its age.
            try transaction.put(.receivedMessages, name.bytes, record.encoded, expires: nil)
            return true
        }
        if !isNew, let file = record.file { try folder().remove(file.name) }
        return isNew
    }

    /// Remembers a message of which nothing is kept: a receipt, or what cannot be read.
    func remember(_ name: MessageID, _ record: ReceivedRecord, now: Timestamp) throws {
        var record = record
        record.file = nil
        try records.transaction {
            try $0.put(.receivedMessages, name.bytes, record.encoded, expires: now + Self.memory)
        }
    }

    /// Marks messages as read. Call when they have been printed or are in a Maildir, not before.
    /// - Parameter keep: how long they can be shown again; nothing of a message is left after that.
    func markRead(_ names: [MessageID], keep: Interval, now: Timestamp) throws {
        try records.transaction { transaction in
            for name in names {
                guard let bytes = try transaction.get(.receivedMessages, name.bytes),
                    var record = try? ReceivedRecord(decoding: bytes), record.state == .unread
                else { continue }
                record.state = .read
                record.read = now
                try transaction.put(.receivedMessages, name.bytes, record.encoded, expires: nil)
            }
        }
        try clean(keep: keep, now: now)
    }

    /// Removes what was read longer than `keep` ago.
    func clean(keep: Interval, now: Timestamp) throws {
        var files: [SealedFileName] = []
        let isDue: (ReceivedRecord) -> Bool = { $0.state == .read && $0.read + keep <= now && $0.file != nil }
        guard try all().contains(where: { isDue($0.record) }) else { return }
        try records.transaction { transaction in
            for entry in try transaction.all(.receivedMessages) {
                guard var record = try? ReceivedRecord(decoding: entry.value), isDue(record), let file = record.file
                else { continue }
                files.append(file.name)
                record.file = nil
                try transaction.put(.receivedMessages, entry.name, record.encoded, expires: now + Self.memory)
            }
        }
        // A crash before this leaves files that no record opens; `removeOrphans` finds them.
        let folder = try folder()
        for file in files { try folder.remove(file) }
    }

    /// Removes files that no record names, left by a crash. Only for the process that has the inbox open: nobody else
    /// writes files, so that what has no record now will never have one.
    func removeOrphans() throws {
        guard ClientPlaces.isThere(directory) else { return }
        let folder = try folder()
        let names = try folder.names(olderThan: .zero)
        let known = Set(try all().compactMap { $0.record.file?.name })
        for name in names where !known.contains(name) { try folder.remove(name) }
    }

    /// Bytes of the messages that are there.
    func size() throws -> Int { try all().reduce(0) { $0 + ($1.record.file?.length ?? 0) } }

    /// The message in its readable form.
    func message(_ name: MessageID, _ record: ReceivedRecord) throws -> ReceivedMessage {
        guard let file = record.file else {
            // What was found to be no message is remembered too, and was never read.
            throw record.read.milliseconds > 0 ? InboxError.gone(record.read) : .damaged
        }
        return try ReceivedMessage(id: name, record: record, folder: folder(), file: file)
    }
}
