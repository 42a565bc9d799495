// A node's mailboxes with all that serves them. `Node` starts and stops it.

internal import Daemon
internal import Messages
internal import Mixing
internal import Spool
internal import WireFormat

struct MailboxServices: Sendable {
    let mailboxes: Mailboxes
    /// Answers their owners.
    let desk: MailboxDesk
    /// Puts messages into them.
    let post: MailboxPost

    /// - Parameter noted: told of the end of every delivery into a mailbox.
    init(
        spool: Spool, node: NodeID, names: NodeNames, settings: MailboxSettings, bodyLimit: Int, clock: ScaledTime,
        counters: NodeCounters, noted: @escaping @Sendable (PendingDelivery, DeliveryStatus) async -> Void
    ) {
        let count: @Sendable (String, String) -> Void = { counters.count($0, kind: $1) }
        mailboxes = Mailboxes(spool: spool, names: names)
        desk = MailboxDesk(node: node, spool: spool, settings: settings, clock: clock.now, count: count)
        post = MailboxPost(
            mailboxes: mailboxes, bodyLimit: bodyLimit, clock: clock, count: count, noted: noted)
    }

    /// Finishes what is under way.
    func stop() async {
        desk.drain()
        await post.stop()
    }
}
