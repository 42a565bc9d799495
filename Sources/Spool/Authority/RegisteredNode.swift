public import WireFormat

/// A node as an authority knows it.
public struct RegisteredNode: Equatable, Sendable {
    public var id: NodeID
    /// As the node spells it; compared without case.
    public var nickname: String
    public var firstSeen: Timestamp
    /// Digest of the newest descriptor.
    public var descriptor: Digest
    public var published: Timestamp
    public var validUntil: Timestamp
    /// Whether the node withdraws.
    public var isLeaving: Bool
    /// When it was last tried to be reached; nil before the first time.
    public var lastTry: Timestamp?
    /// When a try last succeeded.
    public var lastReachable: Timestamp?
    /// Whether the last try succeeded, and the one before.
    public var reached: Bool
    public var reachedBefore: Bool
    /// Why the last try failed: a label of a `DialFailure`.
    public var failure: String?
    /// Since when every certified consensus lists it; nil if the last one does not.
    public var listedSince: Timestamp?

    public init(
        id: NodeID, nickname: String, firstSeen: Timestamp, descriptor: Digest, published: Timestamp,
        validUntil: Timestamp, isLeaving: Bool = false, lastTry: Timestamp? = nil, lastReachable: Timestamp? = nil,
        reached: Bool = false, reachedBefore: Bool = false, failure: String? = nil, listedSince: Timestamp? = nil
    ) {
        self.id = id
        self.nickname = nickname
        self.firstSeen = firstSeen
        self.descriptor = descriptor
        self.published = published
        self.validUntil = validUntil
        self.isLeaving = isLeaving
        self.lastTry = lastTry
        self.lastReachable = lastReachable
        self.reached = reached
        self.reachedBefore = reachedBefore
        self.failure = failure
        self.listedSince = listedSince
    }
}
