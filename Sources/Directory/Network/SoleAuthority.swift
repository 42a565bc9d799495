// A network whose directory one key makes by hand: for laboratories and tests that need a consensus and no authorities.

public import MixCrypto
public import WireFormat

/// The only authority of a network, which certifies what it is told.
public struct SoleAuthority: Sendable {
    public let root: NetworkFile
    private let signer: AuthoritySigner
    private let parameters: NetworkParameters

    /// - Parameters:
    ///   - parameters: what every consensus says.
    ///   - rootParameters: lengths of slots and validity; those of key periods are taken from `parameters`.
    ///   - certifiedFrom: when the certificate of the signing key begins; it is good for 90 days.
    public init(
        network: String, isTest: Bool, parameters: NetworkParameters = NetworkParameters(),
        rootParameters: RootParameters = RootParameters(), key: HybridSigningKey, published: Timestamp,
        certifiedFrom: Timestamp? = nil, urls: [String] = []
    ) throws {
        guard let name = Nickname("sole") else { throw DocumentError(line: 0, reason: .value) }
        var fixed = rootParameters
        fixed.periodLength = parameters.periodLength
        fixed.acceptance = parameters.acceptance
        root = try NetworkFile.draft(
            name: network, version: 1, isTest: isTest, published: published,
            authorities: [Authority(name: name, identity: key.verificationKey, urls: urls)], parameters: fixed
        ).signed(by: key).verify()
        let begin = certifiedFrom ?? published
        let certificate = try UnverifiedCertificate(
            AuthorityCertificate.make(
                network: network, name: name, identity: key, key: key.verificationKey, published: begin,
                validUntil: begin + AuthorityCertificate.maximumValidity)
        ).verify(in: root, at: begin)
        signer = try AuthoritySigner(certificate: certificate, key: key)
        self.parameters = parameters
    }

    /// The consensus of the slot at `now`, which lists `nodes` as running and of equal weight.
    public func certify(
        _ nodes: [Descriptor], at now: Timestamp, previous: ConsensusLink? = nil, brokenLinks: [NodeLink] = [],
        change: (inout ConsensusNode) -> Void = { _ in }
    ) throws -> CertifiedConsensus {
        guard let slot = root.slots.slot(at: now) else { throw ConsensusError.notYet(now) }
        let listed = nodes.map { node in
            var entry = ConsensusNode(
                id: node.id, nickname: node.fields.nickname, descriptor: node.digest, flags: node.capabilityFlags,
                weight: ConsensusNode.fullWeight)
            entry.flags.insert(.running)
            entry.flags.insert(.unmeasured)
            change(&entry)
            return entry
        }
        let consensus = Consensus(
            network: root, slot: slot, previous: previous,
            votes: [CountedVote(name: signer.name, digest: .sha256(listed.flatMap { $0.descriptor.bytes }))],
            parameters: parameters, nodes: listed, brokenLinks: brokenLinks)
        let signature = try ConsensusSignature.make(consensus.link, network: root, signer: signer)
        return try CertifiedConsensus(consensus, signatures: [signature], network: root)
    }

    /// The network of these nodes at `now`.
    public func network(_ nodes: [Descriptor], at now: Timestamp) throws -> Network {
        Network(root: root, consensus: try certify(nodes, at: now), descriptors: nodes)
    }
}

extension Descriptor {
    /// The flags that follow from what the node says it can do.
    public var capabilityFlags: Set<NodeFlag> {
        var flags: Set<NodeFlag> = []
        if can(Capability.Name.smtp) || can(Capability.Name.mbox) { flags.insert(.exit) }
        if can(Capability.Name.mailbox) { flags.insert(.mailbox) }
        if can(Capability.Name.nymserver) { flags.insert(.nymserver) }
        return flags
    }
}
