public import WireFormat

/// Kinds of documents that an authority keeps by digest.
public enum StoredDocumentKind: Int, CaseIterable, Sendable {
    case descriptor = 1
    case vote = 2
    case proposal = 3
    case certificate = 4
    case evidence = 5
    case report = 6
    /// A second certified consensus of a slot, which there must not be.
    case fork = 8
    /// A network file that was in force.
    case network = 7
    /// What a node says of who wants no mail; its author is the node's id.
    case optOuts = 9
}

/// A document with what it is looked up by.
public struct StoredDocument: Equatable, Sendable {
    /// Of what is signed of it.
    public var digest: Digest
    public var kind: StoredDocumentKind
    /// The slot that it belongs to; of a descriptor the last one whose votes or consensus named it.
    public var slot: UInt64?
    /// Name of the authority that made it.
    public var authority: String?
    public var received: Timestamp
    public var bytes: [UInt8]

    public init(
        digest: Digest, kind: StoredDocumentKind, slot: UInt64? = nil, authority: String? = nil, received: Timestamp,
        bytes: [UInt8]
    ) {
        self.digest = digest
        self.kind = kind
        self.slot = slot
        self.authority = authority
        self.received = received
        self.bytes = bytes
    }
}

/// A consensus with signatures of a quorum.
public struct StoredConsensus: Equatable, Sendable {
    public var slot: UInt64
    public var digest: Digest
    /// When this authority had it.
    public var certified: Timestamp
    /// Document and signatures.
    public var bytes: [UInt8]

    public init(slot: UInt64, digest: Digest, certified: Timestamp, bytes: [UInt8]) {
        self.slot = slot
        self.digest = digest
        self.certified = certified
        self.bytes = bytes
    }
}

/// An authority's signature under a consensus.
public struct StoredSignature: Equatable, Sendable {
    public var slot: UInt64
    public var authority: String
    /// Of the consensus.
    public var digest: Digest
    /// The stand-alone document.
    public var bytes: [UInt8]

    public init(slot: UInt64, authority: String, digest: Digest, bytes: [UInt8]) {
        self.slot = slot
        self.authority = authority
        self.digest = digest
        self.bytes = bytes
    }
}

/// Proof that an authority said two things, kept for ever.
public struct StoredEvidence: Equatable, Sendable {
    public var authority: String
    public var slot: UInt64
    /// `vote`, `proposal`, ...: as the document spells it.
    public var kind: String
    /// Of the evidence document.
    public var digest: Digest
    public var seen: Timestamp

    public init(authority: String, slot: UInt64, kind: String, digest: Digest, seen: Timestamp) {
        self.authority = authority
        self.slot = slot
        self.kind = kind
        self.digest = digest
        self.seen = seen
    }
}
