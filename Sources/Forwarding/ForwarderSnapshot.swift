public import Mixing

extension Forwarder {
    /// How a forwarder stands.
    public struct Snapshot: Sendable {
        /// Packets in the pool.
        public var pooled: Int
        /// Packets that wait for a connection or an answer.
        public var queued: Int
        /// Each destination with something waiting.
        public var destinations: [DestinationStatus]
        /// Open connections.
        public var connections: Int
        /// Whether the pool holds back because of an alarm.
        public var isHolding: Bool
    }
}
