// The part of the tally that decides about nodes.

internal import WireFormat

/// Which nodes are listed, and what is said of each.
struct NodeTally {
    /// The listed nodes, ascending by id.
    let nodes: [ConsensusNode]
    /// What measurements would have done to them beyond what they may.
    let brake: MeasurementBrake

    /// What a vote says that stands in the descriptor: votes that mean one descriptor agree on all of it, so a liar
    /// cannot put another date or name to a descriptor that honest authorities have.
    private struct Claim: Hashable {
        let descriptor: Digest
        let published: Timestamp
        let nickname: Nickname
    }

    private struct Candidate {
        /// Without the brake.
        var node: ConsensusNode
        /// How many authorities list it.
        let listings: Int
        let since: Timestamp
        /// What measurements leave of its weight.
        let measured: Int

        /// As the brake sees it; nil if clients must not use it whatever measurements say.
        var braked: MeasurementBrake.Node? {
            guard node.flags.contains(.running), !node.flags.contains(.bad) else { return nil }
            return MeasurementBrake.Node(
                id: node.id, isExit: node.flags.contains(.exit), isUnreliable: node.flags.contains(.unreliable),
                measured: measured, reliability: node.reliability, latency: node.latency)
        }
    }

    /// - Parameter time: the start of the slot.
    init(_ votes: [VoteContents], _ thresholds: TallyThresholds, at time: Timestamp) {
        var opinions: [NodeID: [VotedNode]] = [:]
        for vote in votes { for node in vote.nodes { opinions[node.id, default: []].append(node) } }
        var candidates: [Candidate] = []
        for (id, said) in opinions where said.count >= thresholds.majority {
            if let candidate = Self.candidate(id, said, thresholds, at: time) { candidates.append(candidate) }
        }
        // Listed by most first, then by id: what comes first keeps its nickname, and its place if there is not enough
        // room.
        candidates.sort { $0.listings != $1.listings ? $0.listings > $1.listings : $0.node.id < $1.node.id }
        var names: Set<String> = []
        let kept = candidates.filter { names.insert($0.node.nickname.folded).inserted }
        let listed = kept.prefix(Consensus.maximumNodes)
        let brake = MeasurementBrake(listed.compactMap(\.braked))
        let (spared, raised) = (Set(brake.spared), Set(brake.raised))
        nodes = listed.map { candidate in
            var node = candidate.node
            if spared.contains(node.id) { node.flags.remove(.unreliable) }
            if raised.contains(node.id) {
                node.weight = StandingWeight.weight(
                    measured: StandingWeight.leastMeasured, since: candidate.since, at: time)
            }
            return node
        }.sorted { $0.id < $1.id }
        self.brake = brake
    }

    /// One listed node; nil if no descriptor of it is named by enough authorities.
    private static func candidate(
        _ id: NodeID, _ said: [VotedNode], _ thresholds: TallyThresholds, at time: Timestamp
    ) -> Candidate? {
        var claims: [Claim: Int] = [:]
        var flagCounts: [NodeFlag: Int] = [:]
        for opinion in said {
            let claim = Claim(
                descriptor: opinion.descriptor, published: opinion.published, nickname: opinion.nickname)
            claims[claim, default: 0] += 1
            for flag in opinion.flags { flagCounts[flag, default: 0] += 1 }
        }
        let chosen = claims.filter { $0.value >= thresholds.oneHonest }.keys.min {
            if $0.published != $1.published { return $0.published > $1.published }
            if $0.descriptor != $1.descriptor { return $0.descriptor < $1.descriptor }
            // One descriptor has one name; for two of them more than f authorities lied, and the order is still the
            // same.
            return $0.nickname.text < $1.nickname.text
        }
        guard let chosen else { return nil }
        var flags = Set(flagCounts.filter { $0.value >= thresholds.majority }.keys)
        let measured = said.compactMap(\.measurement)
        var reliability: Int?
        var latency: Interval?
        if measured.count >= thresholds.measurements {
            reliability = Tally.lowMedian(measured.map(\.reliability))
            let latencies = measured.compactMap(\.latency)
            if latencies.count >= thresholds.measurements { latency = Tally.lowMedian(latencies) }
        } else {
            flags.insert(.unmeasured)
        }
        // Of fewer dates liars could choose one, and with it the weight: then the node starts anew.
        let dates = said.count >= thresholds.honestMedian ? said.map(\.since) : []
        let since = Tally.lowMedian(dates) ?? time
        let left = StandingWeight.measured(reliability: reliability, latency: latency)
        let node = ConsensusNode(
            id: id, nickname: chosen.nickname, descriptor: chosen.descriptor, flags: flags,
            weight: StandingWeight.weight(measured: left, since: since, at: time), reliability: reliability,
            latency: latency)
        return Candidate(node: node, listings: said.count, since: since, measured: left)
    }
}
