// What measurements may say of links, however many say it: a pinger that lies, or is mistaken, must not be able to cut the
// network in pieces.

internal import WireFormat

/// Takes back what is too much to be true. Pure, in whole numbers, and the same on every machine.
enum LinkBrake {
    /// Of the links that lead from a node, and of those that lead to it, at most one of this many is called broken (one
    /// at least).
    static let share = 4

    /// Most links of one node and direction that may be broken.
    /// - Parameter others: nodes besides it.
    static func limit(others: Int) -> Int { max(1, others / share) }

    /// One node's links in one direction.
    private struct Side: Hashable, Comparable {
        let node: NodeID
        let isFrom: Bool

        static func < (left: Self, right: Self) -> Bool {
            left.node != right.node ? left.node < right.node : left.isFrom && !right.isFrom
        }
    }

    /// The links that stay: where more than the limit lead from a node, or to it, none of these counts. The side with
    /// most goes first, as what is taken back there does not count for the other ends: a node to which no link leads
    /// any more must not hide the one dead link of another.
    /// - Parameters:
    ///   - links: each once.
    ///   - nodes: how many nodes there are.
    static func kept(_ links: [NodeLink], nodes: Int) -> [NodeLink] {
        let limit = limit(others: nodes - 1)
        var sides: [Side: Set<NodeLink>] = [:]
        for link in links {
            for side in self.sides(of: link) { sides[side, default: []].insert(link) }
        }
        let full = sides.filter { $0.value.count > limit }
            .sorted { $0.value.count != $1.value.count ? $0.value.count > $1.value.count : $0.key < $1.key }
        var dropped: Set<NodeLink> = []
        // Counts only fall, so one pass is enough: a side that is left alone at its turn stays within the limit.
        for (side, _) in full {
            guard let found = sides[side], found.count > limit else { continue }
            for link in found {
                dropped.insert(link)
                for other in self.sides(of: link) { sides[other]?.remove(link) }
            }
        }
        return links.filter { !dropped.contains($0) }
    }

    private static func sides(of link: NodeLink) -> [Side] {
        [Side(node: link.from, isFrom: true), Side(node: link.to, isFrom: false)]
    }
}
