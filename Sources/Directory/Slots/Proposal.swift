// A leader's proposal: the votes from which the consensus of its slot is to be computed.

internal import MixCrypto
public import WireFormat

/// A proposal that its authority signed.
public struct Proposal: Hashable, Sendable {
    /// Most bytes of a proposal.
    public static let maximumSize = 64 << 10

    public let slot: Slot
    /// Who proposes. Whether it leads the slot is the slot machine's question.
    public let authority: Nickname
    /// Ascending by name; at least one.
    public let votes: [CountedVote]
    /// The canonical bytes.
    public let bytes: [UInt8]
    /// SHA-256 of what is signed: a proposal that is signed again is the same proposal.
    public let digest: Digest

    /// Signs a proposal.
    /// - Throws: `DocumentError` if there are no votes or two of one authority, `AuthorityDocumentError` if a vote is
    /// of no
    ///   authority of the network or the signer's certificate is not good at the slot's start, `CryptoError`.
    public static func make(
        slot: Slot, votes: [CountedVote], network: NetworkFile, signer: AuthoritySigner
    ) throws -> Proposal {
        var items: [DocumentItem] = [
            DocumentItem(DocumentKind.proposal.rawValue, ["1"]),
            DocumentItem("network", [network.name]),
            DocumentItem("network-version", [String(network.version)]),
            DocumentItem("authority", [signer.name.text]),
            DocumentItem("slot", [slot.description]),
        ]
        items += votes.sorted { $0.name.text < $1.name.text }.map {
            DocumentItem("vote", [$0.name.text, $0.digest.hex])
        }
        let bytes = try AuthorityProof.sign(items, kind: .proposal, network: network.name, signer: signer)
        return try UnverifiedProposal(bytes).verify(in: network)
    }

    fileprivate init(_ unverified: UnverifiedProposal) {
        slot = unverified.slot
        authority = unverified.authority
        votes = unverified.votes
        bytes = unverified.bytes
        digest = unverified.digest
    }

    /// What the slot machine is told. Nil only for another network than that of `verify`.
    public func fact(in network: NetworkFile) -> ProposalFact? {
        guard let own = network.index(of: authority) else { return nil }
        var references: [VoteReference] = []
        for vote in votes {
            guard let index = network.index(of: vote.name) else { return nil }
            references.append(VoteReference(authority: index, digest: vote.digest))
        }
        return ProposalFact(authority: own, slot: slot, digest: digest, votes: references)
    }
}

/// A proposal as it came.
public struct UnverifiedProposal: Sendable {
    public let networkName: String
    public let networkVersion: UInt32
    /// The authority that it claims to be of.
    public let authority: Nickname
    public let slot: Slot
    public let votes: [CountedVote]
    public let bytes: [UInt8]
    /// SHA-256 of what is signed.
    public let digest: Digest
    private let proof: AuthorityProof

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= Proposal.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.proposal.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        networkName = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(networkName) else { throw reader.invalid() }
        let versionText = try reader.take("network-version", arguments: 1).arguments[0]
        guard let version = UInt32(versionText), String(version) == versionText else { throw reader.invalid() }
        networkVersion = version
        guard let authority = Nickname(try reader.take("authority", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        self.authority = authority
        guard let slot = Slot(try reader.take("slot", arguments: 1).arguments[0]) else { throw reader.invalid() }
        self.slot = slot
        votes = try Consensus.votes(&reader)
        guard !votes.isEmpty else { throw DocumentError(line: reader.line, reason: .unexpected) }
        proof = try AuthorityProof(&reader, bytes)
        digest = .sha256(Array(bytes[..<proof.signedCount]))
        self.bytes = bytes
    }

    /// The one door to a `Proposal`: the authority of that name in `network` signed it, with a key that its identity
    /// vouches for at the slot's start, and all votes are of authorities of the network.
    public func verify(in network: NetworkFile) throws(AuthorityDocumentError) -> Proposal {
        guard networkName == network.name else { throw .otherNetwork(networkName) }
        guard networkVersion == network.version else {
            throw .otherNetworkVersion(have: network.version, named: networkVersion)
        }
        if let stranger = votes.first(where: { network.authority(named: $0.name) == nil }) {
            throw .unknownAuthority(stranger.name.text)
        }
        _ = try proof.verify(.proposal, of: authority, in: network, at: network.slots.start(of: slot), bytes: bytes)
        return Proposal(self)
    }
}
