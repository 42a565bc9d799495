internal import WireFormat

/// How an account wants its mail.
///
///     class u8 | delivers u8 | synopsis above u32
public struct NymPolicy: Hashable, Sendable {
    /// What comes without being asked for.
    public enum Delivery: UInt8, Hashable, Sendable, CaseIterable {
        /// Mails, as far as there is room for them.
        case whole = 1
        /// Who wrote, about what, and how much.
        case synopses = 2
        /// Nothing; the status counts what waits.
        case nothing = 3
    }

    public var packets: NymClass
    public var delivers: Delivery
    /// Of mails larger than so many bytes a synopsis comes; 0 for no such bound.
    public var synopsisAbove: UInt32

    public init(packets: NymClass = .low, delivers: Delivery = .whole, synopsisAbove: UInt32 = 0) {
        self.packets = packets
        self.delivers = delivers
        self.synopsisAbove = synopsisAbove
    }

    func write(to writer: inout WireWriter) {
        writer.integer(packets.rawValue)
        writer.integer(delivers.rawValue)
        writer.integer(synopsisAbove)
    }

    init(from reader: inout WireReader) throws {
        packets = try reader.packetClass()
        guard let delivers = Delivery(rawValue: try reader.integer()) else { throw WireError.unknownValue }
        self.delivers = delivers
        synopsisAbove = try reader.integer()
    }
}
