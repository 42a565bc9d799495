// What goes wrong in a simulated network of authorities, and what must go right in spite of it.

import Directory
import TestSupport
import WireFormat

/// One run of the simulation.
struct SlotPlan {
    /// A mistake built in on purpose, to see that the simulation finds it.
    enum Mistake {
        /// One signature less certifies.
        case quorumTooSmall
        /// A restarted authority has forgotten what it signed.
        case forgetsSignatures
        /// A restarted authority has forgotten what it voted.
        case forgetsVotes
        /// Sends before it records.
        case sendsBeforeRecording
    }

    static let slotLength: Int64 = 1_200_000
    /// Slots until everything that was wrong, except for those who lie or are dead, is right again.
    var troubled = 8
    /// Slots after that.
    var healed = 10
    var count: Int
    /// Chance that a message is lost, each time that it is sent.
    var loss = 0.0
    /// Longest way of a message, in milliseconds. Each takes a time of its own, so they overtake each other.
    var delay: Int64 = 2000
    /// Chance that a message comes twice.
    var duplicates = 0.0
    /// Chance of a crash before each action and between recording and telling, while there is trouble.
    var crashes = 0.0
    /// Milliseconds that each clock is ahead.
    var skew: [Int64]
    /// Who equivocates; they act as one.
    var liars: Set<Int> = []
    /// Who never says anything.
    var dead: Set<Int> = []
    /// While there is trouble: messages pass only between authorities of one side.
    var sides: [Int]?
    var mistake: Mistake?

    init(_ count: Int) {
        self.count = count
        skew = Array(repeating: 0, count: count)
    }

    var faults: Int { Quorum.faults(count) }
    var quorum: Int { Quorum.needed(count) - (mistake == .quorumTooSmall ? 1 : 0) }

    /// Some of everything.
    static func random(using random: inout SeededRandom) -> SlotPlan {
        var plan = SlotPlan(Int.random(in: 3...9, using: &random))
        plan.loss = [0, 0.05, 0.2].randomElement(using: &random) ?? 0
        plan.delay = [100, 2000, 20_000].randomElement(using: &random) ?? 0
        plan.duplicates = [0, 0.2].randomElement(using: &random) ?? 0
        plan.crashes = [0, 0, 0.01, 0.05].randomElement(using: &random) ?? 0
        let skew: Int64 = [0, 10_000, 300_000].randomElement(using: &random) ?? 0
        plan.skew = plan.skew.map { _ in Int64.random(in: -skew...skew, using: &random) }
        var faulty = (0..<plan.count).shuffled(using: &random).prefix(plan.faults)
        // A clock that is altogether wrong is a fault like any other.
        if let wrong = faulty.first, Bool.random(using: &random) {
            plan.skew[wrong] = [-40_000_000, -1_500_000, 2_000_000, 90_000_000].randomElement(using: &random) ?? 0
            faulty.removeFirst()
        }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: plan.dead = Set(faulty)
        case 1: plan.liars = Set(faulty)
        default: break
        }
        if Bool.random(using: &random) {
            plan.sides = (0..<plan.count).map { _ in Int.random(in: 0...1, using: &random) }
        }
        return plan
    }
}
