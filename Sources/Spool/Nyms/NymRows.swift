// What goes into a nymserver's database and comes out of it, as raw values: what they mean is the nym protocol's business.

public import WireFormat

/// What an account's rows come to.
public struct StoredNymLoad: Hashable, Sendable {
    /// Items that count.
    public var items = 0
    /// Bytes of all items.
    public var bytes: UInt64 = 0
    /// Items of which bytes wait for the first time, and these bytes.
    public var waitingItems = 0
    public var waitingBytes: UInt64 = 0
    /// Counting items of which nothing is sent until somebody asks.
    public var heldItems = 0
    public var blocks = 0
    /// Bytes of mails that the account sends, as they are kept.
    public var outgoingBytes: UInt64 = 0
    /// When the last block expires.
    public var blocksUntil: Timestamp?

    public init() {}
}

/// An account.
public struct StoredNym: Hashable, Sendable {
    public let id: Int64
    /// What a change must name, so that none is made to an account that has changed meanwhile.
    public let revision: Int64
    /// The caller's bytes.
    public let content: [UInt8]
    public let nextSlot: Timestamp
    public let closesOn: UInt32
    public let load: StoredNymLoad
}

/// How an item stands: which bytes wait.
public struct NymItemState: Hashable, Sendable {
    public var item: UInt64
    public var kind: UInt8
    /// Which bytes, in the caller's form; empty if none.
    public var wanted: [UInt8]
    /// How many.
    public var waiting: UInt32
    /// Nothing of it is sent until somebody asks.
    public var isHeld: Bool
    /// What waits was sent before.
    public var isResent: Bool
    /// When the last of it was sent; nil if never. No finer than a cycle, if the caller cares.
    public var sent: Timestamp?

    public init(
        item: UInt64, kind: UInt8, wanted: [UInt8], waiting: UInt32, isHeld: Bool = false, isResent: Bool = false,
        sent: Timestamp? = nil
    ) {
        self.item = item
        self.kind = kind
        self.wanted = wanted
        self.waiting = waiting
        self.isHeld = isHeld
        self.isResent = isResent
        self.sent = sent
    }
}

/// An item without its bytes.
public struct StoredNymItem: Hashable, Sendable {
    public let state: NymItemState
    public let total: UInt32
    public let day: UInt32
}

/// One sealed content of an item; a mail and its synopsis are two of one item.
public struct NewNymPart: Hashable, Sendable {
    public var kind: UInt8
    /// Sealed to the owner; at most 64 MiB.
    public var content: [UInt8]
    /// Which bytes wait at first, and how many these are; none for a held one.
    public var wanted: [UInt8]
    public var waiting: UInt32
    public var isHeld: Bool
    /// Whether it counts for the quota of items.
    public var counts: Bool

    public init(
        kind: UInt8, content: [UInt8], wanted: [UInt8], waiting: UInt32, isHeld: Bool = false, counts: Bool = true
    ) {
        self.kind = kind
        self.content = content
        self.wanted = wanted
        self.waiting = waiting
        self.isHeld = isHeld
        self.counts = counts
    }
}

/// Something for an account.
public struct NewNymItem: Hashable, Sendable {
    public var parts: [NewNymPart]
    /// By which the same is known when it comes again; nil for what cannot.
    public var digest: Digest?
    public var day: UInt32
    /// Items that count, and bytes, that the account may have with this.
    public var mostItems: Int
    public var mostBytes: UInt64

    public init(parts: [NewNymPart], digest: Digest?, day: UInt32, mostItems: Int, mostBytes: UInt64) {
        self.parts = parts
        self.digest = digest
        self.day = day
        self.mostItems = mostItems
        self.mostBytes = mostBytes
    }
}

/// What became of something for an account.
public enum NymArrivalOutcome: Hashable, Sendable {
    /// It is on the disk under this number.
    case stored(UInt64)
    /// It came before, and nothing was done.
    case duplicate
    /// The account has no room.
    case full
    case noAccount
}

/// A reply block.
public struct NewNymBlock: Hashable, Sendable {
    public var generation: UInt32
    public var expiry: Timestamp
    public var content: [UInt8]

    public init(generation: UInt32, expiry: Timestamp, content: [UInt8]) {
        self.generation = generation
        self.expiry = expiry
        self.content = content
    }
}

/// A reply block of the stock.
public struct StoredNymBlock: Hashable, Sendable {
    public let id: Int64
    public let generation: UInt32
    public let expiry: Timestamp
    public let content: [UInt8]
}

/// A packet for the spool.
public struct NewNymPacket: Hashable, Sendable {
    public var node: NodeID
    public var release: Timestamp
    public var deadline: Timestamp
    public var content: [UInt8]

    public init(node: NodeID, release: Timestamp, deadline: Timestamp, content: [UInt8]) {
        self.node = node
        self.release = release
        self.deadline = deadline
        self.content = content
    }
}

/// A packet that the spool does not have yet.
public struct StoredNymPacket: Hashable, Sendable {
    public let id: Int64
    public let packet: NewNymPacket
}

/// A mail that an account sends.
public struct NewNymMail: Hashable, Sendable {
    /// The caller's bytes, at most 2 MiB.
    public var content: [UInt8]
    public var next: Timestamp
    public var deadline: Timestamp

    public init(content: [UInt8], next: Timestamp, deadline: Timestamp) {
        self.content = content
        self.next = next
        self.deadline = deadline
    }
}

/// A mail that waits to be sent.
public struct StoredNymMail: Hashable, Sendable {
    public let id: Int64
    public let account: Int64
    public let content: [UInt8]
    public let attempts: Int
    public let next: Timestamp
    public let deadline: Timestamp
}

/// What one request changes; all of it or nothing.
public struct NymChanges: Hashable, Sendable {
    /// The account's new bytes.
    public var content: [UInt8]
    public var closesOn: UInt32
    /// When its next packet leaves, if that changes.
    public var nextSlot: Timestamp?
    public var addNames: [String] = []
    public var removeNames: [String] = []
    /// Blocks of generations below this are erased.
    public var wipeBlocksBefore: UInt32?
    /// Of each generation that is erased the first block that is good until then stays, of at most `farewells`.
    public var keepsBlockUntil: Timestamp?
    /// Generations of which a block stays, the newest ones.
    public static let farewells = 4
    public var addBlocks: [NewNymBlock] = []
    /// Items that are forgotten, with all their parts. Unknown ones are passed over.
    public var forget: [UInt64] = []
    /// New states of items. Unknown ones are passed over.
    public var states: [NymItemState] = []
    public var mails: [NewNymMail] = []
    /// All items and outgoing mails are erased.
    public var wipesItems = false
    /// The operator closes the account: it is counted.
    public var isClosure = false

    public init(content: [UInt8], closesOn: UInt32) {
        self.content = content
        self.closesOn = closesOn
    }
}

/// A moment at which a packet of an account is due.
public struct NymSlot: Hashable, Sendable {
    public let account: Int64
    public let time: Timestamp

    public init(account: Int64, time: Timestamp) {
        self.account = account
        self.time = time
    }
}

/// What there is to fill a slot with.
public struct NymSlotMaterial: Sendable {
    public let account: StoredNym
    /// The block that expires first; nil if there is none that lives long enough.
    public let block: StoredNymBlock?
    /// Items of which bytes wait, at most the number asked for: the first ones that never were sent, then the first
    /// that were, then the first that were sent wholly so long ago that they are wanted again (nothing waits of these).
    public let items: [StoredNymItem]
}

/// What one slot changes; all of it or nothing.
public struct NymSpending: Hashable, Sendable {
    public var slot: NymSlot
    public var revision: Int64
    /// When the next packet leaves.
    public var next: Timestamp
    /// The block that is spent, and erased.
    public var block: Int64?
    public var states: [NymItemState]
    /// The packet that leaves; nil if none could be made.
    public var packet: NewNymPacket?

    public init(
        slot: NymSlot, revision: Int64, next: Timestamp, block: Int64?, states: [NymItemState], packet: NewNymPacket?
    ) {
        self.slot = slot
        self.revision = revision
        self.next = next
        self.block = block
        self.states = states
        self.packet = packet
    }
}

/// What a nymserver holds.
public struct NymStoreCounts: Hashable, Sendable {
    public var accounts = 0
    public var blocks = 0
    public var items = 0
    public var packets = 0
    public var mails = 0

    public init() {}
}
