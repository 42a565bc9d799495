// What the register has in memory of a node.

internal import Directory
internal import Spool
internal import WireFormat

extension NodeRegistry {
    /// A node in memory.
    struct Entry: Sendable {
        var node: RegisteredNode
        var descriptor: Descriptor
        /// What its host names led to when that was last known.
        var resolved: [String: [NodeAddress]] = [:]
        /// Where it answered last; nil if that was before the start.
        var reachedAt: NodeAddress?
        /// Whether it answered at the addresses that it has now.
        var isProven: Bool
        /// How often in a row it could not be tried.
        var postponed = 0
        var uploads: TokenBucket
        var bytes: TokenBucket
        var isDirty = false

        init(_ node: RegisteredNode, _ descriptor: Descriptor, _ limits: RegistryLimits, at now: Timestamp) {
            (self.node, self.descriptor) = (node, descriptor)
            isProven = node.lastReachable != nil
            uploads = TokenBucket(perHour: limits.uploadsPerHour, now: now)
            bytes = TokenBucket(perHour: limits.uploadBytesPerDay / 24, most: limits.uploadBytesPerDay, now: now)
        }

        /// Where it answered; else all that it claims.
        var places: NodePlaces {
            NodePlaces(reachedAt.map { [$0] } ?? descriptor.fields.addresses + resolved.values.flatMap(\.self))
        }

        var occupant: RegisterRoom.Occupant {
            RegisterRoom.Occupant(
                id: node.id, firstSeen: node.firstSeen, lastTry: node.lastTry, lastReachable: node.lastReachable,
                places: places)
        }
    }
}
