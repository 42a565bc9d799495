// Who may stay when there is not room for all: a register that can be filled for ever is one that nobody can enter. Pure.

internal import WireFormat

/// Makes room for a node in the register, and in the part of it that its addresses may have.
struct RegisterRoom: Sendable {
    /// What is known of a node that is there.
    struct Occupant: Sendable {
        let id: NodeID
        let firstSeen: Timestamp
        let lastTry: Timestamp?
        let lastReachable: Timestamp?
        let places: NodePlaces
    }

    enum Answer: Equatable, Sendable {
        /// There is room once these are gone.
        case free(displacing: Set<NodeID>)
        /// Nodes at the same place have not been tried yet.
        case wait(Interval)
        case refused(DescriptorRefusal)
    }

    let limits: RegistryLimits
    /// All nodes of a test network may be at one address.
    let isTest: Bool
    /// False: nobody knows who answers, and nobody makes room.
    let checksReachability: Bool

    /// - Parameter isNew: whether the node is not in the register; false if it has moved to these places.
    func room(
        for id: NodeID, at places: NodePlaces, isNew: Bool, among all: [Occupant], now: Timestamp
    ) -> Answer {
        var leaving: Set<NodeID> = []
        let others = all.filter { $0.id != id }
        if !isTest {
            for host in places.hosts {
                let same = others.filter { $0.places.hosts.contains(host) && !leaving.contains($0.id) }
                if let answer = enter(same, limits.nodesPerAddress, &leaving, now) { return answer }
            }
            for block in places.blocks {
                let same = others.filter { $0.places.blocks.contains(block) && !leaving.contains($0.id) }
                if let answer = enter(same, limits.nodesPerBlock, &leaving, now) { return answer }
            }
        }
        guard isNew, others.count - leaving.count >= limits.maximumNodes else { return .free(displacing: leaving) }
        let staying = others.filter { !leaving.contains($0.id) }
        let patient = staying.filter { $0.firstSeen <= now - limits.patience }
        guard let one = stranger(patient) ?? lost(staying, now) else {
            return .refused(.registerFull(staying.count))
        }
        leaving.insert(one)
        return .free(displacing: leaving)
    }

    /// Nil if the part of the register has room, or somebody leaves it. Whoever was tried in vain since it came has had
    /// its chance: no patience here, or made-up nodes could keep somebody's own address from him.
    private func enter(
        _ same: [Occupant], _ limit: Int, _ leaving: inout Set<NodeID>, _ now: Timestamp
    ) -> Answer? {
        guard same.count >= limit else { return nil }
        if let one = stranger(same.filter { $0.lastTry != nil }) ?? lost(same, now) {
            leaving.insert(one)
            return nil
        }
        if checksReachability, same.contains(where: { $0.lastTry == nil }) { return .wait(.minutes(1)) }
        return .refused(.placeFull(same.count))
    }

    /// Of those who never answered the first.
    private func stranger(_ some: [Occupant]) -> NodeID? {
        guard checksReachability else { return nil }
        return some.filter { $0.lastReachable == nil }.min { ($0.firstSeen, $0.id) < ($1.firstSeen, $1.id) }?.id
    }

    /// Who has not answered for longest, if that is long.
    private func lost(_ some: [Occupant], _ now: Timestamp) -> NodeID? {
        guard checksReachability else { return nil }
        let gone = some.compactMap { one in one.lastReachable.map { (time: $0, id: one.id) } }
            .filter { $0.time <= now - limits.displaceUnreachable }
        return gone.min { ($0.time, $0.id) < ($1.time, $1.id) }?.id
    }
}
