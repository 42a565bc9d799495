internal import Messages
internal import WireFormat

/// What a server sends to a nym in one slot: the body of a message of body kind 4 that fills one part, whether there is
/// mail or not.
///
///     version 1 u8 | status | count u16 | records | zeros
public struct NymPacket: Hashable, Sendable {
    public let status: NymStatus
    public let records: [NymRecord]

    /// Bytes of every packet: with the message's header (10) and an envelope to `drop:` (12) it fills a part of 25,588.
    public static let size = ShareCapacity.full.rawValue - MessageLimits.messageHeader - 12
    private static let version: UInt8 = 1

    /// Bytes that records may take together beside this status, each with its `NymRecord.overhead`.
    public static func room(beside status: NymStatus) -> Int { size - 3 - status.encoded.count }

    /// `tooLarge` if the records have more than their room.
    public init(status: NymStatus, records: [NymRecord]) throws(NymError) {
        let length = records.reduce(0) { $0 + NymRecord.overhead + $1.bytes.count }
        guard length <= Self.room(beside: status) else { throw .tooLarge("a packet has \(Self.size) bytes") }
        self.status = status
        self.records = records
    }

    /// Exactly `size` bytes.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: Self.size)
        writer.integer(Self.version)
        writer.append(status.encoded)
        // Records of 20 bytes at least: fewer than 65,536.
        writer.integer(UInt16(records.count))
        for record in records { record.write(to: &writer) }
        writer.zeros(Self.size - writer.bytes.count)
        return writer.bytes
    }

    /// Reads exactly one packet.
    public init(decoding bytes: [UInt8]) throws(NymError) {
        guard bytes.count == Self.size else { throw .malformed }
        self = try NymProtocol.decoding {
            var reader = WireReader(bytes)
            guard try reader.integer(UInt8.self) == Self.version else { throw NymError.unknownVersion }
            let status = try NymStatus(from: &reader)
            var records: [NymRecord] = []
            for _ in 0..<(try reader.integer(UInt16.self)) { records.append(try NymRecord(from: &reader)) }
            try reader.zeros(reader.remaining)
            return try NymPacket(status: status, records: records)
        }
    }
}
