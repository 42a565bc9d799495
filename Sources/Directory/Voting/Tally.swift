// What follows from a set of votes. Every authority computes it for itself, and everybody can compute it again later
// (`ConsensusAudit`), so it is a pure function and looks at nothing but the votes and the network file: no clock, no
// order of arrival, no floating point (doc/DIRECTORY.md, tally).

internal import WireFormat

/// Why a set of votes makes no consensus.
public enum TallyError: Error, Equatable, Sendable, CustomStringConvertible {
    case notEnoughVotes(have: Int, needed: Int)
    case repeatedAuthority(String)
    case wrongSlot(String, Slot)
    /// A vote that was checked against another network file.
    case otherNetwork(String)

    public var description: String {
        switch self {
        case .notEnoughVotes(let have, let needed): "there are \(have) votes, but \(needed) are needed for a consensus"
        case .repeatedAuthority(let name): "there are two votes of authority \(name)"
        case .wrongSlot(let name, let slot): "the vote of authority \(name) is for another slot, \(slot)"
        case .otherNetwork(let name): "the vote of authority \(name) was made for another network file"
        }
    }
}

/// How many authorities must say a thing before it is so. All count against the authorities of the network file, not
/// against those who voted: else keeping votes away would change what the rest decides.
struct TallyThresholds {
    /// More than half: to list a node, for a flag.
    let majority: Int
    /// One more than may lie, so that one honest authority is among them: to choose a descriptor.
    let oneHonest: Int
    /// For the previous consensus: one honest authority is among them, and never one alone where there are others. (With
    /// f = 0 the one that has fallen behind would else speak for all.)
    let previous: Int
    /// Values that make a median which liars cannot move: as many honest ones as may lie, and one more, so that it lies
    /// between two honest ones.
    let honestMedian: Int
    /// Measurements that make a median: that many, and three, or all if there are fewer authorities.
    let measurements: Int
    /// For a broken link: two authorities, and a third of all, which is always more than may lie. (Alone, the one there
    /// is.)
    let brokenLink: Int

    init(authorities count: Int) {
        majority = count / 2 + 1
        let faults = Quorum.faults(count)
        oneHonest = faults + 1
        previous = max(faults + 1, min(2, count))
        honestMedian = 2 * faults + 1
        measurements = max(min(3, count), honestMedian)
        brokenLink = max(min(2, count), (count + 2) / 3)
    }
}

/// Makes votes into a consensus.
public enum Tally {
    /// The consensus of `votes`. Their order does not matter: the same votes give the same bytes on every machine.
    ///
    /// - **Nodes, flags**: what more than half of all authorities say.
    /// - **Descriptor of a node**: the latest by its own date among those that more than f authorities name, so that an
    ///   honest one has it; of equal dates the smallest digest. A node without such a descriptor is not listed.
    /// - **Nicknames** are compared without case; of two nodes the one that more authorities list keeps it, then the
    ///   smaller id, and the other is not listed.
    /// - **Previous consensus**: the newest that more than f authorities name, two at least if there are two.
    /// - **Parameters**: the low median of each. They keep the time budget if all votes do: of two low medians at least
    ///   one vote lies at or above both, and the budget only gets wider below that vote.
    /// - **Reliability and latency**: low medians of at least 2f + 1 measurements, and three (or all authorities'), else
    ///   the node is `Unmeasured`. **Age**: low median of at least 2f + 1 dates, else the node is as good as new. Its
    ///   weight follows from both (1 to 100).
    /// - **Broken links**: what two authorities and a third of all say, between listed nodes.
    /// - **Too much at once** of what measurements say is taken back (`MeasurementBrake`, `LinkBrake`).
    ///
    /// - Parameters:
    ///   - votes: a quorum or more, of one slot and one network file, at most one of each authority.
    ///   - network: the network file that the votes were verified in.
    public static func consensus(
        of votes: [Vote], slot: Slot, network: NetworkFile
    ) throws(TallyError) -> Consensus {
        try check(votes, slot: slot, network: network)
        let votes = votes.sorted { $0.contents.authority.text < $1.contents.authority.text }
        let thresholds = TallyThresholds(authorities: network.authorities.count)
        let nodes = NodeTally(votes.map(\.contents), thresholds, at: network.slots.start(of: slot)).nodes
        return Consensus(
            network: network, slot: slot, previous: previous(votes, thresholds),
            votes: votes.map { CountedVote(name: $0.contents.authority, digest: $0.digest) },
            parameters: parameters(votes, network: network), nodes: nodes,
            brokenLinks: brokenLinks(votes.map(\.contents), thresholds, among: nodes).kept)
    }

    /// What the tally takes back of what these votes say: nothing, unless measurements say so much that one may doubt
    /// them.
    /// - Parameters:
    ///   - votes: of one slot, at most one of each authority.
    ///   - network: the network file that they were verified in.
    public static func brake(on votes: [VoteContents], network: NetworkFile) -> MeasurementBrake {
        guard let slot = votes.first?.slot else { return MeasurementBrake() }
        let thresholds = TallyThresholds(authorities: network.authorities.count)
        let tally = NodeTally(votes, thresholds, at: network.slots.start(of: slot))
        var brake = tally.brake
        brake.links = brokenLinks(votes, thresholds, among: tally.nodes).dropped
        return brake
    }

    private static func check(_ votes: [Vote], slot: Slot, network: NetworkFile) throws(TallyError) {
        var seen: Set<Nickname> = []
        for vote in votes {
            let name = vote.contents.authority
            guard vote.network == network.digest else { throw .otherNetwork(name.text) }
            guard vote.contents.slot == slot else { throw .wrongSlot(name.text, vote.contents.slot) }
            guard seen.insert(name).inserted else { throw .repeatedAuthority(name.text) }
        }
        guard votes.count >= network.quorum else {
            throw .notEnoughVotes(have: votes.count, needed: network.quorum)
        }
    }

    /// The middle value; of two in the middle the lower one, so that the result is always one that somebody said.
    static func lowMedian<Value: Comparable>(_ values: [Value]) -> Value? {
        values.isEmpty ? nil : values.sorted()[(values.count - 1) / 2]
    }

    private static func previous(_ votes: [Vote], _ thresholds: TallyThresholds) -> ConsensusLink? {
        var counts: [ConsensusLink: Int] = [:]
        for vote in votes { if let link = vote.contents.previous { counts[link, default: 0] += 1 } }
        // Two of one slot cannot both be certified; if they are nevertheless, the smaller digest is as good as the
        // other.
        return counts.filter { $0.value >= thresholds.previous }.keys.max {
            $0.slot != $1.slot ? $0.slot < $1.slot : $0.digest > $1.digest
        }
    }

    private static func parameters(_ votes: [Vote], network: NetworkFile) -> NetworkParameters {
        var parameters = NetworkParameters(root: network.parameters)
        let all = votes.map(\.contents.parameters.voted)
        for (index, (name, _)) in parameters.voted.enumerated() {
            if let median = lowMedian(all.map { $0[index].value }) { _ = parameters.set(name, to: median) }
        }
        return parameters
    }

    private static func brokenLinks(
        _ votes: [VoteContents], _ thresholds: TallyThresholds, among nodes: [ConsensusNode]
    ) -> (kept: [NodeLink], dropped: [NodeLink]) {
        let listed = Set(nodes.map(\.id))
        var counts: [NodeLink: Int] = [:]
        for vote in votes { for link in vote.brokenLinks { counts[link, default: 0] += 1 } }
        let broken = counts.filter {
            $0.value >= thresholds.brokenLink && listed.contains($0.key.from) && listed.contains($0.key.to)
        }
        // The nodes that can be used, and not those that votes or reports only speak of: nobody can make a network look
        // larger to break more of it.
        let usable = nodes.count { $0.flags.contains(.running) && !$0.flags.contains(.bad) }
        let believed = Set(LinkBrake.kept(Array(broken.keys), nodes: usable))
        // More than a consensus has room for: those that most authorities name.
        let ordered = broken.filter { believed.contains($0.key) }
            .sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
        return (
            ordered.prefix(Consensus.maximumBrokenLinks).map(\.key).sorted(),
            broken.keys.filter { !believed.contains($0) }.sorted()
        )
    }
}
