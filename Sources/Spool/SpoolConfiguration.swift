// Every bound of the spool, with its default and the reason for it.

public import WireFormat

/// Sizes, limits and times of a spool.
public struct SpoolConfiguration: Sendable, Equatable {
    /// Bytes of a segment file before the next one is begun. Larger files mean fewer open files, smaller ones are
    /// emptied sooner. Rounded down to whole records; at least 4 records and at most 65,535.
    public var segmentBytes = 64 << 20
    /// Age at which a segment is emptied (what lives is copied on) and its key erased, so that a seized disk opens
    /// nothing that left the spool longer ago than this.
    public var segmentAge = Interval.hours(1)
    /// Bytes of records nobody points at that may lie on disk before the emptiest segment is copied on early; half of
    /// the live bytes may always.
    public var maxDeadBytes = 1 << 30
    /// Records copied on in one transaction, between two groups: bounds how long a group waits.
    public var copyStep = 32

    /// Packets that may wait; the next one is `full`.
    public var maxPackets = 250_000
    /// Bytes of live records (packets, shares, items and blocks of mailboxes together); the next one is `full`.
    public var maxBytes = 10 << 30
    /// Items (replies and the like) that may wait.
    public var maxItems = 100_000

    /// Bytes of shares that one message may hold; more is `partTooLarge`. Twice the default longest message.
    public var maxMessageBytes = 16 << 20
    /// Bytes of shares of all messages together.
    public var maxShareBytes = 2 << 30
    /// Messages that may be incomplete at one time.
    public var maxMessages = 20_000
    /// Names of completed and dropped messages that are remembered so that late parts are known.
    public var maxRememberedMessages = 500_000

    /// Mailboxes that may be made; 0 for a spool without any.
    public var maxMailboxes = 0
    /// Blocks in all mailboxes together, 32 KiB each.
    public var maxMailBlocks = 131_072
    /// A mailbox that nobody polls for this long is deleted with what is in it.
    public var mailboxLifetime = Interval.days(60)

    /// Operations in one transaction. Larger groups cost fewer disk flushes and more waiting.
    public var groupSize = 256
    /// How long a group smaller than `groupSize` waits for more, in milliseconds; 0 commits at once.
    public var groupWaitMilliseconds = 2
    /// Bodies that may wait for the writer; a submission over it is refused as `busy`. 32 KiB each.
    public var maxQueuedBodies = 2048

    /// Bytes of bodies kept in memory so that what leaves soon is not read back from disk; 0 keeps none.
    public var cacheBytes = 32 << 20
    /// Bytes of the filter that answers "never seen" without the database, one for each key period in use. At ten
    /// bits a tag the default is good for three million packets a period; beyond that more lookups reach the database.
    public var replayFilterBytes = 4 << 20
    /// Bytes of database pages that the writer keeps in memory.
    public var databaseCacheBytes = 16 << 20
    /// Size of the write-ahead log at which it is moved into the database file.
    public var checkpointBytes = 16 << 20
    /// Room kept back on the disk so that rows can still be deleted when it is full; 0 keeps none. A commit of one
    /// group writes some hundred pages of 4 KiB.
    public var reserveBytes = 4 << 20
    /// Size of the database up to which the tables of replay tags are checked at the start too; larger ones only as far
    /// as they are read. A gigabyte takes some seconds.
    public var checkedDatabaseBytes = 512 << 20
    /// Rows deleted in one transaction when the tags of a destroyed key are erased.
    public var eraseStep = 4096
    /// Connections for reading beside the writer's.
    public var readers = 2

    public init() {}

    /// Records that a segment holds.
    var segmentRecords: Int { min(max(segmentBytes / Record.sealedSize, 4), 65_535) }
}
