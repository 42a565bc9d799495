// Every way in which a packet, or a part that came in one, can end without being handed on. One counter each.

/// Why a packet was dropped. The raw value is the label of the counter.
public enum DropReason: String, CaseIterable, Hashable, Sendable {
    // At the door.
    /// Not a packet: wrong prefix, reserved bytes, kind or padding.
    case malformed
    /// The header's MAC does not verify: damaged, altered, or meant for another key.
    case badMAC
    /// It names a key period whose key this node does not hold.
    case unknownPeriod
    /// Its replay tag is known.
    case replay
    /// The payload's tag is not zero at the exit: the payload was altered on the way, perhaps to mark it.
    case badTag
    /// The spool is at its quota.
    case full

    // On the way to the next node.
    /// It could not be handed on before its deadline.
    case deadline
    /// Its next node is not in the network.
    case unknownDestination
    /// The next node does not hold a key of the period that the packet names.
    case periodRefused
    /// The next node calls it malformed.
    case refusedByNextHop
    /// A person or a program took it out of the queue.
    case cancelled
    /// The stored body could not be read.
    case storage

    // Cover, which ends as intended.
    /// A loop of this node's own that came back.
    case loop
    /// A dummy that ends here.
    case dummy
    /// A padding frame of a link.
    case padding

    // Contents at the exit.
    /// The payload's content is not of a form that this node knows.
    case badContent
    /// This node is no exit for messages, or offers no such service.
    case refusedByExit
    /// The same part came before.
    case partDuplicate
    /// A part contradicts another of the same message.
    case partConflict
    /// A part of a message that is complete already.
    case partSurplus
    /// A part of a message that is over the limits for size, or for how much may wait.
    case partRefused
    /// Its message did not become complete in time.
    case partExpired
    /// The message, once complete, does not decode.
    case badMessage
    /// The recipient's address is not one that this exit delivers to, or its rules deny it.
    case recipientRefused
    /// The recipient asked for no more anonymous mail.
    case recipientOptedOut
    /// The receiving server refused the mail for good.
    case deliveryRefused
    /// Delivery did not succeed before its deadline.
    case deliveryExpired

    // Replies and mailboxes.
    /// A reply for a mailbox that does not exist here.
    case unknownMailbox
    /// The mailbox is at its quota.
    case mailboxFull
    /// A reply whose SURB this node did not make or cannot open.
    case unknownSURB
    /// What a crossover node was asked to inject does not fit into a packet.
    case badInjection

    // Tests.
    /// Dropped on purpose, in a test network that wants losses.
    case injected

    /// Whether packets ending this way are cover that did its work, and not a loss.
    public var isCover: Bool { self == .loop || self == .dummy || self == .padding }
}
