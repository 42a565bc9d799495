// From what an authority holds to what its page says: which slots to show, ages, clocks, and the order of everything.

internal import WireFormat

extension HealthReport {
    /// The report of these facts. Pure: the same facts give the same report.
    static func make(_ facts: HealthFacts) -> HealthReport {
        let slots = slotInfos(facts)
        var authorities = facts.authorities
        for index in authorities.indices {
            let name = authorities[index].name
            authorities[index].lastVote = slots.first { $0.votes[name] != nil }?.slot
            authorities[index].lastSignature = slots.first { $0.signatures[name] != nil }?.slot
            if name != facts.authority, let clock = facts.clocks.first(where: { $0.authority == name }) {
                authorities[index].clockMilliseconds = (clock.published - clock.received).milliseconds
            }
        }
        var consensus = facts.consensus
        if let found = consensus {
            consensus?.age =
                facts.now >= found.validUntil ? .expired : facts.now >= found.freshUntil ? .old : .fresh
            consensus?.signers.sort()
        }
        var report = HealthReport(
            state: .well, time: facts.now, authority: facts.authority, software: facts.software,
            started: facts.started, network: facts.network, warnings: [], consensus: consensus,
            authorities: authorities, slots: slots, disagreements: Disagreements.among(facts.votes),
            evidence: facts.evidence.sorted {
                ($1.slot, $0.authority, $0.kind, $0.first) < ($0.slot, $1.authority, $1.kind, $1.first)
            },
            nodes: facts.nodes.sorted { ($0.nickname.lowercased(), $0.id) < ($1.nickname.lowercased(), $1.id) },
            pingers: judged(facts.pingers, at: facts.now).sorted { $0.name < $1.name },
            reports: facts.reports.sorted { ($0.pinger ?? "", $0.digest) < ($1.pinger ?? "", $1.digest) },
            disk: facts.disk)
        report.warnings =
            HealthWarnings.brake(facts.brake)
            + HealthWarnings.of(report, missingDescriptors: facts.missingDescriptors)
            + HealthWarnings.nymDomains(facts.disputedDomains) + facts.warnings
        // Stable: within a level the order in which they were found, which is that of importance.
        report.warnings = [.urgent, .attend, .note].flatMap { level in report.warnings.filter { $0.level == level } }
        switch report.warnings.first?.level {
        case .urgent: report.state = .urgent
        case .attend: report.state = .attend
        case .note, nil: report.state = .well
        }
        return report
    }

    /// The slot of a moment.
    static func slot(at time: Timestamp, slotMilliseconds: Int64) -> UInt64 {
        UInt64(max(time.milliseconds, 0) / max(slotMilliseconds, 1))
    }

    /// When a slot begins.
    func start(of slot: UInt64) -> Timestamp { Self.start(of: slot, slotMilliseconds: network.slotMilliseconds) }

    private static func start(of slot: UInt64, slotMilliseconds: Int64) -> Timestamp {
        let (product, overflow) = (Int64(exactly: slot) ?? .max).multipliedReportingOverflow(
            by: max(slotMilliseconds, 1))
        return Timestamp(milliseconds: overflow ? .max : product)
    }

    /// Newest first, without holes, from the present slot back to the first that is known, at most `slotCount`.
    private static func slotInfos(_ facts: HealthFacts) -> [SlotInfo] {
        let length = facts.network.slotMilliseconds
        let present = slot(at: facts.now, slotMilliseconds: length)
        let names = facts.authorities.map(\.name)
        // Slots ahead of this clock are left out: they are not to push those that matter from the page.
        let known = Dictionary(facts.slots.filter { $0.slot <= present }.map { ($0.slot, $0) }) { first, _ in first }
        guard let first = known.keys.min(), !names.isEmpty else { return [] }
        let oldest = max(first, present >= UInt64(slotCount) ? present - UInt64(slotCount - 1) : 0)
        return (oldest...present).reversed().map { number in
            let leader = names[Int(number % UInt64(names.count))]
            let start = start(of: number, slotMilliseconds: length)
            let equivocators = Set(facts.evidence.filter { $0.slot == number }.map(\.authority)).sorted()
            guard let slot = known[number] else {
                return SlotInfo(
                    slot: number, start: start, leader: leader, votes: [:], proposal: nil, signatures: [:],
                    state: number == present ? .underWay : .unknown, consensus: nil, reason: nil, late: false,
                    equivocators: equivocators)
            }
            var info = SlotInfo(
                slot: number, start: start, leader: leader, votes: slot.votes, proposal: slot.proposal,
                signatures: slot.signatures, state: .underWay, consensus: nil, reason: nil, late: slot.isLate,
                equivocators: equivocators)
            switch slot.outcome {
            case .underWay: break
            case .certified(let digest): (info.state, info.consensus) = (.certified, digest)
            case .failed where slot.votes.isEmpty && start < facts.started:
                // Nobody was here to take votes: that says nothing about anybody.
                info.state = .unknown
            case .failed(let reason): (info.state, info.reason) = (.failed, reason)
            }
            return info
        }
    }
}

extension HealthReport.Disagreements {
    /// Compares the votes of the newest slot of which there are at least two.
    static func among(_ all: [HealthFacts.VoteFacts]) -> Self {
        // Of one who made two votes, one: that they differ is not a matter of opinion.
        let single = Dictionary(grouping: all) { [$0.authority, String($0.slot)] }
            .compactMap { $0.value.min { $0.digest < $1.digest } }
        let counts = Dictionary(grouping: single, by: \.slot).filter { $0.value.count > 1 }
        guard let slot = counts.keys.max(), let votes = counts[slot]?.sorted(by: { $0.authority < $1.authority })
        else { return Self() }
        let voters = votes.map(\.authority)
        let parameters = parameterSplits(votes)
        var nodes: [HealthReport.NodeSplit] = []
        var flags: [HealthReport.FlagSplit] = []
        var descriptors: [HealthReport.NodeSplit] = []
        for id in Set(votes.flatMap(\.nodes.keys)).sorted() {
            let lines = votes.compactMap { vote in vote.nodes[id].map { (authority: vote.authority, node: $0) } }
            guard let nickname = lines.first?.node.nickname else { continue }
            let listing = lines.map(\.authority)
            if listing.count < voters.count {
                nodes.append(
                    HealthReport.NodeSplit(
                        node: id, nickname: nickname, with: listing, without: voters.filter { !listing.contains($0) }))
            }
            let byDescriptor = Dictionary(grouping: lines, by: \.node.descriptor)
            if byDescriptor.count > 1,
                let most = byDescriptor.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) })
            {
                let with = most.value.map(\.authority)
                descriptors.append(
                    HealthReport.NodeSplit(
                        node: id, nickname: nickname, with: with, without: listing.filter { !with.contains($0) }))
            }
            for flag in lines.reduce(into: Set<String>(), { $0.formUnion($1.node.flags) }).sorted() {
                let with = lines.filter { $0.node.flags.contains(flag) }.map(\.authority)
                if with.count < listing.count {
                    flags.append(
                        HealthReport.FlagSplit(
                            node: id, nickname: nickname, flag: flag, with: with,
                            without: listing.filter { !with.contains($0) }))
                }
            }
        }
        let most = HealthReport.maximumDisagreements
        return Self(
            slot: slot, voters: voters, parameters: Array(parameters.prefix(most)), nodes: Array(nodes.prefix(most)),
            flags: Array(flags.prefix(most)), descriptors: Array(descriptors.prefix(most)),
            total: parameters.count + nodes.count + flags.count + descriptors.count)
    }

    private static func parameterSplits(_ votes: [HealthFacts.VoteFacts]) -> [HealthReport.ParameterSplit] {
        Set(votes.flatMap(\.parameters.keys)).sorted().compactMap { name in
            let values = Dictionary(
                grouping: votes.compactMap { vote in vote.parameters[name].map { (vote.authority, $0) } }, by: \.1)
            guard values.count > 1 else { return nil }
            return HealthReport.ParameterSplit(
                name: name,
                values: values.sorted { $0.key < $1.key }.map {
                    HealthReport.ParameterSplit.Value(value: $0.key, authorities: $0.value.map(\.0))
                })
        }
    }
}
