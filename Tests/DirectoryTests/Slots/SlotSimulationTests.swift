// The slot protocol under everything that can go wrong, and the simulation under a protocol that is wrong.

import Directory
import TestSupport
import Testing
import WireFormat

@Suite("Slot simulation")
struct SlotSimulationTests {
    /// Runs a plan and judges it.
    private func judged(_ plan: SlotPlan, seed: UInt64) -> (simulation: SlotSimulation, violations: [String]) {
        let simulation = SlotSimulation(plan, random: SeededRandom(seed: seed))
        simulation.run()
        var violations = simulation.judge.violations
        // A slot is lost for every faulty leader, and the one of the healing. A liar that is caught may spoil one more,
        // by a vote that the leader names before the evidence reaches it.
        let bound = plan.faults + plan.liars.count + 2
        let gap = simulation.judge.longestGap(simulation.goodSlots)
        if gap >= bound { violations.append("no consensus in \(gap) slots after the network healed") }
        let last = Slot(simulation.goodSlots.upperBound - 2)
        if plan.sides == nil, plan.crashes == 0 {
            for liar in simulation.judge.caughtLiars(through: last) {
                for index in simulation.honest
                where plan.skew[index].magnitude <= 300_000
                    && !simulation.authorities[index].disk.evidence.contains(where: { $0.authority == liar })
                {
                    violations.append("\(index) does not know that \(liar) lies")
                }
            }
        }
        return (simulation, violations)
    }

    @Test("never two certified, never two signatures, and progress when the network heals")
    func everything() {
        var random = SeededRandom(name: "slot simulation")
        var slots = 0
        var certified = 0
        for run in 0..<120 {
            let plan = SlotPlan.random(using: &random)
            let seed = random.next()
            let (simulation, violations) = judged(plan, seed: seed)
            slots += plan.troubled + plan.healed
            certified += simulation.judge.certified.count
            if !violations.isEmpty { Issue.record("run \(run), seed \(seed), \(plan): \(violations)") }
        }
        print("slot simulation: \(slots) slots, \(certified) certified")
        #expect(slots > 2000)
        #expect(certified * 2 > slots)
    }

    @Test("without faults every slot is certified", arguments: 1...9)
    func faultless(count: Int) {
        let (simulation, violations) = judged(SlotPlan(count), seed: 1)
        #expect(violations.isEmpty)
        #expect(simulation.judge.longestGap(1_000_000...1_000_016) == 0)
    }

    @Test("f authorities that are dead cost their slots and no others", arguments: 3...9)
    func dead(count: Int) {
        var plan = SlotPlan(count)
        plan.dead = Set(0..<plan.faults)
        let (simulation, violations) = judged(plan, seed: 2)
        #expect(violations.isEmpty)
        for number in UInt64(1_000_000)...1_000_016 {
            let isLost = plan.dead.contains(Int(number % UInt64(count)))
            #expect((simulation.judge.certified[Slot(number)] == nil) == isLost, "slot \(number)")
        }
    }

    /// Whether some runs of a plan with a mistake are found wrong, while without the mistake they are not. Some mistakes show
    /// in one run of forty only: with this many runs the chance to miss them is below one in a million.
    private func finds(_ mistake: SlotPlan.Mistake, _ name: String, _ change: (inout SlotPlan) -> Void) -> Bool {
        var random = SeededRandom(name: name)
        for _ in 0..<2000 {
            var plan = SlotPlan(4)
            change(&plan)
            plan.mistake = mistake
            let seed = random.next()
            guard !judged(plan, seed: seed).simulation.judge.violations.isEmpty else { continue }
            plan.mistake = nil
            #expect(judged(plan, seed: seed).violations.isEmpty, "seed \(seed)")
            return true
        }
        return false
    }

    @Test("a quorum that is too small is found out")
    func quorumTooSmall() { #expect(finds(.quorumTooSmall, "small quorum") { $0.liars = [2] }) }

    @Test("forgotten signatures are found out")
    func forgottenSignatures() {
        let isFound = finds(.forgetsSignatures, "forgotten signatures") {
            // Alone with a liar: others would show it what it signed.
            $0.sides = [0, 1, 2, 3]
            $0.crashes = 0.05
            $0.liars = [2]
        }
        #expect(isFound)
    }

    @Test("forgotten votes are found out")
    func forgottenVotes() { #expect(finds(.forgetsVotes, "forgotten votes") { $0.crashes = 0.05 }) }

    @Test("sending before recording is found out")
    func sendingFirst() { #expect(finds(.sendsBeforeRecording, "sending first") { $0.crashes = 0.05 }) }
}
