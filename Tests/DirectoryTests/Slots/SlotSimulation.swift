// A network of authorities in virtual time: messages are lost, late, doubled and out of order, authorities crash at any
// place and start again, clocks are wrong, sides cannot hear each other, and some lie.

import Directory
import TestSupport
import WireFormat

/// One run.
final class SlotSimulation {
    enum Event {
        case wake(Int, life: Int)
        case start(Int)
        case poll(Int, life: Int)
        case arrive(to: Int, from: Int, life: Int, SimulatedDocument, attempt: Int)
        case fetch(by: Int, life: Int, Slot, VoteReference, from: [Int], attempt: Int)
        case fetchConsensus(by: Int, life: Int, ConsensusLink, attempt: Int)
        case record(SimulatedDocument, by: Int, life: Int)
        case compute(Int, life: Int, Slot, proposal: Digest, votes: [VoteReference])
        case lie(Int, Slot)
        case lyingProposal(Int, Slot)
    }

    let plan: SlotPlan
    var random: SeededRandom
    var judge: SlotJudge
    var authorities: [SimulatedAuthority]
    var liars = SimulatedLiars()
    private(set) var now: Int64
    private var events = EventQueue<Event>()
    private(set) var handled = 0

    private static let firstSlot: UInt64 = 1_000_000
    private let healing: Int64
    private let end: Int64

    init(_ plan: SlotPlan, random: SeededRandom) {
        self.plan = plan
        self.random = random
        judge = SlotJudge(plan)
        authorities = Array(repeating: SimulatedAuthority(), count: plan.count)
        now = Int64(Self.firstSlot) * SlotPlan.slotLength
        // In the middle of a slot.
        healing = now + Int64(plan.troubled) * SlotPlan.slotLength + SlotPlan.slotLength / 2
        end = now + Int64(plan.troubled + plan.healed) * SlotPlan.slotLength
    }

    /// The slots in which there must be progress, that of the healing first.
    var goodSlots: ClosedRange<UInt64> {
        let first = Self.firstSlot + UInt64(plan.troubled)
        return first...(first + UInt64(plan.healed) - 2)
    }
    var isTroubled: Bool { now < healing }
    var honest: [Int] { (0..<plan.count).filter { !plan.liars.contains($0) && !plan.dead.contains($0) } }

    func run() {
        for index in honest { events.add(.start(index), at: now + Int64.random(in: 0...5000, using: &random)) }
        for index in plan.liars.sorted() { schedule(.lie(index, Slot(Self.firstSlot)), after: 0) }
        while let next = events.next, next < end, let (time, event) = events.popFirst() {
            now = time
            handled += 1
            handle(event)
        }
    }

    func schedule(_ event: Event, after delay: Int64) { events.add(event, at: now + delay) }

    func handle(_ event: Event) {
        switch event {
        case .start(let index): start(index)
        case .wake(let index, let life): if isAlive(index, life) { tell(index) { _ in [] } }
        case .poll(let index, let life): if isAlive(index, life) { poll(index) }
        case .arrive(let to, let from, let life, let document, let attempt):
            arrive(to, from, life, document, attempt)
        case .fetch(let by, let life, let slot, let vote, let from, let attempt):
            if isAlive(by, life) { fetch(by, slot, vote, from, attempt) }
        case .fetchConsensus(let by, let life, let link, let attempt):
            if isAlive(by, life) { fetchConsensus(by, link, attempt) }
        case .record(let document, let by, let life): if isAlive(by, life) { record(document, by) }
        case .compute(let index, let life, let slot, let proposal, let votes):
            if isAlive(index, life) { compute(index, slot, proposal, votes) }
        case .lie(let liar, let slot): lie(liar, slot)
        case .lyingProposal(let liar, let slot): proposeLies(liar, slot)
        }
    }

    // MARK: The network

    func isAlive(_ index: Int, _ life: Int) -> Bool {
        authorities[index].isUp && authorities[index].life == life
    }

    /// Whether a message passes now.
    func passes(_ from: Int, _ to: Int) -> Bool {
        if plan.dead.contains(to) || plan.dead.contains(from) { return false }
        if isApart(from, to) { return false }
        return plan.loss == 0 || Double.random(in: 0..<1, using: &random) >= plan.loss
    }

    func isApart(_ from: Int, _ to: Int) -> Bool {
        // Liars are on all sides.
        guard isTroubled, let sides = plan.sides, !plan.liars.contains(from), !plan.liars.contains(to) else {
            return false
        }
        return sides[from] != sides[to]
    }

    func someDelay() -> Int64 { Int64.random(in: 1...plan.delay, using: &random) }

    /// Sends with retries.
    func send(_ document: SimulatedDocument, from: Int, to: Int) {
        schedule(.arrive(to: to, from: from, life: authorities[from].life, document, attempt: 0), after: someDelay())
        if Double.random(in: 0..<1, using: &random) < plan.duplicates {
            schedule(
                .arrive(to: to, from: from, life: authorities[from].life, document, attempt: 0), after: 3 * someDelay())
        }
    }

    func broadcast(_ document: SimulatedDocument, from: Int) {
        for peer in 0..<plan.count where peer != from && !plan.dead.contains(peer) {
            send(document, from: from, to: peer)
        }
    }

    func arrive(_ to: Int, _ from: Int, _ life: Int, _ document: SimulatedDocument, _ attempt: Int) {
        let isLiar = plan.liars.contains(to)
        guard passes(from, to), isLiar || authorities[to].isUp else {
            // Until its slot is closed, or the sender crashes.
            let slot = UInt64(now / SlotPlan.slotLength)
            let isSenderThere = plan.liars.contains(from) || authorities[from].life == life
            var isWanted = document.slot.number + 1 >= slot
            if case .evidence = document { isWanted = true }
            if isSenderThere, isWanted {
                // Soon after a loss, rarely to those who do not answer at all.
                let isThere = isLiar || (authorities[to].isUp && !isApart(from, to))
                let pause = Int64.random(in: 2500...5000, using: &random) << (isThere ? Int64(min(attempt, 2)) : 6)
                schedule(.arrive(to: to, from: from, life: life, document, attempt: attempt + 1), after: pause)
            }
            return
        }
        if isLiar { overhear(document) } else { deliver(document, to: to) }
    }
}
