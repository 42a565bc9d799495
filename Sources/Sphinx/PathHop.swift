public import MixCrypto
public import WireFormat

/// One node of a path, as the maker of a packet sees it.
public struct PathHop: Sendable {
    /// The node's id.
    public let node: NodeID
    /// Its KEM key of `period`.
    public let key: KEMPublicKey
    /// The key period that the packet names for this hop.
    public let period: KeyPeriod
    /// How long the node holds the packet, in milliseconds.
    public let delay: UInt32

    public init(node: NodeID, key: KEMPublicKey, period: KeyPeriod, delay: UInt32) {
        self.node = node
        self.key = key
        self.period = period
        self.delay = delay
    }
}

/// Why a packet or SURB cannot be made or used. These are the maker's own mistakes, never a peer's.
public enum BuildError: Error, Equatable, Sendable {
    /// A path of no hops, or of more than five.
    case hopCount(Int)
    /// Content of another size than 25620 bytes.
    case contentSize(Int)
    /// A delivery address of more than 927 bytes.
    case addressSize(Int)
    /// A hop's public key is not usable.
    case badKey(NodeID)
    /// The guarded heap is exhausted.
    case noLockedMemory
}
