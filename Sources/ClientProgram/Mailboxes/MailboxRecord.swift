// What is known of a mailbox since it was last polled.

internal import Messages
internal import Spool
internal import WireFormat

/// The record of a mailbox.
struct MailboxRecord: Hashable, Sendable {
    /// When its node last answered.
    var polled: Timestamp?
    /// What the node said then.
    var status: MailboxStatus?
    /// Blocks that are safe here and that the node may delete; it is told with the next request.
    var acknowledging: [UInt64] = []

    /// More would never be told: every request takes 64, and each poll brings fewer than it makes requests.
    private static let most = 4096

    init() {}

    /// version 1 u8 | polled ms u64 | has status u8 | waiting, used, quota u32 | expires ms u64 | count u16 | id u64 *
    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 64)
        writer.integer(1 as UInt8)
        writer.integer(UInt64(max(0, polled?.milliseconds ?? 0)))
        writer.integer(UInt8(status == nil ? 0 : 1))
        writer.integer(status?.waiting ?? 0)
        writer.integer(status?.used ?? 0)
        writer.integer(status?.quota ?? 0)
        writer.integer(UInt64(max(0, status?.expires.milliseconds ?? 0)))
        let ids = acknowledging.suffix(Self.most)
        writer.integer(UInt16(ids.count))
        for id in ids { writer.integer(id) }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == 1, let polled = Int64(exactly: try reader.integer(UInt64.self)) else {
            throw .unknownValue
        }
        self.polled = polled > 0 ? Timestamp(milliseconds: polled) : nil
        let hasStatus = try reader.integer(UInt8.self) == 1
        let waiting = try reader.integer(UInt32.self)
        let used = try reader.integer(UInt32.self)
        let quota = try reader.integer(UInt32.self)
        guard let expires = Int64(exactly: try reader.integer(UInt64.self)) else { throw .unknownValue }
        if hasStatus {
            status = MailboxStatus(
                waiting: waiting, used: used, quota: quota, expires: Timestamp(milliseconds: expires))
        }
        for _ in 0..<(try reader.integer(UInt16.self)) { acknowledging.append(try reader.integer()) }
        try reader.end()
    }

    /// Reads the state of a mailbox; an empty one if there is none yet, or none that can be read.
    static func load(_ id: MailboxID, from records: RecordStore) throws -> MailboxRecord {
        try records.get(.mailboxStates, id.bytes).flatMap { try? MailboxRecord(decoding: $0) } ?? MailboxRecord()
    }

    func save(_ id: MailboxID, in records: RecordStore) throws {
        try records.transaction { try $0.put(.mailboxStates, id.bytes, encoded, expires: nil) }
    }

    static func forget(_ id: MailboxID, in records: RecordStore) throws {
        try records.transaction { _ = try $0.remove(.mailboxStates, id.bytes) }
    }
}
