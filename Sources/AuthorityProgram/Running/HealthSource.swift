// What the health pages are made of: the register, the slot machine, the store.

internal import Daemon
internal import Directory
internal import Foundation
internal import Spool
internal import Synchronization
internal import WireFormat

/// Gathers the facts of an authority.
struct HealthSource: Sendable {
    let parts: AuthorityParts
    let registry: NodeRegistry
    let driver: SlotDriver
    let publication: Publication
    let started: Timestamp
    let dataDirectory: String
    /// Evidence that has been read: it never changes, and to read it takes long.
    private let known = KnownEvidence()
    private let measurements: MeasurementSource

    init(
        parts: AuthorityParts, registry: NodeRegistry, driver: SlotDriver, publication: Publication,
        started: Timestamp, dataDirectory: String
    ) {
        self.parts = parts
        self.registry = registry
        self.driver = driver
        self.publication = publication
        self.started = started
        self.dataDirectory = dataDirectory
        measurements = MeasurementSource(store: parts.store, desk: driver.reports)
    }

    /// All facts at this moment.
    func facts() async -> HealthFacts {
        let network = parts.network
        let state = await driver.status()
        var facts = HealthFacts(
            now: parts.clock.now(), authority: parts.name.text, software: AuthorityVersion.text, started: started,
            network: HealthReport.NetworkInfo(
                name: network.name, version: network.version, digest: network.digest, isTest: network.isTest,
                quorum: network.quorum, faults: network.faults,
                slotMilliseconds: network.parameters.slotLength.milliseconds),
            authorities: network.authorities.enumerated().map { index, authority in
                HealthReport.AuthorityInfo(
                    name: authority.name.text, id: authority.id, urls: authority.urls,
                    certifiedUntil: state.certifiedUntil[index])
            })
        facts.slots = state.summaries.map { slotFacts($0, isLate: state.late.contains($0.slot)) }
        facts.clocks = state.clocks.map { index, clock in
            HealthFacts.ClockFacts(
                authority: parts.name(of: index), published: clock.published, received: clock.received)
        }
        facts.votes = state.votes.map(voteFacts)
        let brake = Tally.brake(on: state.votes.map(\.contents), network: network)
        facts.brake = HealthFacts.BrakeFacts(
            spared: brake.spared.count, raised: brake.raised.count, links: brake.links.count)
        let certified = publication.certified
        facts.consensus = certified.map { certified in
            HealthReport.ConsensusInfo(
                height: certified.slot.number, digest: certified.link.digest,
                published: certified.consensus.published, freshUntil: certified.consensus.freshUntil,
                validUntil: certified.consensus.validUntil, signers: certified.signers.map(\.text))
        }
        let pingers = await measurements.pingers()
        facts.pingers = pingers.infos
        facts.reports = measurements.reports(of: state.votes)
        facts.disputedDomains = await registry.disputedDomains()
        facts.nodes = await nodes(certified?.consensus, pingers.findings)
        if let certified, let present = try? parts.store.present(among: certified.consensus.nodes.map(\.descriptor)) {
            facts.missingDescriptors = Set(certified.consensus.nodes.map(\.descriptor)).subtracting(present).count
        }
        facts.evidence = evidence(state.exclusions)
        facts.disk = disk()
        facts.warnings = parts.counters.health.current.filter { $0.key != "certificate" }.sorted { $0.key < $1.key }
            .map { HealthWarning(.urgent, $0.key, $0.value) }
        return facts
    }

    private func slotFacts(_ summary: SlotSummary, isLate: Bool) -> HealthFacts.SlotFacts {
        let outcome: HealthFacts.SlotFacts.Outcome =
            switch summary.progress {
            case .certified(let digest): .certified(digest)
            case .failed(let failure): .failed(failure.description)
            case .voting, .proposed, .signing: .underWay
            }
        func byName(_ digests: [[Digest]]) -> [String: Digest] {
            Dictionary(
                digests.enumerated().compactMap { index, found in found.first.map { (parts.name(of: index), $0) } },
                uniquingKeysWith: { first, _ in first })
        }
        return HealthFacts.SlotFacts(
            slot: summary.slot.number, votes: byName(summary.votes), proposal: summary.proposals.first,
            signatures: byName(summary.signatures), outcome: outcome, isLate: isLate)
    }

    private func voteFacts(_ vote: Vote) -> HealthFacts.VoteFacts {
        HealthFacts.VoteFacts(
            authority: vote.contents.authority.text, slot: vote.contents.slot.number, digest: vote.digest,
            parameters: Dictionary(
                vote.contents.parameters.voted.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
            nodes: Dictionary(
                vote.contents.nodes.map { node in
                    (
                        node.id,
                        HealthFacts.VotedNodeFacts(
                            nickname: node.nickname.text, descriptor: node.descriptor,
                            flags: Set(node.flags.map(\.rawValue)))
                    )
                }, uniquingKeysWith: { first, _ in first }))
    }

    private func nodes(
        _ consensus: Consensus?, _ findings: [NodeID: [HealthReport.Finding]]
    ) async -> [HealthReport.NodeInfo] {
        let listed = Dictionary(
            (consensus?.nodes ?? []).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let broken = consensus?.brokenLinks ?? []
        let brokenTo = Dictionary(grouping: broken, by: \.from)
        let brokenFrom = Dictionary(grouping: broken, by: \.to)
        var infos: [HealthReport.NodeInfo] = []
        for entry in await registry.all() {
            let (node, fields) = (entry.node, entry.descriptor.fields)
            let standing = listed[node.id]
            var info = HealthReport.NodeInfo(
                id: node.id, nickname: node.nickname, isListed: standing != nil, problem: problem(node),
                descriptor: node.descriptor, published: node.published, validUntil: node.validUntil,
                addresses: fields.addresses.map(\.description), software: fields.software, contact: fields.contact)
            info.flags = standing?.flags.sorted().map(\.rawValue) ?? []
            info.weight = standing?.weight
            info.since = node.firstSeen
            info.capabilities = fields.capabilities.map { capability in
                ([capability.name] + capability.limits.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
            }
            info.family = fields.family
            info.isLeaving = fields.isLeaving
            info.reliability = standing?.reliability
            info.latencyMilliseconds = standing?.latency?.milliseconds
            info.brokenTo = (brokenTo[node.id] ?? []).map(\.to)
            info.brokenFrom = (brokenFrom[node.id] ?? []).map(\.from)
            info.findings = findings[node.id] ?? []
            infos.append(info)
        }
        return infos
    }

    /// What this authority found wrong with a node.
    private func problem(_ node: RegisteredNode) -> String? {
        let now = parts.clock.now()
        if node.validUntil <= now { return "its descriptor expired on \(node.validUntil)" }
        if node.isLeaving { return "it leaves the network" }
        guard node.lastTry != nil, !node.reached else { return nil }
        return "it did not answer when it was tried last (\(node.failure ?? "no answer"))"
    }

    private func evidence(_ exclusions: [Int: ClosedRange<Slot>]) -> [HealthReport.EvidenceInfo] {
        ((try? parts.store.evidence()) ?? []).prefix(KnownEvidence.maximum).compactMap { piece in
            guard let digests = known.digests(of: piece.digest, read: { read(piece) }) else { return nil }
            let excluded = Nickname(piece.authority).flatMap { parts.network.index(of: $0) }.flatMap { exclusions[$0] }
            let isUsed = excluded?.contains(Slot(piece.slot)) ?? false
            return HealthReport.EvidenceInfo(
                authority: piece.authority, slot: piece.slot, kind: piece.kind, digest: piece.digest,
                first: digests.first, second: digests.second,
                excludedUntil: isUsed ? excluded?.upperBound.number : nil)
        }
    }

    private func read(_ piece: StoredEvidence) -> KnownEvidence.Digests? {
        guard let stored = try? parts.store.document(piece.digest),
            let evidence = try? UnverifiedEvidence(stored.bytes).verify(in: parts.network),
            evidence.digests.count == 2
        else { return nil }
        return KnownEvidence.Digests(first: evidence.digests[0], second: evidence.digests[1])
    }

    private func disk() -> HealthReport.DiskInfo? {
        guard let system = try? FileManager.default.attributesOfFileSystem(forPath: dataDirectory),
            let free = system[.systemFreeSize] as? NSNumber, let size = system[.systemSize] as? NSNumber
        else { return nil }
        var used: Int64 = 0
        for suffix in ["", "-wal", "-shm"] {
            let path = AuthorityFiles(directory: dataDirectory).database + suffix
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            used += (attributes?[.size] as? NSNumber)?.int64Value ?? 0
        }
        return HealthReport.DiskInfo(free: free.int64Value, size: size.int64Value, used: used)
    }
}

/// What differs in pieces of evidence, by their digests.
private final class KnownEvidence: Sendable {
    struct Digests: Sendable {
        var first: Digest
        var second: Digest
    }
    /// Pieces that are shown, and remembered.
    static let maximum = 500
    private let found = Mutex<[Digest: Digests]>([:])

    func digests(of piece: Digest, read: () -> Digests?) -> Digests? {
        if let known = found.withLock({ $0[piece] }) { return known }
        guard let digests = read() else { return nil }
        found.withLock { found in
            if found.count >= Self.maximum { found.removeAll() }
            found[piece] = digests
        }
        return digests
    }
}
