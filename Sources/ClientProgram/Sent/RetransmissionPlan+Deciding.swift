// What to do next for a message.

private import Glibc
internal import Messages
internal import WireFormat

extension RetransmissionPlan {
    /// What is to be done at `now`; often nothing. The plan counts it as done: call `add` for each packet made of it.
    mutating func decide(
        at now: Timestamp, in surroundings: Surroundings, evidence: inout PathEvidence,
        using generator: inout some RandomNumberGenerator
    ) -> [Step] {
        let timing = surroundings.timing
        // What could only arrive after the exit has given up is not sent.
        guard now + timing.oneWay < deadline else {
            hasNews = false
            due = deadline
            return []
        }
        var steps = reroute(surroundings, evidence)
        if hasNews {
            hasNews = false
            round = isComplete ? round + 1 : 0
            let missing = isComplete ? [] : missingParts(at: now, surroundings, evidence, using: &generator)
            steps += missing
            hasAsked = false
            if isComplete {
                due = now + timing.wait(round: round, using: &generator)
            } else {
                due = missing.isEmpty ? now + timing.oneWay : nil
            }
            return Array(steps.prefix(allowance))
        }
        if !waiting.isEmpty, lastDeparture.map({ now < $0 + timing.roundTrip }) ?? true {
            due = nil
            return Array(steps.prefix(allowance))
        }
        if due == nil {
            let start = lastDeparture ?? now
            due = start + (hasAsked ? timing.wait(round: round, using: &generator) : timing.oneWay)
        }
        guard let time = due, time <= now else { return Array(steps.prefix(allowance)) }

        giveUpQuestions(at: now, timing, &evidence)
        if exitSeemsDead(at: now, timing, evidence) { return [.otherExit] }
        steps += ask(surroundings, evidence)
        if !isComplete, round >= Self.patientRounds {
            steps += blindParts(surroundings, evidence, using: &generator)
        }
        round += 1
        hasAsked = true
        due = allowance == 0 ? deadline : nil
        return Array(steps.prefix(allowance))
    }

    /// Notes a packet that was made for a step.
    mutating func add(_ shipment: Shipment) { shipments.append(shipment) }
    mutating func add(_ question: Question) { questions.append(question) }

    private var lastDeparture: Timestamp? { (shipments.compactMap(\.left) + questions.compactMap(\.left)).max() }

    /// Other packets in place of those whose first node cannot be reached. The old ones stay in the queue; should they
    /// leave after all, the exit knows their parts already.
    private mutating func reroute(_ surroundings: Surroundings, _ evidence: PathEvidence) -> [Step] {
        let gone = surroundings.unreachable
        guard !gone.isEmpty else { return [] }
        var steps: [Step] = []
        let avoiding = Set(evidence.suspects(among: surroundings.nodes).prefix(room(surroundings))).union(gone)
        for index in shipments.indices where shipments[index].row != nil && shipments[index].fate == .open {
            guard let first = shipments[index].path.first, gone.contains(first) else { continue }
            shipments[index].fate = .replaced
            steps.append(.part(group: shipments[index].group, index: shipments[index].index, avoiding: avoiding))
        }
        for index in questions.indices where questions[index].row != nil && questions[index].fate == .open {
            guard let first = questions[index].forward.first, gone.contains(first) else { continue }
            questions[index].fate = .replaced
            steps.append(.question(avoiding: avoiding))
        }
        return steps
    }

    private func room(_ surroundings: Surroundings) -> Int {
        PathEvidence.room(surroundings.nodes.count, hops: surroundings.hops)
    }

    /// Which nodes the packet of this number leaves out: those under suspicion, and as long as some nodes are not known
    /// to work, others of them each time. If one of few nodes is dead, one of the packets goes past it.
    private func avoided(_ number: Int, _ surroundings: Surroundings, _ evidence: PathEvidence) -> Set<NodeID> {
        let room = room(surroundings)
        var avoided = Set(evidence.suspects(among: surroundings.nodes).prefix(room))
        let fixed: Set<NodeID> = Set([exit, surroundings.mailbox].compactMap(\.self))
        avoided.subtract(fixed)
        let doubtful = evidence.unproven(among: surroundings.nodes.sorted()).filter { !fixed.contains($0) }
        let size = room - avoided.count
        guard size > 0, !doubtful.isEmpty else { return avoided }
        for step in 0..<size { avoided.insert(doubtful[(number * size + step) % doubtful.count]) }
        return avoided
    }

    /// Questions without an answer in time are lost, there or on the way back.
    private mutating func giveUpQuestions(
        at now: Timestamp, _ timing: RetransmissionTiming, _ evidence: inout PathEvidence
    ) {
        for index in questions.indices where questions[index].fate == .open {
            guard let left = questions[index].left, left + timing.roundTrip <= now else { continue }
            questions[index].fate = .lost
            evidence.doubt(questions[index].forward + questions[index].back, at: now)
            evidence.noteQuestion(answered: false)
        }
    }

    private func exitSeemsDead(at now: Timestamp, _ timing: RetransmissionTiming, _ evidence: PathEvidence) -> Bool {
        mayChangeExit && heard == nil && began + timing.exitPatience <= now && !evidence.isProven(exit, since: began)
            && questions.count { $0.fate == .lost } >= Self.deadQuestions
    }

    /// So many questions that one is probably answered, more with every round that brought nothing, and while nothing is
    /// known one for each node that might be the cause.
    private func ask(_ surroundings: Surroundings, _ evidence: PathEvidence) -> [Step] {
        let success = min(max(evidence.answered, 0.1), 0.95)
        var count = Int((log(0.25) / log(1 - success)).rounded(.up)) + (isComplete ? 0 : round)
        if round > 0 {
            let fixed = [exit, surroundings.mailbox]
            count = max(count, evidence.unproven(among: surroundings.nodes).count { !fixed.contains($0) })
        }
        count = min(max(count, 1), Self.mostQuestions)
        return (0..<count).map { .question(avoiding: avoided(questions.count + $0, surroundings, evidence)) }
    }

    /// The parts that an exit lacks which has told what it holds: as many as must be sent for enough to arrive.
    private func missingParts(
        at now: Timestamp, _ surroundings: Surroundings, _ evidence: PathEvidence,
        using generator: inout some RandomNumberGenerator
    ) -> [Step] {
        let arrival = min(max(evidence.arrival, 0.2), 0.98)
        let avoiding = Set(evidence.suspects(among: surroundings.nodes).prefix(room(surroundings)))
        let underWay = Dictionary(
            grouping: shipments.filter { $0.fate == .open && isYoung($0, at: now, surroundings.timing) }, by: \.group)
        var steps: [Step] = []
        for number in 0..<layout.groups {
            guard let group = layout.group(number) else { continue }
            let young = Set((underWay[number] ?? []).map(\.index)).subtracting(held[number])
            let expected = Int((Double(young.count) * arrival).rounded(.down))
            let need = group.dataShares - held[number].count - expected
            guard need > 0 else { continue }
            let missing = (0..<group.totalShares).filter { !held[number].contains($0) && !young.contains($0) }
                .shuffled(using: &generator)
            guard !missing.isEmpty else { continue }
            let count = min(Int((Double(need) / arrival).rounded(.up)) + 1, 2 * group.totalShares)
            steps += (0..<count).map {
                .part(group: number, index: missing[$0 % missing.count], avoiding: avoiding)
            }
        }
        return steps.shuffled(using: &generator)
    }

    /// Some parts of every group, when nothing was heard: whether they are needed is not known.
    private func blindParts(
        _ surroundings: Surroundings, _ evidence: PathEvidence, using generator: inout some RandomNumberGenerator
    ) -> [Step] {
        var steps: [Step] = []
        for number in 0..<layout.groups {
            guard let group = layout.group(number) else { continue }
            let missing = (0..<group.totalShares).filter { !held[number].contains($0) }.shuffled(using: &generator)
            let count = group.totalShares == 1 ? min(round, 3) : (group.totalShares + 2) / 3
            guard !missing.isEmpty else { continue }
            for position in 0..<count {
                let avoiding = avoided(shipments.count + steps.count, surroundings, evidence)
                steps.append(.part(group: number, index: missing[position % missing.count], avoiding: avoiding))
            }
        }
        return steps.shuffled(using: &generator)
    }
}
