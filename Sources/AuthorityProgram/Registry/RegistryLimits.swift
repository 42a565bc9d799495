internal import Directory
internal import WireFormat

/// The bounds of an authority's register of nodes.
struct RegistryLimits: Hashable, Sendable {
    /// Nodes that are taken up.
    var maximumNodes = 2000
    /// Nodes never seen before that are taken up in an hour.
    var newNodesPerHour = 500
    /// The same for one part of the Internet: an IPv4 /24, an IPv6 /48.
    var newNodesPerBlock = 16
    /// Nodes at one address (or IPv6 /64, or host name), and in an IPv4 /24 or IPv6 /48. Not in a test network.
    var nodesPerAddress = 4
    var nodesPerBlock = 16
    /// New descriptors taken from one node in an hour.
    var uploadsPerHour = 12
    /// Bytes of descriptors taken from one node in a day: eight of the largest. It bounds the disk: with 2000 nodes and
    /// six days that are kept, 2.4 GB.
    var uploadBytesPerDay = 8 * Descriptor.maximumSize
    /// How far ahead a descriptor may be valid: nodes make them for six days.
    var longestValidity = Interval.days(8)
    /// How far ahead of this clock a descriptor may be published.
    var clockTolerance = Interval.minutes(10)
    /// Tries to reach nodes under way at a time.
    var parallelTries = 32
    /// Tries at one address and in one block in a slot, where no node has answered yet. Not in a test network.
    var triesPerAddress = 8
    var triesPerBlock = 32
    /// A node that could not be tried so often in a row (no answer of name servers, too many tries at its address) counts
    /// as one that did not answer.
    var postponements = 3
    /// Host names being resolved at a time.
    var parallelLookups = 8
    /// How long a name server may take, real time.
    var lookupTimeout = Duration.seconds(5)
    /// When the register is full, a node that has not answered for so long since it came makes room for another.
    var patience = Interval.hours(1)
    /// A node without a valid descriptor is forgotten after this time, and its nickname is free again.
    var forgetAfter = Interval.days(30)
    /// So is one that never answered.
    var forgetUnreached = Interval.days(3)
    /// And one that answered once, but not for so long.
    var forgetUnreachable = Interval.days(14)
    /// When there is no room, it may go after this time.
    var displaceUnreachable = Interval.days(2)
    /// A descriptor that was replaced and that no vote named stays this long.
    var unnamedDescriptor = Interval.hours(1)
}
