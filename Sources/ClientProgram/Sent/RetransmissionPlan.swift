// Sending until it is known to have arrived (doc/RELIABILITY.md): what was sent along which nodes, what was heard, and what
// is to be done next. Pure: time, randomness and the state of the network go in, steps come out. Whoever takes the steps
// reports back which packets he made.

internal import Messages
internal import WireFormat

/// The plan of one message at one exit.
struct RetransmissionPlan: Hashable, Sendable {
    /// What became of a packet, as far as it can be known.
    enum Fate: UInt8, Sendable {
        case open = 0
        case arrived = 1
        case lost = 2
        /// Its first node does not take it, and another packet does its work.
        case replaced = 3
    }

    /// A packet with a part.
    struct Shipment: Hashable, Sendable {
        var group: Int
        var index: Int
        var path: [NodeID]
        /// While it waits in the queue.
        var row: QueuedRow?
        /// When it had left the queue.
        var left: Timestamp?
        var fate = Fate.open
    }

    /// A packet that asks the exit how it stands.
    struct Question: Hashable, Sendable {
        /// The reply block for the answer, by which it is known which question was answered.
        var surb: SURBID
        /// There, and back.
        var forward: [NodeID]
        var back: [NodeID]
        var row: QueuedRow?
        var left: Timestamp?
        var fate = Fate.open
    }

    /// A reply block and the nodes on its path.
    struct Block: Hashable, Sendable {
        var surb: SURBID
        var back: [NodeID]
    }

    /// Something to be done now.
    enum Step: Hashable, Sendable {
        /// Send this part, along other nodes than these if that is possible.
        case part(group: Int, index: Int, avoiding: Set<NodeID>)
        /// Ask the exit, there and back along other nodes than these if that is possible.
        case question(avoiding: Set<NodeID>)
        /// The exit seems dead: send the whole message to another one, under another name.
        case otherExit
    }

    /// What the plan must know of the network.
    struct Surroundings: Sendable {
        /// Nodes that can be used.
        var nodes: [NodeID]
        /// Nodes on a path.
        var hops: Int
        /// Where answers end; they always pass it.
        var mailbox: NodeID?
        var timing: RetransmissionTiming
        /// First nodes that just could not be reached.
        var unreachable: Set<NodeID> = []
    }

    /// Questions at a time.
    static let mostQuestions = 5
    /// Rounds of questions without an answer after which parts are sent again, too.
    static let patientRounds = 2
    /// Questions without an answer before the exit is taken for dead.
    static let deadQuestions = 12
    /// Packets for one message: so many for each part, and as many again as a constant.
    static let packetsPerPart = 12
    static let packetAllowance = 120

    let layout: PartLayout
    let exit: NodeID
    let began: Timestamp
    /// When the exit gives the message up.
    let deadline: Timestamp
    /// Whether another exit would do.
    var mayChangeExit: Bool
    /// The receipt block in the message itself.
    let receipt: Block?
    var shipments: [Shipment] = []
    var questions: [Question] = []
    /// Rounds of questions since something was heard.
    var round = 0
    /// When something is to be done; nil while packets have yet to leave.
    var due: Timestamp?
    /// Whether the packets that left last had questions among them.
    var hasAsked: Bool
    /// Whether something was heard that has not been acted on.
    var hasNews = false
    /// When the exit was last heard.
    var heard: Timestamp?
    /// Shares that the exit held then, by group.
    var held: [Set<Int>]
    /// Whether the exit has the whole message.
    var isComplete = false

    init(
        layout: PartLayout, exit: NodeID, began: Timestamp, deadline: Timestamp, mayChangeExit: Bool,
        receipt: Block?
    ) {
        self.layout = layout
        self.exit = exit
        self.began = began
        self.deadline = deadline
        self.mayChangeExit = mayChangeExit
        self.receipt = receipt
        hasAsked = receipt != nil
        held = Array(repeating: [], count: layout.groups)
    }

    /// Packets made.
    var packets: Int { shipments.count + questions.count }
    /// Packets in the queue, those that others have replaced among them.
    var waiting: [QueuedRow] { shipments.compactMap(\.row) + questions.compactMap(\.row) }
    /// Packets in the queue that others have replaced.
    var replaced: [QueuedRow] {
        shipments.filter { $0.fate == .replaced }.compactMap(\.row)
            + questions.filter { $0.fate == .replaced }.compactMap(\.row)
    }
    /// Packets that may yet be made.
    var allowance: Int { max(0, layout.parts * Self.packetsPerPart + Self.packetAllowance - packets) }

    /// When to look at the plan again.
    func next(after now: Timestamp, timing: RetransmissionTiming) -> Timestamp {
        if hasNews { return now }
        return waiting.isEmpty ? min(due ?? now, deadline) : min(now + timing.check, deadline)
    }

    // MARK: What happened

    /// Notes which packets have left the queue.
    mutating func settle(at now: Timestamp, isWaiting: (QueuedRow) -> Bool) {
        for index in shipments.indices {
            if let row = shipments[index].row, !isWaiting(row) {
                shipments[index].row = nil
                shipments[index].left = now
            }
        }
        for index in questions.indices {
            if let row = questions[index].row, !isWaiting(row) {
                questions[index].row = nil
                questions[index].left = now
            }
        }
    }

    /// Takes an answer.
    /// - Parameter surb: the reply block it came by.
    mutating func apply(
        _ state: Receipt.State, surb: SURBID?, at now: Timestamp, timing: RetransmissionTiming,
        evidence: inout PathEvidence
    ) {
        if let index = questions.firstIndex(where: { $0.surb == surb }), questions[index].fate != .arrived {
            let question = questions[index]
            questions[index].fate = .arrived
            evidence.prove(question.forward + question.back, at: now)
            evidence.noteQuestion(answered: true)
            if let left = question.left {
                let took = now - left
                if evidence.roundTrip?.add(took) == nil { evidence.roundTrip = RoundTripEstimate(took) }
            }
        } else if let receipt, receipt.surb == surb {
            evidence.prove([exit] + receipt.back, at: now)
        }
        switch state {
        case .unknown:
            // It says nothing to the contrary of what was said before: parts may have been under way.
            guard !isComplete, heard == nil || held.allSatisfy(\.isEmpty) else { return }
        case .incomplete(let groups):
            guard !isComplete, groups.count == layout.groups else { return }
            // Answers may overtake each other, and shares are not lost again.
            for (number, indices) in groups.enumerated() { held[number].formUnion(indices) }
            judge(at: now, timing: timing, evidence: &evidence)
        case .complete: isComplete = true
        }
        heard = now
        hasNews = true
    }

    /// Whether a part may still arrive, or have arrived after the exit last spoke.
    func isYoung(_ shipment: Shipment, at now: Timestamp, _ timing: RetransmissionTiming) -> Bool {
        guard let left = shipment.left else { return shipment.row != nil }
        return left + timing.oneWay + .milliseconds(timing.oneWay.milliseconds / 2) > now
    }

    /// What the held shares say about the paths of parts. The lost ones first: what is proven clears a node.
    private mutating func judge(at now: Timestamp, timing: RetransmissionTiming, evidence: inout PathEvidence) {
        var arrived: [[NodeID]] = []
        let sent = Dictionary(grouping: shipments.indices) { [shipments[$0].group, shipments[$0].index] }
        for (part, indices) in sent {
            let isHeld = held[part[0]].contains(part[1])
            for index in indices where shipments[index].fate == .open && shipments[index].row == nil {
                if isHeld {
                    shipments[index].fate = .arrived
                    // Of several packets with one part nobody knows which it was.
                    guard indices.count == 1 else { continue }
                    arrived.append(shipments[index].path)
                    evidence.notePacket(arrived: true)
                } else if !isYoung(shipments[index], at: now, timing) {
                    shipments[index].fate = .lost
                    evidence.doubt(shipments[index].path, at: now)
                    evidence.notePacket(arrived: false)
                }
            }
        }
        for path in arrived { evidence.prove(path, at: now) }
    }
}
