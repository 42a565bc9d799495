// A directory for tests: authorities with real keys, nodes with real descriptors, and every document that they could sign.

import Daemon
import Directory
import MixCrypto
import Testing
import WireFormat

/// Authorities of one network, and nodes.
struct AuthorityBench {
    static let now = Timestamp(seconds: 1_795_242_600)  // 2026-11-21T06:30:00Z
    static let packetKey: KEMPublicKey? = {
        var seed = [UInt8](repeating: 7, count: KEM.seedSize)
        return try? KEMPrivateKey(seed: SecretBytes(moving: &seed)).publicKey
    }()

    let root: NetworkFile
    let identities: [HybridSigningKey]
    let signers: [AuthoritySigner]

    /// A network of `count` authorities.
    init(
        _ count: Int, network: String = "testing", isTest: Bool = false, urls: (Int) -> [String] = { _ in [] }
    ) throws {
        let identities = try (0..<count).map { _ in try HybridSigningKey.generate() }
        var draft = try NetworkFile.draft(
            name: network, version: 1, isTest: isTest, published: Self.now - .days(20),
            authorities: zip(Self.names, identities).enumerated().map { index, pair in
                Authority(name: try #require(Nickname(pair.0)), identity: pair.1.verificationKey, urls: urls(index))
            })
        for key in identities { draft = try draft.signed(by: key) }
        try self.init(root: draft.verify(), identities: identities)
    }

    private init(root: NetworkFile, identities: [HybridSigningKey]) throws {
        self.root = root
        self.identities = identities
        signers = try identities.map { identity in
            let authority = try #require(root.authority(id: identity.verificationKey.digest))
            let key = try HybridSigningKey.generate()
            let certificate = try AuthorityCertificate.make(
                network: root.name, name: authority.name, identity: identity, key: key.verificationKey,
                published: Self.now - .days(10), validUntil: Self.now + .days(60))
            return try AuthoritySigner(
                certificate: UnverifiedCertificate(certificate).verify(in: root, at: Self.now), key: key)
        }
    }

    static let names = ["ada", "ben", "cyd", "dan", "eve", "fay", "gus"]

    /// The next edition, with one authority more.
    func next(mirrors: [String] = []) throws -> AuthorityBench {
        let newcomer = try HybridSigningKey.generate()
        let draft = try nextDraft(newcomer, signedBy: Array(identities.indices), mirrors: mirrors)
        return try AuthorityBench(root: draft.verify(), identities: identities + [newcomer])
    }

    /// The next edition, which one more authority has signed.
    /// - Parameter signedBy: numbers of those of the old set that have signed as well.
    func nextDraft(
        _ newcomer: HybridSigningKey, signedBy: [Int], mirrors: [String] = []
    ) throws -> UnverifiedNetworkFile {
        var draft = try NetworkFile.draft(
            name: root.name, version: root.version + 1, isTest: root.isTest, published: root.published + .days(1),
            authorities: zip(Self.names, identities + [newcomer]).map {
                Authority(name: try #require(Nickname($0)), identity: $1.verificationKey, urls: [])
            }, mirrors: mirrors, previous: root.digest)
        for index in signedBy { draft = try draft.signed(by: identities[index]) }
        return try draft.signed(by: newcomer)
    }

    /// A certified consensus.
    /// - Parameter signedBy: numbers of authorities; all without it.
    func consensus(
        _ nodes: [Descriptor], at time: Timestamp = now, previous: ConsensusLink? = nil, signedBy: [Int]? = nil,
        change: (inout ConsensusNode) -> Void = { _ in }
    ) throws -> CertifiedConsensus {
        let slot = try #require(root.slots.slot(at: time))
        let listed = nodes.map { node in
            var entry = ConsensusNode(
                id: node.id, nickname: node.fields.nickname, descriptor: node.digest, flags: [.running],
                weight: ConsensusNode.fullWeight)
            change(&entry)
            return entry
        }
        let consensus = Consensus(
            network: root, slot: slot, previous: previous,
            votes: signers.map { CountedVote(name: $0.name, digest: .sha256(Array($0.name.text.utf8))) },
            parameters: NetworkParameters(root: root.parameters), nodes: listed)
        let signatures = try (signedBy ?? Array(signers.indices)).map {
            try ConsensusSignature.make(consensus.link, network: root, signer: signers[$0])
        }
        return try CertifiedConsensus(consensus, signatures: signatures, network: root)
    }

    /// `certified` with its first `count` signatures alone, however few.
    static func cut(_ certified: CertifiedConsensus, signatures count: Int) throws -> [UInt8] {
        var items = try Document.parse(certified.bytes).map(\.item)
        let first = try #require(items.firstIndex { $0.keyword == "certificate" })
        items.removeSubrange((first + 2 * count)...)
        return Document.write(items)
    }

    /// Descriptors of nodes with these nicknames.
    func nodes(
        _ names: [String], change: (inout DescriptorFields) -> Void = { _ in }
    ) throws -> [Descriptor] {
        try names.enumerated().map { number, name in
            var fields = DescriptorFields(
                network: root.name, nickname: try #require(Nickname(name)),
                addresses: [try #require(NodeAddress("8.8.\(number).4"))], published: Self.now - .hours(1),
                validUntil: Self.now + .days(6), keys: [KeyPeriod(2967): try #require(Self.packetKey)],
                capabilities: [Capability(Capability.Name.relay)], software: "nightjar 0.1")
            change(&fields)
            return try Descriptor.make(fields, identity: Self.identity(name))
        }
    }

    /// The same for the same name.
    static func identity(_ name: String) throws -> SigningKey {
        var seed = Digest.sha256(Array(name.utf8)).bytes
        return try SigningKey(seed: SecretBytes(moving: &seed))
    }
}
