public import WireFormat

/// What the authorities say of a node, besides that they list it.
public enum NodeFlag: String, CaseIterable, Hashable, Sendable, Comparable {
    /// Operators know it to misbehave; nobody should use it.
    case bad = "Bad"
    /// Delivers mail.
    case exit = "Exit"
    /// Offers mailboxes.
    case mailbox = "Mailbox"
    /// Runs a nymserver.
    case nymserver = "Nymserver"
    /// It answers, and has been listed long enough for all nodes to know it.
    case running = "Running"
    /// It has been listed without a gap for a week.
    case stable = "Stable"
    /// Too few pingers have measured it.
    case unmeasured = "Unmeasured"
    /// Pingers lose too much through it.
    case unreliable = "Unreliable"

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Flags as documents write them: ascending, each once. Nil for anything else.
    static func parse(_ words: some Sequence<String>) -> Set<NodeFlag>? {
        var flags: Set<NodeFlag> = []
        var last: NodeFlag?
        for word in words {
            guard let flag = NodeFlag(rawValue: word), last.map({ $0 < flag }) ?? true else { return nil }
            flags.insert(flag)
            last = flag
        }
        return flags
    }
}

/// The way from one node to the next.
public struct NodeLink: Hashable, Comparable, Sendable {
    public let from: NodeID
    public let to: NodeID

    public init(from: NodeID, to: NodeID) {
        self.from = from
        self.to = to
    }

    public static func < (left: Self, right: Self) -> Bool { (left.from, left.to) < (right.from, right.to) }
}
