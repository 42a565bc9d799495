internal import WireFormat

/// Everything that a pinger writes for others (doc/PINGER.md, what it writes).
enum OutputFiles {
    /// The files, by their names below the output directory.
    static func all(_ exact: PingerFacts) -> [(name: String, bytes: [UInt8])] {
        let facts = Coarse.nodes(exact)
        let coarse = Coarse.links(facts)
        let tables = MeasurementTables(facts: coarse)
        let lists = RemailerLists(facts)
        let files = [
            ("measurements.json", MeasurementsJSON(facts: coarse).text), ("nodes.csv", tables.nodes),
            ("links.csv", tables.links), ("history.csv", tables.history), ("mlist.txt", lists.mlist),
            ("rlist.txt", lists.rlist), ("mlist2.txt", lists.mlist2), ("rlist2.txt", lists.rlist2),
        ]
        return (PingerPages(facts: facts).all + files).map { (name: $0.0, bytes: Array($0.1.utf8)) }
    }
}
