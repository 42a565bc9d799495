public import WireFormat

/// What a queue needs to know of a packet that waits; the body stays on disk. 56 bytes.
public struct WaitingPacket: Hashable, Sendable {
    public var id: PacketRowID
    /// The node it goes to.
    public var destination: NodeID
    /// When it may leave.
    public var release: Timestamp
    /// When it is given up.
    public var deadline: Timestamp

    public init(id: PacketRowID, destination: NodeID, release: Timestamp, deadline: Timestamp) {
        self.id = id
        self.destination = destination
        self.release = release
        self.deadline = deadline
    }
}

/// What is known of a stored item; the body is read with `Spool.readItem`.
public struct StoredItem: Hashable, Sendable {
    public var id: ItemRowID
    /// The caller's number for what it is.
    public var kind: Int
    /// When it expires.
    public var deadline: Timestamp
    /// Bytes of its body.
    public var length: Int
}
