// What a transaction changes outside the database; applied after the commit and dropped if there is none.

internal import WireFormat

/// Changes to what is in memory and on disk beside the database.
struct GroupEffects {
    /// New packets with their bodies, for the index and the cache.
    var stored: [(id: Int64, record: Record, release: Timestamp, body: [UInt8])] = []
    var removed: [Int64] = []
    /// Packets whose record was copied on.
    var moved: [(id: Int64, from: UInt32, to: Record)] = []
    var tags: [(period: KeyPeriod, key: ReplayKey)] = []
    var forgotten: [KeyPeriod] = []
    /// Periods with tags to be erased in steps.
    var erasable: [KeyPeriod] = []
    /// Periods whose last tags are erased.
    var erasedPeriods: [KeyPeriod] = []
    /// Replay tables made in this transaction.
    var newPeriods: [KeyPeriod] = []
    /// Segments whose key rows are gone.
    var erasedSegments: [UInt32] = []
    /// Files that no delivery refers to.
    var deletedFiles: [SealedFileName] = []
    var copiedRecords = 0
    var damagedRecords = 0
    var completesMessage = false
}
