// The part of the tally that decides about nodes.

internal import WireFormat

/// Which nodes are listed, and what is said of each.
struct NodeTally {
    /// The listed nodes, ascending by id.
    let nodes: [ConsensusNode]

    /// What a vote says that stands in the descriptor: votes that mean one descriptor agree on all of it, so a liar
    /// cannot put another date or name to a descriptor that honest authorities have.
    private struct Claim: Hashable {
        let descriptor: Digest
        let published: Timestamp
        let nickname: Nickname
    }

    private struct Candidate {
        let node: ConsensusNode
        /// How many authorities list it.
        let listings: Int
    }

    /// - Parameter time: the start of the slot.
    init(_ votes: [VoteContents], _ thresholds: TallyThresholds, at time: Timestamp) {
        var opinions: [NodeID: [VotedNode]] = [:]
        for vote in votes { for node in vote.nodes { opinions[node.id, default: []].append(node) } }
        var candidates: [Candidate] = []
        for (id, said) in opinions where said.count >= thresholds.majority {
            guard let node = Self.node(id, said, thresholds, at: time) else { continue }
            candidates.append(Candidate(node: node, listings: said.count))
        }
        // Listed by most first, then by id: what comes first keeps its nickname, and its place if there is not enough
        // room.
        candidates.sort { $0.listings != $1.listings ? $0.listings > $1.listings : $0.node.id < $1.node.id }
        var names: Set<String> = []
        let kept = candidates.filter { names.insert($0.node.nickname.folded).inserted }
        nodes = kept.prefix(Consensus.maximumNodes).map(\.node).sorted { $0.id < $1.id }
    }

    /// One listed node; nil if no descriptor of it is named by enough authorities.
    private static func node(
        _ id: NodeID, _ said: [VotedNode], _ thresholds: TallyThresholds, at time: Timestamp
    ) -> ConsensusNode? {
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
        return ConsensusNode(
            id: id, nickname: chosen.nickname, descriptor: chosen.descriptor, flags: flags,
            weight: StandingWeight.weight(reliability: reliability, latency: latency, since: since, at: time),
            reliability: reliability, latency: latency)
    }
}
