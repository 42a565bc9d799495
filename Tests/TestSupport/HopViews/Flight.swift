/// What the nodes of one path see of one packet. The last hop's own view is left out: there kinds differ by design.
public struct Flight: Sendable {
    /// The packet as it enters the first, second, ... last hop.
    public var packets: [[UInt8]]
    /// The delays that the hops before the last are told, in milliseconds.
    public var delays: [UInt32]
    /// The next hop that each hop before the last is told, as its place in the network.
    public var nexts: [Int]

    public init(packets: [[UInt8]], delays: [UInt32], nexts: [Int]) {
        self.packets = packets
        self.delays = delays
        self.nexts = nexts
    }
}

/// Flights of one kind.
public struct FlightSample: Sendable {
    public var name: String
    public var flights: [Flight]

    public init(_ name: String, _ flights: [Flight]) {
        self.name = name
        self.flights = flights
    }
}

/// Where things are in a packet.
public struct PacketShape: Sendable {
    /// Size of a packet.
    public let packet: Int
    /// Size of the header.
    public let header: Int
    /// Where the routing information starts.
    public let routing: Int
    /// Size of a block of it.
    public let block: Int
    /// Blocks of it.
    public let blocks: Int

    public init(packet: Int, header: Int, routing: Int, block: Int, blocks: Int) {
        self.packet = packet
        self.header = header
        self.routing = routing
        self.block = block
        self.blocks = blocks
    }
}

/// A difference between kinds of packets that a hop could see.
public struct HopFinding: Sendable, CustomStringConvertible {
    public enum Check: Sendable { case size, prefix, position, correlation, delay, next, hops, classifier }
    public let check: Check
    public let detail: String
    /// What was measured, and what it should not exceed.
    public let score: Double
    public let bound: Double

    public var description: String { "\(check): \(detail) (\(score), bound \(bound))" }
}
