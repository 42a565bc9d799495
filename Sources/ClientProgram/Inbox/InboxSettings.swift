internal import Daemon
internal import WireFormat

/// What `client.toml` says about mailboxes and received messages.
struct InboxSettings: Hashable, Sendable {
    /// Blocks asked for in every poll of a mailbox.
    var blocksPerPoll = 8
    /// How long messages can be shown again after they were read.
    var keepRead = Interval.days(7)

    init() {}

    init(_ table: ConfigTable) {
        self.init()
        blocksPerPoll = table.value(
            "blocks-per-poll", .int(1...256), default: blocksPerPoll,
            doc:
                "Blocks (32 KiB each) that every poll of a mailbox asks for, whether there is mail or not. Who sees the "
                + "connection sees this number.")
        keepRead = table.value(
            "keep-read", .duration(.zero ... .days(365)), default: keepRead,
            doc:
                "How long messages can be shown again by `receive --again` after they were read; then they are deleted."
        )
    }
}
