// A network in virtual time for plans alone: packets are paths that end well or do not, after exponential delays. The exit
// does what an exit does: it collects shares, answers questions, and says once by itself that a message is complete.

import Messages
import TestSupport
import WireFormat

@testable import ClientProgram

/// Six nodes, two of them exits, one with our mailbox; messages under way through them.
struct SimulatedNetwork {
    struct Rules {
        /// Of a hundred packets so many are lost at each hop.
        var lossPercent = 0
        var dead: Set<Int> = []
        /// Answers and receipts that exits do not send, of a hundred.
        var silencePercent = 0
        var hops = 5
        var nodes = 6
        var mean = 120.0
        var deliveryDeadline = Interval.hours(48)
    }

    /// A message and its exit's idea of it.
    struct Flight {
        var plan: RetransmissionPlan
        var held: [Set<Int>]
        var isDelivered = false
        /// When its end was known.
        var known: Timestamp?
        var otherExit = false
        var began: Timestamp
    }

    private enum Event {
        case turn(Int)
        case part(Int, group: Int, index: Int)
        case question(Int, surb: SURBID, back: [NodeID])
        case answer(Int, surb: SURBID, Receipt.State)
    }

    let rules: Rules
    let nodes: [NodeID]
    var random: SeededRandom
    var evidence = PathEvidence()
    var flights: [Flight] = []
    private var events: [(time: Timestamp, order: Int, event: Event)] = []
    private var count = 0
    private(set) var now = Timestamp(milliseconds: 1_700_000_000_000)

    var mailbox: NodeID { nodes[0] }

    init(_ rules: Rules, random: SeededRandom) {
        self.rules = rules
        self.random = random
        var generator = random
        nodes = (0..<rules.nodes).map { _ in NodeID.random(using: &generator) }
        self.random = generator
    }

    // MARK: Events

    private mutating func schedule(_ event: Event, at time: Timestamp) {
        count += 1
        events.append((time, count, event))
        var child = events.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard (events[child].time, events[child].order) < (events[parent].time, events[parent].order) else { break }
            events.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func nextEvent() -> (time: Timestamp, event: Event)? {
        guard let first = events.first else { return nil }
        events.swapAt(0, events.count - 1)
        events.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < events.count {
                if (events[child].time, events[child].order) < (events[least].time, events[least].order) {
                    least = child
                }
            }
            guard least != parent else { break }
            events.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.event)
    }

    // MARK: Packets

    /// A path of distinct nodes that ends at `end`.
    private mutating func path(to end: NodeID, avoiding: Set<NodeID> = []) -> [NodeID] {
        var candidates = nodes.filter { $0 != end && !avoiding.contains($0) }
        if candidates.count < rules.hops - 1 { candidates = nodes.filter { $0 != end } }
        return Array(candidates.shuffled(using: &random).prefix(rules.hops - 1)) + [end]
    }

    /// How long a packet takes along `path`; nil if it is lost.
    private mutating func journey(_ path: [NodeID]) -> Interval? {
        var seconds = 0.0
        for node in path {
            if let number = nodes.firstIndex(of: node), rules.dead.contains(number) { return nil }
            if Int.random(in: 0..<100, using: &random) < rules.lossPercent { return nil }
            seconds += rules.mean * -Self.logarithm(Double.random(in: Double.leastNormalMagnitude...1, using: &random))
        }
        return .seconds(fraction: seconds)
    }

    /// The natural logarithm, without a library: halves and series are exact enough for delays.
    private static func logarithm(_ x: Double) -> Double {
        let exponent = Double(x.exponent)
        let m = x.significand
        let t = (m - 1) / (m + 1)
        var term = t
        var sum = 0.0
        for k in stride(from: 1.0, through: 31, by: 2) {
            sum += term / k
            term *= t * t
        }
        return exponent * 0.693_147_180_559_945_3 + 2 * sum
    }

    private mutating func ship(_ number: Int, group: Int, index: Int, avoiding: Set<NodeID>) {
        let path = path(to: flights[number].plan.exit, avoiding: avoiding)
        flights[number].plan.add(
            RetransmissionPlan.Shipment(group: group, index: index, path: path, row: nil, left: now))
        if let time = journey(path) { schedule(.part(number, group: group, index: index), at: now + time) }
    }

    private mutating func ask(_ number: Int, avoiding: Set<NodeID>) {
        let forward = path(to: flights[number].plan.exit, avoiding: avoiding)
        let back = path(to: mailbox, avoiding: avoiding)
        let surb = SURBID.random(using: &random)
        flights[number].plan.add(
            RetransmissionPlan.Question(surb: surb, forward: forward, back: back, row: nil, left: now))
        if let time = journey(forward) { schedule(.question(number, surb: surb, back: back), at: now + time) }
    }

    private mutating func answer(_ number: Int, surb: SURBID, back: [NodeID]) {
        guard Int.random(in: 0..<100, using: &random) >= rules.silencePercent, let time = journey(back) else { return }
        let flight = flights[number]
        let state: Receipt.State =
            flight.isDelivered
            ? .complete([Receipt.Recipient(.delivered, code: 250)])
            : flight.held.allSatisfy(\.isEmpty) ? .unknown : .incomplete(flight.held.map { $0.sorted() })
        schedule(.answer(number, surb: surb, state), at: now + time)
    }

    // MARK: Messages

    /// Sends a message of so many parts through the exit of this number, 1 of the last two nodes.
    mutating func send(dataShares: Int, exit: Int) throws {
        let layout = try PartLayout(messageLength: dataShares == 1 ? 900 : dataShares * ShareCapacity.full.rawValue)
        let back = path(to: mailbox)
        let plan = RetransmissionPlan(
            layout: layout, exit: nodes[exit], began: now, deadline: now + rules.deliveryDeadline, mayChangeExit: true,
            receipt: RetransmissionPlan.Block(surb: .random(using: &random), back: back))
        flights.append(
            Flight(plan: plan, held: Array(repeating: [], count: layout.groups), began: now))
        let number = flights.count - 1
        for group in 0..<layout.groups {
            for index in 0..<(layout.group(group)?.totalShares ?? 0) {
                ship(number, group: group, index: index, avoiding: [])
            }
        }
        schedule(.turn(number), at: now)
    }

    private var timing: RetransmissionTiming {
        RetransmissionTiming(
            hops: rules.hops, mean: .seconds(fraction: rules.mean), deliveryDeadline: rules.deliveryDeadline,
            measured: evidence.roundTrip)
    }

    /// Runs until nothing more happens.
    mutating func run() {
        while let (time, event) = nextEvent() {
            now = time
            switch event {
            case .turn(let number): turn(number)
            case .part(let number, let group, let index): arrive(number, group, index)
            case .question(let number, let surb, let back): answer(number, surb: surb, back: back)
            case .answer(let number, let surb, let state):
                guard flights[number].known == nil else { break }
                flights[number].plan.apply(state, surb: surb, at: now, timing: timing, evidence: &evidence)
                if case .complete = state {
                    flights[number].known = now
                } else {
                    schedule(.turn(number), at: now)
                }
            }
        }
    }

    private mutating func arrive(_ number: Int, _ group: Int, _ index: Int) {
        guard !flights[number].isDelivered else { return }
        flights[number].held[group].insert(index)
        let layout = flights[number].plan.layout
        let isComplete = (0..<layout.groups).allSatisfy {
            flights[number].held[$0].count >= (layout.group($0)?.dataShares ?? 0)
        }
        guard isComplete else { return }
        flights[number].isDelivered = true
        if let receipt = flights[number].plan.receipt { answer(number, surb: receipt.surb, back: receipt.back) }
    }

    private mutating func turn(_ number: Int) {
        guard flights[number].known == nil, now < flights[number].plan.deadline, !flights[number].otherExit else {
            return
        }
        let surroundings = RetransmissionPlan.Surroundings(
            nodes: nodes, hops: rules.hops, mailbox: mailbox, timing: timing)
        evidence.forget(at: now)
        let steps = flights[number].plan.decide(at: now, in: surroundings, evidence: &evidence, using: &random)
        for step in steps {
            switch step {
            case .part(let group, let index, let avoiding): ship(number, group: group, index: index, avoiding: avoiding)
            case .question(let avoiding): ask(number, avoiding: avoiding)
            case .otherExit: flights[number].otherExit = true
            }
        }
        // A turn that is due at once would be taken twice at the same time.
        let next = flights[number].plan.next(after: now, timing: timing)
        schedule(.turn(number), at: max(next, now + .milliseconds(1)))
    }
}
