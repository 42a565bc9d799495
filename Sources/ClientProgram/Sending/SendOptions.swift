internal import Directory
internal import WireFormat

/// How packets travel.
struct SendOptions: Sendable {
    /// How many copies may be asked for.
    static let copyRange = 1...8

    /// What the path must be.
    var path = PathSpecification.standard
    /// How often a message of a single part is sent, each time by another path.
    var copies = 1
    /// Short delays, at the price of anonymity.
    var isUrgent = false
    /// Nodes never to be used.
    var blocked: Set<NodeID> = []
    /// Nodes never to be the first.
    var blockedEntries: Set<NodeID> = []
    /// Nodes never to be the last.
    var blockedExits: Set<NodeID> = []
}
