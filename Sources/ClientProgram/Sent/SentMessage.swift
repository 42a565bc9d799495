// What the client remembers of a message that it sent: enough to say how it stands, to send it again, and no more.
// Neither text nor subject is kept; the recipients are, or nobody could tell the entries apart.

internal import Messages
internal import Spool
internal import WireFormat

/// A packet in the queue. Numbers of rows come back when a queue is opened anew; together with the time at which the
/// packet was made they do not.
struct QueuedRow: Hashable, Sendable {
    var row: PacketRowID
    var made: Timestamp

    init(_ packet: WaitingPacket) {
        row = packet.id
        made = packet.release
    }

    init(row: PacketRowID, made: Timestamp) {
        self.row = row
        self.made = made
    }
}

/// A message to one exit.
struct SentMessage: Hashable, Sendable {
    /// How far it has come on this machine.
    enum Stage: UInt8, Sendable {
        /// Its packets are not made yet, or not all of them.
        case recorded = 0
        /// Its packets were put into the queue.
        case queued = 1
        /// Nothing more is done about it: it ended well, ended badly, or is given up.
        case settled = 2
    }

    /// How it stands with one recipient.
    struct Outcome: Hashable, Sendable {
        /// Nil until the exit has told.
        var status: DeliveryStatus?
        /// What the mail server said, 0 if none did.
        var code: UInt16 = 0
        /// When that was heard.
        var heard: Timestamp?
    }

    /// How its packets travel.
    struct Journey: Hashable, Sendable {
        /// In the language of --path.
        var path: String
        /// Copies of a message of one part.
        var copies = 1
        var isUrgent = false
    }

    /// Its name for the sender, and on the wire until it is sent to another exit.
    let id: MessageID
    /// The network that it was sent in.
    let network: String
    /// Addresses in the order of the envelope.
    let recipients: [String]
    let made: Timestamp
    /// When the exit gives it up; what is not known by then stays unknown.
    let deadline: Timestamp
    /// Whether it is sent again until its end is known.
    let isReliable: Bool
    /// The reply block in it for the exit's receipt.
    let receiptBlock: RetransmissionPlan.Block?
    let journey: Journey
    /// Bytes of the encoded message, from which its cut into parts follows.
    let length: Int
    /// The exit; it changes only if it seems dead.
    var exit: NodeID
    /// Its name on the wire.
    var wireID: MessageID
    /// Names that it had on the wire before.
    var earlierIDs: [MessageID] = []
    var stage = Stage.recorded
    /// The encoded message, as long as it may be needed.
    var file: SealedFileReference?
    /// Packets made.
    var packets = 0
    /// Those among them that wait in the queue.
    var waiting: [QueuedRow] = []
    /// One for each recipient.
    var outcomes: [Outcome]
    /// Shares that the exit holds and shares that it needs, when it last said so.
    var held: Held?

    struct Held: Hashable, Sendable {
        var shares: Int
        var needed: Int
    }

    init(
        id: MessageID, network: String, recipients: [String], made: Timestamp, deadline: Timestamp, isReliable: Bool,
        receiptBlock: RetransmissionPlan.Block?, journey: Journey, length: Int, exit: NodeID, file: SealedFileReference?
    ) {
        self.id = id
        self.network = network
        self.recipients = recipients
        self.made = made
        self.deadline = deadline
        self.isReliable = isReliable
        self.receiptBlock = receiptBlock
        self.journey = journey
        self.length = length
        self.exit = exit
        self.file = file
        wireID = id
        outcomes = recipients.map { _ in Outcome() }
    }

    /// Whether the exit was asked for a receipt.
    var hasReceipt: Bool { receiptBlock != nil }
    /// The cut into parts; nil for a record that makes no sense.
    var layout: PartLayout? { try? PartLayout(messageLength: length) }
    /// Packets that first nodes have, or that were given up.
    var handedOver: Int { packets - waiting.count }
    /// Whether the exit has said of every recipient that nothing more will happen.
    var isFinal: Bool { outcomes.allSatisfy { $0.status?.isFinal ?? false } }

    /// Takes what the exit says. What is final stays: answers may overtake each other.
    mutating func apply(_ state: Receipt.State, at now: Timestamp) {
        switch state {
        case .unknown: break
        case .incomplete(let groups):
            guard let layout, groups.count == layout.groups else { return }
            held = Held(shares: groups.reduce(0) { $0 + $1.count }, needed: layout.dataShares)
        case .complete(let recipients):
            guard recipients.count == outcomes.count else { return }
            for (index, recipient) in recipients.enumerated() where !(outcomes[index].status?.isFinal ?? false) {
                outcomes[index] = Outcome(status: recipient.status, code: recipient.code, heard: now)
            }
        }
    }
}
