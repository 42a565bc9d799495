internal import WireFormat

extension PathEvidence {
    private static let version: UInt8 = 1

    /// The record, 50 bytes for each node.
    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 64 + nodes.count * 50)
        writer.integer(Self.version)
        writer.logList(nodes.sorted { $0.key < $1.key }) {
            $0.fixed($1.key)
            $0.integer(UInt32(clamping: $1.value.unanswered))
            $0.logOptional($1.value.proven) { $0.logTime($1) }
            $0.logTime($1.value.changed)
        }
        writer.logOptional(roundTrip) {
            $0.integer(UInt64(clamping: $1.mean.milliseconds))
            $0.integer(UInt64(clamping: $1.deviation.milliseconds))
        }
        writer.integer(arrival.bitPattern)
        writer.integer(answered.bitPattern)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == Self.version else { throw .unknownValue }
        let entries = try reader.logList { (reader) throws(WireError) -> (NodeID, Record) in
            let node: NodeID = try reader.fixed()
            let unanswered = Int(try reader.integer(UInt32.self))
            let proven = try reader.logOptional { (reader) throws(WireError) in try reader.logTime() }
            return (node, Record(unanswered: unanswered, proven: proven, changed: try reader.logTime()))
        }
        let roundTrip = try reader.logOptional { (reader) throws(WireError) -> RoundTripEstimate in
            let mean = Int64(clamping: try reader.integer(UInt64.self))
            let deviation = Int64(clamping: try reader.integer(UInt64.self))
            return RoundTripEstimate(mean: .milliseconds(mean), deviation: .milliseconds(deviation))
        }
        let arrival = Double(bitPattern: try reader.integer())
        let answered = Double(bitPattern: try reader.integer())
        guard arrival.isFinite, answered.isFinite else { throw .unknownValue }
        self.init(
            nodes: Dictionary(entries, uniquingKeysWith: { first, _ in first }), roundTrip: roundTrip,
            arrival: arrival, answered: answered)
        try reader.end()
    }
}
