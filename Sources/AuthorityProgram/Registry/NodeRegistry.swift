// The nodes that an authority knows: what they say of themselves, whether they answer, since when they are there. Decisions
// are in `DescriptorRules` and `VotedFlags`; here is what they are about, in memory and in the store.

internal import Directory
internal import Foundation
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
    /// Addresses of one host name that are used.
    static let addressesPerName = 2

    private let executor = WorkExecutor("registry")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let store: AuthorityStore
    private let network: String
    let rules: DescriptorRules
    private let lookup: HostLookup
    private let now: @Sendable () -> Timestamp
    private let started: Timestamp
    /// Nodes whose descriptors the store had and could not be read.
    nonisolated let lost: Int
    private var voted: VotedFlags
    private var entries: [NodeID: Entry] = [:]
    private var names: [String: NodeID] = [:]
    private var newcomers: NewcomerLimit
    private var listed = ListedNymDomains()
    /// Called with a node that is new or has other addresses.
    private var appeared: @Sendable (NodeID) -> Void = { _ in }

    init(
        store: AuthorityStore, network: NetworkFile, limits: RegistryLimits, voted: VotedFlags, lookup: HostLookup,
        now: @escaping @Sendable () -> Timestamp
    ) throws {
        self.store = store
        self.network = network.name
        rules = DescriptorRules(
            isTest: network.isTest, limits: limits,
            authorities: Set(network.authorities.flatMap(\.urls).compactMap(Self.address)),
            boundsValidity: !network.authorities.allSatisfy(\.urls.isEmpty))
        self.lookup = lookup
        self.now = now
        self.voted = voted
        let time = now()
        started = time
        newcomers = NewcomerLimit(limits, now: time)
        var lost = 0
        var found: [NodeID: Entry] = [:]
        for node in try store.nodes() {
            // One that lost its descriptor comes again with the node's next upload.
            guard let stored = try store.document(node.descriptor),
                let descriptor = try? UnverifiedDescriptor(stored.bytes).verify(network: network.name)
            else {
                lost += 1
                continue
            }
            found[node.id] = Entry(node, descriptor, limits, at: time)
        }
        self.lost = lost
        entries = found
        for entry in found.values { names[entry.node.nickname.lowercased()] = entry.node.id }
    }

    /// Where a URL leads, as a node would write it.
    private static func address(_ url: String) -> NodeAddress? {
        guard let parts = URLComponents(string: url), let host = parts.host else { return nil }
        let port = parts.port ?? (parts.scheme == "https" ? 443 : 80)
        return UInt16(exactly: port).flatMap { NodeAddress(host: host.filter { $0 != "[" && $0 != "]" }, port: $0) }
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
        if let wait = wait(for: descriptor, at: NodePlaces(descriptor.fields.addresses)) { return .busy(wait) }
        var resolved: [String: [NodeAddress]] = [:]
        for host in rules.hostsToLookUp(descriptor) {
            do throws(HostLookup.Failure) {
                let found = try await lookup.addresses(of: host, port: 1)
                if let refusal = rules.judge(host, found) { return .refused(refusal) }
                resolved[host] = Array(found.filter(\.isPublic).prefix(Self.addressesPerName))
            } catch {
                return .busy(.minutes(1))
            }
        }
        // Others may have come meanwhile. What was refused until here costs nobody his turn.
        switch decide(descriptor) {
        case .known: return .known
        case .refused(let refusal): return .refused(refusal)
        case .take: return store(descriptor, resolved)
        }
    }

    private func decide(_ descriptor: Descriptor) -> DescriptorDecision {
        rules.decide(
            descriptor, known: entries[descriptor.id]?.node, owner: names[descriptor.fields.nickname.folded],
            claims: descriptor.fields.nymDomains.isEmpty ? NymDomainClaims() : claims(at: now()), now: now())
    }

    /// Who announces which domain of nyms. A node that counts as bad, leaves or has expired holds none.
    private func claims(at time: Timestamp) -> NymDomainClaims {
        let kept = entries.values.filter { !$0.node.isLeaving && time < $0.node.validUntil }.map(\.descriptor)
        return NymDomainClaims(
            (kept + listed.descriptors(besides: entries, at: time)).filter { !voted.bad.contains($0.id) })
    }

    /// Domains of nyms that are announced under more than one key.
    func disputedDomains() -> [DisputedNymDomain] { claims(at: now()).disputed }

    private func remove(_ id: NodeID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        names[entry.node.nickname.lowercased()] = nil
    }

    /// How long a descriptor has to wait; nil if it need not. Nothing is counted yet.
    private func wait(for descriptor: Descriptor, at places: NodePlaces) -> Interval? {
        let time = now()
        var wait = newcomers.wait(for: places, countsBlocks: !rules.isTest, at: time)
        if var entry = entries[descriptor.id] {
            wait = max(entry.uploads.wait(at: time), entry.bytes.wait(descriptor.bytes.count, at: time))
        }
        return wait > .zero ? wait : nil
    }

    /// Counts a descriptor that is taken.
    private func count(_ descriptor: Descriptor, at places: NodePlaces, _ time: Timestamp) {
        guard var entry = entries[descriptor.id] else {
            newcomers.take(places, countsBlocks: !rules.isTest, at: time)
            return
        }
        _ = entry.uploads.take(at: time)
        _ = entry.bytes.take(descriptor.bytes.count, at: time)
        entries[descriptor.id] = entry
    }

    private func store(_ descriptor: Descriptor, _ resolved: [String: [NodeAddress]]) -> RegistryVerdict {
        let time = now()
        let places = NodePlaces(descriptor.fields.addresses + resolved.values.flatMap(\.self))
        if let wait = wait(for: descriptor, at: places) { return .busy(wait) }
        let hasMoved = entries[descriptor.id]?.descriptor.fields.addresses != descriptor.fields.addresses
        var displaced: Set<NodeID> = []
        if hasMoved {
            let room = RegisterRoom(
                limits: rules.limits, isTest: rules.isTest, checksReachability: voted.checksReachability)
            switch room.room(
                for: descriptor.id, at: places, isNew: entries[descriptor.id] == nil,
                among: entries.values.map(\.occupant), now: time)
            {
            case .free(let leaving): displaced = leaving
            case .wait(let wait): return .busy(wait)
            case .refused(let refusal): return .refused(refusal)
            }
        }
        count(descriptor, at: places, time)
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
            try store.forget(Array(displaced))
            for id in displaced { remove(id) }
            try store.keep(
                node,
                descriptor: StoredDocument(
                    digest: descriptor.digest, kind: .descriptor, received: time, bytes: descriptor.bytes))
        } catch {
            return .unavailable
        }
        if let old { names[old.node.nickname.lowercased()] = nil }
        names[descriptor.fields.nickname.folded] = descriptor.id
        var entry = old ?? Entry(node, descriptor, rules.limits, at: time)
        if old == nil { _ = entry.bytes.take(descriptor.bytes.count, at: time) }
        (entry.node, entry.descriptor, entry.resolved) = (node, descriptor, resolved)
        // It has to answer there too.
        if hasMoved { (entry.reachedAt, entry.isProven) = (nil, false) }
        entries[descriptor.id] = entry
        if hasMoved { appeared(descriptor.id) }
        return .stored
    }

    // MARK: For votes

    /// What this authority votes at `time`.
    /// - Parameters:
    ///   - listed: nodes of the last certified consensus; nil if there is none.
    ///   - verdict: what follows from the pingers' reports.
    func ballot(
        at time: Timestamp, listed: Set<NodeID>?, verdict: ReportVerdict = ReportVerdict()
    ) -> [VotedNode] {
        let claims = claims(at: time)
        return entries.values.filter { entry in
            !entry.node.isLeaving && time < entry.node.validUntil && voted.isKnown(entry.node)
                // Who is called bad is listed all the same, but not in the way of those whose domain it claims.
                && !(voted.bad.contains(entry.node.id) && claims.refusal(of: entry.descriptor) != nil)
        }.sorted { $0.node.id < $1.node.id }.prefix(VoteContents.maximumEntries)
            .map { entry in
                VotedNode(
                    id: entry.node.id, nickname: entry.descriptor.fields.nickname, descriptor: entry.node.descriptor,
                    published: entry.node.published, since: Timestamp(seconds: entry.node.firstSeen.seconds),
                    flags: voted.flags(
                        entry.node, entry.descriptor, listed: listed, unreliable: verdict.unreliable, at: time),
                    measurement: verdict.measurements[entry.node.id])
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
        // What is not here yet, or cannot be read now, is looked for in the next slot.
        self.listed.note(consensus, besides: entries) { [store] in (try? store.document($0))?.bytes }
    }

    // MARK: Reachability

    /// Nodes to try.
    func candidates() -> [NodeID] {
        let time = now()
        return entries.values.filter { time < $0.node.validUntil }.map(\.node.id)
    }

    /// A node, as far as it is known.
    func entry(_ id: NodeID) -> Entry? { entries[id] }

    /// What a host name of a node leads to.
    func note(_ found: [NodeAddress], of host: String, at id: NodeID) {
        guard entries[id]?.descriptor.fields.addresses.contains(where: { $0.host == host }) == true else { return }
        entries[id]?.resolved[host] = Array(found.prefix(Self.addressesPerName))
    }

    /// A node could not be tried. That says nothing of it, unless it goes on.
    func notePostponed(_ id: NodeID) {
        guard var entry = entries[id] else { return }
        entry.postponed += 1
        entries[id] = entry
        if entry.postponed >= rules.limits.postponements { noteTry(id, failure: "postponed") }
    }

    /// A node was tried.
    /// - Parameter address: where it answered.
    func noteTry(_ id: NodeID, failure: String?, at address: NodeAddress? = nil) {
        guard var entry = entries[id] else { return }
        entry.postponed = 0
        if failure == nil { (entry.reachedAt, entry.isProven) = (address, true) }
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
            if time >= entry.node.validUntil + limits.forgetAfter { return true }
            guard voted.checksReachability else { return false }
            guard let last = entry.node.lastReachable else {
                return time >= entry.node.firstSeen + limits.forgetUnreached
            }
            // Only if it was tried since this authority is up again.
            return time >= last + limits.forgetUnreachable && (entry.node.lastTry ?? last) >= started
        }
        let ids = gone.map(\.node.id)
        if !ids.isEmpty, (try? store.forget(ids)) != nil {
            for id in ids { remove(id) }
        }
        // If this fails now it does not the next time, or the disk is full and that is told by others.
        _ = try? store.forgetDescriptors(receivedBefore: time - limits.unnamedDescriptor)
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
