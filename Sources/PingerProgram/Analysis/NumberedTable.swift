internal import Measurement
internal import Spool
internal import WireFormat

/// A table of probes that is filled from rows of the database. A node gets its place when its first probe comes: the database
/// knows many nodes that have none.
struct NumberedTable: Sendable {
    private(set) var table = ProbeTable()
    /// By the numbers that the database has for them.
    private var places: [Int: Int] = [:]

    /// Whether there is no place for another node.
    var isFull: Bool { table.nodes.count + PingStore.maximumHops > ProbeTable.maximumNodes }

    /// Nothing is allocated for a row whose nodes are known.
    /// - Parameter ids: of nodes by number.
    /// - Returns: whether there was place for it.
    @discardableResult
    mutating func append(_ row: PingRow, _ kind: ProbeKind, _ outcome: ProbeOutcome, _ ids: [Int: NodeID]) -> Bool {
        if row.hops.allSatisfy({ places[$0] != nil }) {
            let hops = row.hops.lazy.map { [places] in places[$0] ?? -1 }
            return table.append(kind: kind, hops: hops, sent: row.sent, drawn: row.drawn, outcome: outcome)
        }
        let known = table.nodes.count
        let probe = ProbePath(row.hops.compactMap { ids[$0] }).map {
            ObservedProbe(kind: kind, path: $0, sent: row.sent, drawn: row.drawn, outcome: outcome)
        }
        guard let probe, probe.path.hops.count == row.hops.count, table.append(probe) else { return false }
        // New ones stand at the end, in the order of the path.
        var next = known
        for number in row.hops where places[number] == nil {
            places[number] = next
            next += 1
        }
        return true
    }
}
