public import WireFormat

/// Bounds of a server's accounts, with their defaults.
public struct NymLimits: Hashable, Sendable {
    /// Accounts of the server.
    public var accounts = 100_000
    /// Bytes that an account's sealed items may take together.
    public var quotaBytes: UInt64 = 64 << 20
    /// Items that an account may have.
    public var quotaItems = 2000
    /// Longest mail that is taken from outside.
    public var mailSize = 8 << 20
    /// Longest mail that a nym sends, at most `NymMail.largestContent`.
    public var sendSize = NymMail.largestContent
    /// Recipients that mail may be sent to at once, and within a day.
    public var budget: UInt32 = 20
    /// Zero bits of work that a name costs.
    public var workBits = 20
    /// Names of an account beside its first.
    public var aliases = 4
    /// Mails for more cycles than this are announced by synopses; for more than twice as many they are only held.
    public var cyclesAhead = 24
    /// An account without a command for so long is closed.
    public var idle = NymTiming.idle
    /// An account without any command after its creation is closed after so long.
    public var unconfirmed = NymTiming.unconfirmed
    /// Bytes of mails of an account that wait for the mail server.
    public var outgoingBytes: UInt64 = 8 << 20

    /// Devices of an account. More are refused, not swapped in: a forgotten window could be filled again by whoever kept
    /// old requests. A rotation to a new key forgets all devices but the one that asks, which may be a ninth.
    public static let devices = 8
    /// New signing keys of an account.
    public static let rotations = 255

    public init() {}

    /// The time in which one more recipient is allowed: a day's `budget`-th part in whole seconds, at least one.
    public var budgetStep: Interval { .seconds(Int64(clamping: budgetSeconds)) }

    var budgetSeconds: UInt64 { max(1, 86_400 / UInt64(max(1, budget))) }

    /// Bytes of mail that `cyclesAhead` cycles carry.
    func carried(by packets: NymClass) -> UInt64 {
        let room = NymPacket.size - NymStatus.largest - NymRecord.overhead
        return UInt64(max(0, cyclesAhead) * packets.packets * room)
    }
}
