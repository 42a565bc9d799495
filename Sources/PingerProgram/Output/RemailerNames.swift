internal import WireFormat

/// Names that fit into the columns of older lists and still are different.
enum RemailerNames {
    /// At most `width` bytes each, of letters, digits, `-` and `_`. A name that is cut and would be another's gets the
    /// beginning of the node's id instead of its own end.
    static func make(_ nodes: [(id: NodeID, nickname: String)], width: Int) -> [NodeID: String] {
        let cut = nodes.map { (id: $0.id, name: String(cleaned($0.nickname).prefix(width))) }
        let uses = Dictionary(grouping: cut) { $0.name.lowercased() }.mapValues(\.count)
        var names: [NodeID: String] = [:]
        var taken: Set<String> = []
        for (id, name) in cut where uses[name.lowercased()] == 1 {
            names[id] = name
            taken.insert(name.lowercased())
        }
        for (id, name) in cut.sorted(by: { $0.id < $1.id }) where names[id] == nil {
            for digits in 2...width {
                let long = String(name.prefix(width - digits)) + String(id.hex.prefix(digits))
                guard taken.insert(long.lowercased()).inserted else { continue }
                names[id] = long
                break
            }
        }
        return names
    }

    /// Without what would end a column.
    static func cleaned(_ name: String) -> String {
        let kept = name.utf8.filter {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45 || $0 == 95
        }
        return kept.isEmpty ? "node" : String(decoding: kept, as: UTF8.self)
    }
}
