// What the writer can be asked to do, and what it answers. All operations of a submission are committed together.

public import WireFormat

/// One change to the spool.
public enum SpoolOperation: Sendable {
    /// Remembers the tag and holds the packet for its next node. `stored`, `replay` or `full`.
    case acceptPacket(
        tag: ReplayTag, period: KeyPeriod, destination: NodeID, release: Timestamp, deadline: Timestamp, body: [UInt8])
    /// Remembers the tag and holds one share of a message. `partStored`, `partDuplicate`, `partConflict`,
    /// `partTooLarge`, `replay` or `full`. The first part's deadline is the message's.
    case acceptPart(tag: ReplayTag, period: KeyPeriod, part: PartRow, deadline: Timestamp, share: [UInt8])
    /// Remembers the tag of a packet that ends here: loops, dummies, drops. `remembered` or `replay`.
    case acceptNothing(tag: ReplayTag, period: KeyPeriod)
    /// Remembers the tag and holds a body under a number of the caller's. `itemStored`, `replay` or `full`.
    case acceptItem(tag: ReplayTag, period: KeyPeriod, kind: Int, deadline: Timestamp, body: [UInt8])
    /// Remembers the tag and puts a block into a mailbox. `mailStored`, `replay` or `full`; also `noSuchMailbox` and
    /// `mailboxFull`, with which the tag is remembered and the block dropped.
    case acceptMail(tag: ReplayTag, period: KeyPeriod, mailbox: MailboxID, block: NewMailBlock)
    /// Holds an own packet. `stored` or `full`.
    case enqueuePacket(destination: NodeID, release: Timestamp, deadline: Timestamp, body: [UInt8])
    /// Forgets packets that have arrived or were given up. `removed` with the number that were there.
    case removePackets([PacketRowID])
    /// Forgets items. `removed` with the number that were there.
    case removeItems([ItemRowID])
    /// Turns a complete message into deliveries: forgets its shares, remembers its name until `forgetAfter`, and holds
    /// the deliveries, all or nothing. `completed`, `alreadyCompleted` or `unknown`.
    case completeMessage(message: MessageID, forgetAfter: Timestamp, deliveries: [NewDelivery])
    /// Gives a message up: forgets its shares and remembers its name until `forgetAfter`. `removed` with the number of
    /// shares, or `unknown`.
    case dropMessage(message: MessageID, forgetAfter: Timestamp)
    /// Holds deliveries that came from no collected message. `completed`.
    case addDeliveries([NewDelivery])
    /// Notes an attempt. `removed(0)` if there is no such delivery, else `updated`.
    case updateDelivery(DeliveryRowID, nextAttempt: Timestamp, attempts: Int, state: Int)
    /// Forgets a delivery, and its file with the last delivery of it. `removed`.
    case finishDelivery(DeliveryRowID)
    /// Puts blocks into a mailbox and gives the delivery that they come from the caller's mark `state`, which says so, all
    /// or nothing. `mailStored`, also if the delivery has that mark already and nothing was done; or with the delivery as
    /// it was `noSuchMailbox`, `mailboxFull` or `full`; `unknown` if there is no such delivery.
    case deliverToMailbox(DeliveryRowID, state: Int, mailbox: MailboxID, blocks: [NewMailBlock])
    /// Makes a mailbox, or changes its policy and its quota of blocks. `mailbox`, or `full` beyond `maxMailboxes`.
    case createMailbox(MailboxID, policy: [UInt8], quota: Int, now: Timestamp)
    /// Changes a mailbox's policy. `mailbox` or `noSuchMailbox`.
    case configureMailbox(MailboxID, policy: [UInt8], now: Timestamp)
    /// Forgets a mailbox and its blocks. `removed` with their number, or `noSuchMailbox`.
    case deleteMailbox(MailboxID)
    /// Notes that the owner was there and forgets the blocks with these numbers. `mailbox` or `noSuchMailbox`.
    case pollMailbox(MailboxID, acknowledging: [UInt64], now: Timestamp)
    /// Forgets the tags of a period whose key is destroyed. `updated`; many rows are erased in steps afterwards.
    case forgetPeriod(KeyPeriod)
    /// Tells the time: removes what is past its deadline, empties segments past their age. `expired`.
    case expire(now: Timestamp)

    /// Bodies for a segment that it carries.
    var bodyCount: Int {
        switch self {
        case .acceptPacket, .acceptPart, .acceptItem, .acceptMail, .enqueuePacket: 1
        case .deliverToMailbox(_, _, _, let blocks): blocks.count
        default: 0
        }
    }

    /// Whether one of them is longer than a record holds.
    var isOversized: Bool {
        switch self {
        case .acceptPacket(_, _, _, _, _, let body), .acceptPart(_, _, _, _, let body),
            .acceptItem(_, _, _, _, let body), .enqueuePacket(_, _, _, let body):
            body.count > Record.bodySize
        case .acceptMail(_, _, _, let block): block.body.count > Record.bodySize
        case .deliverToMailbox(_, _, _, let blocks): blocks.contains { $0.body.count > Record.bodySize }
        default: false
        }
    }
}

/// What became of one operation. Only what is not `full` or `failed` may be acknowledged.
public enum SpoolResult: Sendable, Equatable {
    /// The packet waits under this number.
    case stored(PacketRowID)
    /// The item is held under this number.
    case itemStored(ItemRowID)
    /// The share is held; `complete` with the share that makes the last group whole.
    case partStored(complete: Bool)
    /// The share is held already or no longer needed; the tag is remembered.
    case partDuplicate
    /// The header disagrees with the message's first part or with itself; the tag is remembered, the share dropped.
    case partConflict
    /// The message would hold more than `maxMessageBytes`; the tag is remembered, the share dropped.
    case partTooLarge
    /// The tag is remembered.
    case remembered
    /// The tag was remembered before; nothing else was done.
    case replay
    /// A limit is reached or the disk is full; nothing was done and the tag is not remembered.
    case full
    /// That many rows are gone.
    case removed(Int)
    /// Done.
    case updated
    /// The deliveries, in the order given.
    case completed([DeliveryRowID])
    /// The message was completed or dropped before; nothing was done.
    case alreadyCompleted
    /// The blocks are in the mailbox.
    case mailStored
    /// How it stands with the mailbox.
    case mailbox(MailboxState)
    /// There is no such mailbox; what was for it is dropped.
    case noSuchMailbox
    /// The mailbox is at its quota; what was for it is dropped.
    case mailboxFull
    /// No such message or delivery.
    case unknown
    /// What was past its time.
    case expired(SpoolExpiry)
    /// Nothing was done.
    case failed(SpoolError)
}

/// What `expire` removed.
public struct SpoolExpiry: Sendable, Equatable {
    /// Packets past their deadline.
    public var packets: [PacketRowID] = []
    /// Items past their deadline.
    public var items: [ItemRowID] = []
    /// Incomplete messages past their deadline.
    public var messages = 0
    /// Shares of those messages.
    public var shares = 0
    /// Names of completed messages forgotten.
    public var names = 0
    /// Mailboxes that nobody polled.
    public var mailboxes = 0
    /// Blocks of those mailboxes, and blocks that nobody fetched.
    public var mailBlocks = 0
}
