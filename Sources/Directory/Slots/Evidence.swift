// Proof that an authority said two different things in one slot. It needs no signature of its own: the two documents in
// it carry theirs.

internal import MixCrypto
public import WireFormat

/// Two different documents of one kind that one authority signed for one slot.
public struct Evidence: Hashable, Sendable {
    /// Most bytes: two votes of the largest size, in base64.
    public static let maximumSize = 3 * Vote.maximumSize
    static let objectLabel = "NIGHTJAR DOCUMENT"

    /// What was made twice. For `signature` the documents are two `nightjar-consensus-signature`.
    public let kind: SlotDocumentKind
    /// Who made them.
    public let authority: Nickname
    public let slot: Slot
    /// The canonical bytes of the two documents, in the order of their digests.
    public let first: [UInt8]
    public let second: [UInt8]
    /// What differs: digests of the votes, of the proposals, or of the consensuses that were signed.
    public let digests: [Digest]
    /// The canonical bytes.
    public let bytes: [UInt8]
    /// SHA-256 of `bytes`.
    public let digest: Digest

    /// Writes down the evidence of two documents, in any order.
    /// - Throws: `DocumentError` if the two are no evidence, `AuthorityDocumentError` if one of them is not genuine.
    public static func make(
        _ kind: SlotDocumentKind, _ one: [UInt8], _ other: [UInt8], network: NetworkFile
    ) throws -> Evidence {
        let left = try AccusedDocument(kind, one)
        let right = try AccusedDocument(kind, other)
        let (first, second) = left.digest < right.digest ? (left, right) : (right, left)
        let bytes = Document.write([
            DocumentItem(DocumentKind.evidence.rawValue, ["1"]),
            DocumentItem("network", [network.name]),
            DocumentItem("kind", [kind.rawValue]),
            DocumentItem("authority", [first.authority.text]),
            DocumentItem("slot", [first.slot.description]),
            DocumentItem("document", [], object: DocumentObject(objectLabel, first.bytes)),
            DocumentItem("document", [], object: DocumentObject(objectLabel, second.bytes)),
        ])
        return try UnverifiedEvidence(bytes).verify(in: network)
    }

    fileprivate init(_ unverified: UnverifiedEvidence) {
        kind = unverified.kind
        authority = unverified.authority
        slot = unverified.slot
        first = unverified.first.bytes
        second = unverified.second.bytes
        digests = [unverified.first.digest, unverified.second.digest]
        bytes = unverified.bytes
        digest = .sha256(unverified.bytes)
    }

    /// What the slot machine is told. Nil only for another network than that of `verify`.
    public func fact(in network: NetworkFile) -> EvidenceFact? {
        network.index(of: authority).map { EvidenceFact(kind: kind, authority: $0, slot: slot) }
    }
}

/// Evidence as it came. Parsing it has found two different documents of one authority and slot; whether that authority
/// signed them is for `verify`.
public struct UnverifiedEvidence: Sendable {
    public let networkName: String
    public let kind: SlotDocumentKind
    /// Who is accused.
    public let authority: Nickname
    public let slot: Slot
    public let bytes: [UInt8]
    fileprivate let first: AccusedDocument
    fileprivate let second: AccusedDocument

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= Evidence.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.evidence.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        networkName = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(networkName) else { throw reader.invalid() }
        guard let kind = SlotDocumentKind(rawValue: try reader.take("kind", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        self.kind = kind
        guard let authority = Nickname(try reader.take("authority", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        self.authority = authority
        guard let slot = Slot(try reader.take("slot", arguments: 1).arguments[0]) else { throw reader.invalid() }
        self.slot = slot
        var documents: [AccusedDocument] = []
        for _ in 0..<2 {
            let item = try reader.take("document", arguments: 0, object: Evidence.objectLabel)
            // Its own line numbers would mislead: the object begins here.
            guard let document = try? AccusedDocument(kind, item.object?.bytes ?? []), document.slot == slot,
                document.authority == authority, document.network == networkName,
                documents.last.map({ $0.digest < document.digest }) ?? true
            else { throw reader.invalid() }
            documents.append(document)
        }
        try reader.end()
        first = documents[0]
        second = documents[1]
        self.bytes = bytes
    }

    /// The one door to `Evidence`: the accused signed both.
    /// - Parameter network: the edition that was in force in the slot.
    public func verify(in network: NetworkFile) throws(AuthorityDocumentError) -> Evidence {
        guard networkName == network.name else { throw .otherNetwork(networkName) }
        guard network.authority(named: authority) != nil else { throw .unknownAuthority(authority.text) }
        try first.verify(in: network)
        try second.verify(in: network)
        return Evidence(self)
    }
}

/// One of the two documents of a piece of evidence.
private enum AccusedDocument: Sendable {
    case vote(UnverifiedVote)
    case proposal(UnverifiedProposal)
    case signature(SentConsensusSignature)

    init(_ kind: SlotDocumentKind, _ bytes: [UInt8]) throws(DocumentError) {
        switch kind {
        case .vote: self = .vote(try UnverifiedVote(bytes))
        case .proposal: self = .proposal(try UnverifiedProposal(bytes))
        case .signature: self = .signature(try SentConsensusSignature(bytes))
        }
    }

    var authority: Nickname {
        switch self {
        case .vote(let vote): vote.authority
        case .proposal(let proposal): proposal.authority
        case .signature(let sent): sent.signature.authority
        }
    }

    var slot: Slot {
        switch self {
        case .vote(let vote): vote.slot
        case .proposal(let proposal): proposal.slot
        case .signature(let sent): sent.link.slot
        }
    }

    var network: String {
        switch self {
        case .vote(let vote): vote.networkName
        case .proposal(let proposal): proposal.networkName
        case .signature(let sent): sent.network
        }
    }

    var digest: Digest {
        switch self {
        case .vote(let vote): vote.digest
        case .proposal(let proposal): proposal.digest
        case .signature(let sent): sent.link.digest
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .vote(let vote): vote.bytes
        case .proposal(let proposal): proposal.bytes
        case .signature(let sent): sent.bytes
        }
    }

    func verify(in network: NetworkFile) throws(AuthorityDocumentError) {
        switch self {
        case .vote(let vote): _ = try vote.verify(in: network)
        case .proposal(let proposal): _ = try proposal.verify(in: network)
        case .signature(let sent): try sent.verify(in: network)
        }
    }
}
