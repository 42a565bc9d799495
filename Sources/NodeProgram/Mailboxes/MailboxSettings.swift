// What a node grants to mailboxes, from its configuration.

internal import Daemon
internal import Spool

/// The bounds of a node's mailboxes.
struct MailboxSettings: Sendable, Equatable {
    /// Mailboxes that may be made.
    var boxes = 1000
    /// Blocks that each may hold, 32 KiB each: its quota.
    var blocksPerBox = 1000
    /// Bytes in all of them together.
    var bytes = 4 << 30

    /// Bytes that a block takes on the disk.
    private static let blockBytes = 32_784

    /// Sets the bounds of the spool that holds the mailboxes.
    func apply(to spool: inout SpoolConfiguration) {
        spool.maxMailboxes = boxes
        spool.maxMailBlocks = bytes / Self.blockBytes
    }

    /// Reads the table `mailboxes`; nil if it says that there are to be none.
    static func read(_ table: ConfigTable) -> MailboxSettings? {
        var settings = MailboxSettings()
        let isEnabled = table.value(
            "enabled", .bool, default: true,
            doc: "Whether mailboxes are offered; false closes them and keeps what they hold.")
        settings.boxes = table.value(
            "boxes", .int(1...10_000_000), default: settings.boxes, doc: "Mailboxes that may be made here.")
        settings.blocksPerBox = table.value(
            "blocks-per-box", .int(1...1_000_000), default: settings.blocksPerBox,
            doc: "Blocks (32 KiB: one answer, or a piece of a message) that a mailbox may hold.")
        settings.bytes = table.value(
            "size", .size(), default: settings.bytes,
            doc: "Bytes in all mailboxes together; counts in limits.spool-size too.")
        return isEnabled ? settings : nil
    }
}
