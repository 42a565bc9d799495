internal import WireFormat

/// The bounds of an authority's register of nodes.
struct RegistryLimits: Hashable, Sendable {
    /// Nodes that are taken up.
    var maximumNodes = 2000
    /// Nodes never seen before that are taken up in an hour.
    var newNodesPerHour = 500
    /// New descriptors taken from one node in an hour.
    var uploadsPerHour = 12
    /// How far ahead of this clock a descriptor may be published.
    var clockTolerance = Interval.minutes(10)
    /// Tries to reach nodes under way at a time.
    var parallelTries = 32
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
}
