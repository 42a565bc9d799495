// The nodes that an authority knows: what they say of themselves, whether they answer, since when they are there. Decisions
// are in `DescriptorRules` and `VotedFlags`; here is what they are about, in memory and in the store.

internal import Directory
internal import Spool
internal import WireFormat

/// What became of a descriptor that was posted.
enum RegistryVerdict: Equatable, Sendable {
    case stored
    case known
    /// Not a descriptor, or not signed by its node for this network.
    case malformed(String)
    case refused(DescriptorRefusal)
    case busy(Interval)
    /// The store takes nothing: a full disk.
    case unavailable
}

/// The register. It runs on a thread of its own and waits there for the disk.
actor NodeRegistry {
    /// A node in memory.
    struct Entry: Sendable {
        var node: RegisteredNode
        var descriptor: Descriptor
        fileprivate var uploads: TokenBucket
        fileprivate var isDirty = false
    }

    private let executor = WorkExecutor("registry")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let store: AuthorityStore
    private let network: String
    private let rules: DescriptorRules
    private let lookup: HostLookup
    private let now: @Sendable () -> Timestamp
    private var voted: VotedFlags
    private var entries: [NodeID: Entry] = [:]
    private var names: [String: NodeID] = [:]
    private var newcomers: TokenBucket
    /// Called with a node that is new or has other addresses.
    private var appeared: @Sendable (NodeID) -> Void = { _ in }

    init(
        store: AuthorityStore, network: NetworkFile, limits: RegistryLimits, voted: VotedFlags, lookup: HostLookup,
        now: @escaping @Sendable () -> Timestamp
    ) throws {
        self.store = store
        self.network = network.name
        rules = DescriptorRules(isTest: network.isTest, limits: limits)
        self.lookup = lookup
        self.now = now
        self.voted = voted
        let time = now()
        newcomers = TokenBucket(perHour: limits.newNodesPerHour, now: time)
        for node in try store.nodes() {
            // One that lost its descriptor comes again with the node's next upload.
            guard let stored = try store.document(node.descriptor),
                let descriptor = try? UnverifiedDescriptor(stored.bytes).verify(network: network.name)
            else { continue }
            entries[node.id] = Entry(
                node: node, descriptor: descriptor,
                uploads: TokenBucket(perHour: limits.uploadsPerHour, now: time))
            names[node.nickname.lowercased()] = node.id
        }
    }

    func onAppearance(_ handler: @escaping @Sendable (NodeID) -> Void) { appeared = handler }
    func setBad(_ bad: Set<NodeID>) {
        voted = VotedFlags(bad: bad, checksReachability: voted.checksReachability)
    }

    // MARK: Descriptors

    /// Takes a descriptor, if it is to be taken.
    func take(_ bytes: [UInt8]) async -> RegistryVerdict {
        let descriptor: Descriptor
        do {
            descriptor = try UnverifiedDescriptor(bytes).verify(network: network)
        } catch {
            let why =
                error.reason == .signature
                ? "it is not signed by its node, or for another network than \(network)" : error.description
            return .malformed("not a descriptor for this network: \(why)")
        }
        switch decide(descriptor) {
        case .known: return .known
        case .refused(let refusal): return .refused(refusal)
        case .take: break
        }
        if let wait = rateWait(descriptor.id) { return .busy(wait) }
        for host in rules.hostsToLookUp(descriptor) {
            do throws(HostLookup.Failure) {
                if let refusal = rules.judge(host, try await lookup.addresses(of: host, port: 1)) {
                    return .refused(refusal)
                }
            } catch {
                return .busy(.minutes(1))
            }
        }
        // Others may have come meanwhile.
        switch decide(descriptor) {
        case .known: return .known
        case .refused(let refusal): return .refused(refusal)
        case .take: return store(descriptor)
        }
    }

    private func decide(_ descriptor: Descriptor) -> DescriptorDecision {
        rules.decide(
            descriptor, known: entries[descriptor.id]?.node, owner: names[descriptor.fields.nickname.folded],
            count: entries.count - (isFull && stranger() != nil ? 1 : 0), now: now())
    }

    private var isFull: Bool { entries.count >= rules.limits.maximumNodes }

    /// A node that never answered and has had time to: the first whose place another may have, so that whoever makes up
    /// nodes keeps out no real ones.
    private func stranger() -> NodeID? {
        guard voted.checksReachability else { return nil }
        let time = now() - rules.limits.patience
        return entries.values.filter { $0.node.lastReachable == nil && $0.node.firstSeen <= time }
            .min { ($0.node.firstSeen, $0.node.id) < ($1.node.firstSeen, $1.node.id) }?.node.id
    }

    private func remove(_ id: NodeID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        names[entry.node.nickname.lowercased()] = nil
    }

    /// How long the node has to wait; nil if it need not.
    private func rateWait(_ id: NodeID) -> Interval? {
        let time = now()
        if entries[id] != nil {
            return entries[id]?.uploads.take(at: time) == true ? nil : entries[id]?.uploads.wait(at: time)
        }
        return newcomers.take(at: time) ? nil : newcomers.wait(at: time)
    }

    private func store(_ descriptor: Descriptor) -> RegistryVerdict {
        let time = now()
        let old = entries[descriptor.id]
        var node =
            old?.node
            ?? RegisteredNode(
                id: descriptor.id, nickname: "", firstSeen: Timestamp(seconds: time.seconds),
                descriptor: descriptor.digest, published: descriptor.fields.published,
                validUntil: descriptor.fields.validUntil)
        node.nickname = descriptor.fields.nickname.text
        node.descriptor = descriptor.digest
        node.published = descriptor.fields.published
        node.validUntil = descriptor.fields.validUntil
        node.isLeaving = descriptor.fields.isLeaving
        do throws(AuthorityStoreError) {
            if old == nil, isFull, let stranger = stranger() {
                try store.forget([stranger])
                remove(stranger)
            }
            try store.keep(
                node,
                descriptor: StoredDocument(
                    digest: descriptor.digest, kind: .descriptor, received: time, bytes: descriptor.bytes))
        } catch {
            return .unavailable
        }
        if let old { names[old.node.nickname.lowercased()] = nil }
        names[descriptor.fields.nickname.folded] = descriptor.id
        entries[descriptor.id] = Entry(
            node: node, descriptor: descriptor,
            uploads: old?.uploads ?? TokenBucket(perHour: rules.limits.uploadsPerHour, now: time))
        if old?.descriptor.fields.addresses != descriptor.fields.addresses { appeared(descriptor.id) }
        return .stored
    }

    // MARK: For votes

    /// What this authority votes at `time`.
    /// - Parameter listed: nodes of the last certified consensus; nil if there is none.
    func ballot(at time: Timestamp, listed: Set<NodeID>?) -> [VotedNode] {
        entries.values.filter { !$0.node.isLeaving && time < $0.node.validUntil }
            .sorted { $0.node.id < $1.node.id }.prefix(VoteContents.maximumEntries)
            .map { entry in
                VotedNode(
                    id: entry.node.id, nickname: entry.descriptor.fields.nickname, descriptor: entry.node.descriptor,
                    published: entry.node.published, since: Timestamp(seconds: entry.node.firstSeen.seconds),
                    flags: voted.flags(entry.node, entry.descriptor, listed: listed, at: time))
            }
    }

    /// A consensus was certified: for how long nodes have been listed hangs on it.
    func noteCertified(_ consensus: Consensus) {
        let listed = Set(consensus.nodes.map(\.id))
        for (id, entry) in entries {
            let since = listed.contains(id) ? entry.node.listedSince ?? consensus.published : nil
            guard since != entry.node.listedSince else { continue }
            entries[id]?.node.listedSince = since
            entries[id]?.isDirty = true
        }
        flush()
    }

    // MARK: Reachability

    /// Nodes to try.
    func candidates() -> [NodeID] {
        let time = now()
        return entries.values.filter { time < $0.node.validUntil }.map(\.node.id)
    }

    /// Where a node says that it is.
    func addresses(of id: NodeID) -> [NodeAddress] { entries[id]?.descriptor.fields.addresses ?? [] }

    /// A node was tried.
    func noteTry(_ id: NodeID, failure: String?) {
        guard var entry = entries[id] else { return }
        let time = now()
        entry.node.reachedBefore = entry.node.lastTry == nil ? false : entry.node.reached
        entry.node.reached = failure == nil
        entry.node.lastTry = time
        entry.node.failure = failure
        if failure == nil { entry.node.lastReachable = time }
        entry.isDirty = true
        entries[id] = entry
    }

    // MARK: Upkeep

    /// Writes what has changed, and forgets nodes that are long gone.
    func maintain() {
        let time = now()
        let limits = rules.limits
        let gone = entries.values.filter { entry in
            time >= entry.node.validUntil + limits.forgetAfter
                || voted.checksReachability && entry.node.lastReachable == nil
                    && time >= entry.node.firstSeen + limits.forgetUnreached
        }
        let ids = gone.map(\.node.id)
        if !ids.isEmpty, (try? store.forget(ids)) != nil {
            for id in ids { remove(id) }
        }
        flush()
    }

    /// What is lost if this fails is found out again: the next try of the same nodes.
    private func flush() {
        let dirty = entries.values.filter(\.isDirty)
        guard !dirty.isEmpty, (try? store.update(dirty.map(\.node))) != nil else { return }
        for entry in dirty { entries[entry.node.id]?.isDirty = false }
    }

    /// All nodes, by id.
    func all() -> [Entry] { entries.values.sorted { $0.node.id < $1.node.id } }
    var count: Int { entries.count }
    /// Whether a node counts as reachable.
    func isReachable(_ node: RegisteredNode) -> Bool { voted.isReachable(node) }
}
