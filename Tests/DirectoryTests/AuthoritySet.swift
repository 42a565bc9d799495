import Directory
import MixCrypto
import Testing
import WireFormat

/// Some authorities with fixed keys, their network file, and what they sign.
struct AuthoritySet {
    static let names = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis"]
    /// 2026-11-21T06:20:00Z, the beginning of a slot of 20 minutes.
    static let slotStart = Timestamp(seconds: 1_795_242_000)

    let identities: [HybridSigningKey]
    let signing: [HybridSigningKey]
    let file: NetworkFile

    init(
        _ count: Int, network: String = "testing", isTest: Bool = true, version: UInt32 = 1, previous: Digest? = nil,
        signers: [HybridSigningKey]? = nil, seed: UInt8 = 100, parameters: RootParameters = RootParameters()
    ) throws {
        identities = try (0..<count).map { try TestDirectory.hybridKey(seed + UInt8($0)) }
        signing = try (0..<count).map { try TestDirectory.hybridKey(seed + 50 + UInt8($0)) }
        var draft = try NetworkFile.draft(
            name: network, version: version, isTest: isTest, published: TestDirectory.now - .days(1),
            authorities: try zip(Self.names, identities).map { name, key in
                Authority(
                    name: try #require(Nickname(name)), identity: key.verificationKey,
                    urls: ["https://\(name).example.org"])
            }, parameters: parameters, mirrors: ["https://mirror.example.net/nightjar"], previous: previous)
        for key in signers ?? identities { draft = try draft.signed(by: key) }
        file = try draft.verify()
    }

    var slot: Slot { get throws { try #require(file.slots.slot(at: Self.slotStart)) } }

    func signer(
        _ index: Int, from: Timestamp = TestDirectory.now - .days(1), for length: Interval = .days(30)
    ) throws -> AuthoritySigner {
        let bytes = try AuthorityCertificate.make(
            network: file.name, name: file.authorities[index].name, identity: identities[index],
            key: signing[index].verificationKey, published: from, validUntil: from + length)
        return try AuthoritySigner(
            certificate: UnverifiedCertificate(bytes).verify(in: file, at: from), key: signing[index])
    }

    /// A consensus of these nodes.
    func consensus(
        _ nodes: [Descriptor] = [], slot: Slot? = nil, previous: ConsensusLink? = nil,
        parameters: NetworkParameters = NetworkParameters()
    ) throws -> Consensus {
        Consensus(
            network: file, slot: try slot ?? self.slot, previous: previous,
            votes: file.authorities.map { CountedVote(name: $0.name, digest: .sha256($0.name.text)) },
            parameters: parameters,
            nodes: nodes.map {
                ConsensusNode(
                    id: $0.id, nickname: $0.fields.nickname, descriptor: $0.digest, flags: [.running, .stable],
                    weight: 50, reliability: 987, latency: .seconds(4))
            })
    }

    func signature(_ index: Int, _ consensus: Consensus) throws -> ConsensusSignature {
        try ConsensusSignature.make(consensus.link, network: file, signer: signer(index))
    }
}
