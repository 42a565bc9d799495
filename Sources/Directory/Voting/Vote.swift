// What an authority says in a slot: which nodes it would list, with which flags and parameters. A consensus is what
// follows from a set of votes (`Tally`), so votes are public and kept (doc/DIRECTORY.md, vote).

internal import MixCrypto
public import WireFormat

/// What stands in a vote.
public struct VoteContents: Equatable, Sendable {
    /// Most nodes, and most links, that a vote can name.
    public static let maximumEntries = 2000
    /// Most reports: an authority believes no more pingers, and everybody who checks a vote fetches them all.
    public static let maximumReports = 16

    /// The slot that the vote is for.
    public var slot: Slot
    /// Who votes.
    public var authority: Nickname
    /// When the vote was made; whole seconds.
    public var published: Timestamp
    /// The newest certified consensus that the authority has, of an earlier slot.
    public var previous: ConsensusLink?
    /// What it would have the parameters be. Those of the network file are no matter of a vote.
    public var parameters: NetworkParameters
    /// The nodes that it would list, ascending by id in the document.
    public var nodes: [VotedNode]
    /// Links between two nodes that carry nothing.
    public var brokenLinks: [NodeLink]
    /// Digests of the measurement reports that flags and measurements rest on.
    public var reports: [Digest]
    /// Name and version of the software.
    public var software: String

    public init(
        slot: Slot, authority: Nickname, published: Timestamp, previous: ConsensusLink?, parameters: NetworkParameters,
        nodes: [VotedNode], brokenLinks: [NodeLink] = [], reports: [Digest] = [],
        software: String
    ) {
        self.slot = slot
        self.authority = authority
        self.published = published
        self.previous = previous
        self.parameters = parameters
        self.nodes = nodes
        self.brokenLinks = brokenLinks
        self.reports = reports
        self.software = software
    }

    fileprivate func items(network: NetworkFile) -> [DocumentItem] {
        var items: [DocumentItem] = [
            DocumentItem(DocumentKind.vote.rawValue, ["1"]),
            DocumentItem("network", [network.name]),
            DocumentItem("network-version", [String(network.version), network.digest.hex]),
            DocumentItem("authority", [authority.text]),
            DocumentItem("slot", [slot.description]),
            DocumentItem("published", [published.description]),
            DocumentItem("software", software.split(separator: " ").map(String.init)),
        ]
        if let previous { items.append(DocumentItem("previous", [previous.slot.description, previous.digest.hex])) }
        items += parameters.voted.map { DocumentItem("parameter", [$0.name, String($0.value)]) }
        for node in nodes.sorted(by: { $0.id < $1.id }) { items += node.items }
        items += brokenLinks.sorted().map { DocumentItem("broken-link", [$0.from.hex, $0.to.hex]) }
        items += reports.sorted().map { DocumentItem("report", [$0.hex]) }
        return items
    }
}

/// A vote that its authority signed.
public struct Vote: Equatable, Sendable {
    /// Most bytes of a vote: 2000 nodes of the longest lines, with measurements, links and reports, are two thirds of it.
    public static let maximumSize = 2 << 20
    /// Most bytes of the name and version of the software.
    public static let maximumSoftware = 128

    public let contents: VoteContents
    /// The canonical bytes.
    public let bytes: [UInt8]
    /// SHA-256 of what is signed: a vote that is signed again is the same vote.
    public let digest: Digest
    /// Digest of the network file that it was checked against.
    let network: Digest

    /// Signs a vote.
    /// - Throws: `DocumentError` if a value is not of the form that a vote allows, `AuthorityDocumentError` if the
    ///   signer is not the authority that the contents name or its certificate is not good at the slot's start,
    ///   `CryptoError`.
    public static func make(_ contents: VoteContents, network: NetworkFile, signer: AuthoritySigner) throws -> Vote {
        let items = contents.items(network: network)
        let bytes = try AuthorityProof.sign(items, kind: .vote, network: network.name, signer: signer)
        return try UnverifiedVote(bytes).verify(in: network)
    }

    fileprivate init(contents: VoteContents, bytes: [UInt8], digest: Digest, network: Digest) {
        self.contents = contents
        self.bytes = bytes
        self.digest = digest
        self.network = network
    }
}

/// A vote as it came.
public struct UnverifiedVote: Sendable {
    public let networkName: String
    /// The edition of the network file that it was made under, and its digest.
    public let networkVersion: UInt32
    public let networkDigest: Digest
    /// The authority that it claims to be of.
    public var authority: Nickname { claimed.authority }
    public var slot: Slot { claimed.slot }
    /// What it says, to be believed by nobody yet. Parameters that the network file fixes have their defaults.
    public let claimed: VoteContents
    public let bytes: [UInt8]
    /// SHA-256 of what is signed.
    public let digest: Digest
    private let proof: AuthorityProof
    /// First line of the parameters, for an error that shows only when the network is known.
    private let parameterLine: Int

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= Vote.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.vote.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        networkName = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(networkName) else { throw reader.invalid() }
        let version = try reader.take("network-version", arguments: 2).arguments
        guard let number = UInt32(version[0]), String(number) == version[0], let edition = Digest(hex: version[1])
        else { throw reader.invalid() }
        networkVersion = number
        networkDigest = edition
        guard let authority = Nickname(try reader.take("authority", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        guard let slot = Slot(try reader.take("slot", arguments: 1).arguments[0]) else { throw reader.invalid() }
        guard let published = Timestamp(try reader.take("published", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        let software = try reader.take("software").arguments.joined(separator: " ")
        guard (1...Vote.maximumSoftware).contains(software.utf8.count) else { throw reader.invalid() }
        let previous = try Consensus.previous(&reader, before: slot)
        parameterLine = reader.line
        let parameters = try Consensus.parameters(&reader)
        var nodes: [VotedNode] = []
        while reader.isNext("node") {
            let node = try VotedNode(&reader)
            guard nodes.count < VoteContents.maximumEntries, nodes.last.map({ $0.id < node.id }) ?? true else {
                throw reader.invalid()
            }
            nodes.append(node)
        }
        let links = try Consensus.brokenLinks(&reader)
        guard links.count <= VoteContents.maximumEntries else { throw reader.invalid() }
        var reports: [Digest] = []
        for item in try reader.takeAll("report", arguments: 1) {
            guard reports.count < VoteContents.maximumReports, let digest = Digest(hex: item.arguments[0]),
                reports.last.map({ $0 < digest }) ?? true
            else { throw reader.invalid() }
            reports.append(digest)
        }
        proof = try AuthorityProof(&reader, bytes)
        digest = .sha256(Array(bytes[..<proof.signedCount]))
        self.bytes = bytes
        claimed = VoteContents(
            slot: slot, authority: authority, published: published, previous: previous, parameters: parameters,
            nodes: nodes, brokenLinks: links, reports: reports, software: software)
    }

    /// The one door to a `Vote`: the authority of that name in `network` signed it, with a key that its identity
    /// vouches for at the slot's start, and its parameters keep the time budget (a test network is free to break it).
    public func verify(in network: NetworkFile) throws(AuthorityDocumentError) -> Vote {
        guard networkName == network.name else { throw .otherNetwork(networkName) }
        guard networkVersion == network.version else {
            throw .otherNetworkVersion(have: network.version, named: networkVersion)
        }
        // The same name and version, but other authorities.
        guard networkDigest == network.digest else { throw .otherNetwork(networkName) }
        _ = try proof.verify(.vote, of: authority, in: network, at: network.slots.start(of: slot), bytes: bytes)
        var checked = claimed
        checked.parameters.periodLength = network.parameters.periodLength
        checked.parameters.acceptance = network.parameters.acceptance
        guard network.isTest || checked.parameters.isWithinTimeBudget else {
            throw .document(DocumentError(line: parameterLine, reason: .value))
        }
        return Vote(contents: checked, bytes: bytes, digest: digest, network: network.digest)
    }
}
