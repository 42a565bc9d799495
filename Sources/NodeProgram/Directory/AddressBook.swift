// Where the nodes are that a packet on its way may name. A packet can be under way for hours after the consensus that its
// sender chose the path from, so a node that was taken out is still found until no valid consensus names it. Kept on disk
// too: a node that is started again must not drop what waits for such a node.

internal import Directory
internal import WireFormat

/// The nodes of all consensuses that are still valid for somebody.
struct AddressBook: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var addresses: [NodeAddress]
        /// When the last consensus that names the node expires.
        var until: Timestamp
    }

    /// Most nodes: three times what a consensus may list. The ones that expire first make way.
    static let maximumEntries = 3 * Consensus.maximumNodes
    /// Most bytes of the file.
    static let maximumSize = maximumEntries * 2400
    private static let firstLine = "nightjar-address-book 1"

    private(set) var entries: [NodeID: Entry] = [:]

    init() {}

    func addresses(of node: NodeID) -> [NodeAddress] { entries[node]?.addresses ?? [] }

    /// Until when some valid consensus names the node; nil if none does.
    func until(of node: NodeID) -> Timestamp? { entries[node]?.until }

    /// Takes the nodes of a network in, and removes those that no valid consensus names any more.
    /// - Returns: nodes whose addresses are new or others than before.
    mutating func note(_ network: Network, at now: Timestamp) -> [NodeID] {
        var changed: [NodeID] = []
        if let consensus = network.consensus?.consensus {
            for node in network.nodes {
                if entries[node.id]?.addresses != node.fields.addresses { changed.append(node.id) }
                let until = max(entries[node.id]?.until ?? consensus.validUntil, consensus.validUntil)
                entries[node.id] = Entry(addresses: node.fields.addresses, until: until)
            }
            // One whose new descriptor is not here yet is where it was.
            for node in consensus.nodes {
                guard let until = entries[node.id]?.until else { continue }
                entries[node.id]?.until = max(until, consensus.validUntil)
            }
        }
        prune(at: now, keeping: Set(network.nodes.map(\.id)))
        return changed
    }

    /// The nodes of the current consensus stay, however old it is: a node goes on with what it has.
    private mutating func prune(at now: Timestamp, keeping current: Set<NodeID>) {
        entries = entries.filter { $0.value.until > now || current.contains($0.key) }
        guard entries.count > Self.maximumEntries else { return }
        let first = entries.filter { !current.contains($0.key) }.sorted {
            ($0.value.until, $0.key) < ($1.value.until, $1.key)
        }
        for (node, _) in first.prefix(entries.count - Self.maximumEntries) { entries[node] = nil }
    }

    /// A line for each node.
    var text: String {
        entries.sorted { $0.key < $1.key }.reduce(into: Self.firstLine + "\n") { text, entry in
            let addresses = entry.value.addresses.map(\.description).joined(separator: " ")
            text += "\(entry.key.hex) \(entry.value.until.milliseconds) \(addresses)\n"
        }
    }

    /// Reads what `text` gave. What is damaged is left out: the next consensus brings it back.
    init(_ text: String) {
        let lines = text.split(separator: "\n")
        guard lines.first == Self.firstLine[...] else { return }
        for line in lines.dropFirst().prefix(Self.maximumEntries) {
            let words = line.split(separator: " ")
            guard words.count >= 3, let node = NodeID(hex: words[0]), let until = Int64(words[1]) else { continue }
            let addresses = words[2...].prefix(Descriptor.maximumAddresses).compactMap { NodeAddress(String($0)) }
            entries[node] = Entry(addresses: addresses, until: Timestamp(milliseconds: until))
        }
    }
}
