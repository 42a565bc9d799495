// An account as a value: everything of it that is small. What is large - items, reply blocks, outgoing mails - is the
// store's. No clock, no disk: the server asks, and does what it is told, in one transaction.

public import MixCrypto
public import WireFormat

/// A nym's account.
public struct NymAccount: Hashable, Sendable {
    /// The first name, which requests bear.
    public let name: NymName
    /// Verifies requests.
    public internal(set) var signing: VerificationKey
    /// Everything for the nym is sealed to it.
    public internal(set) var sealing: KEMPublicKey
    /// Other names, in the order of their making.
    public internal(set) var aliases: [NymName] = []
    public internal(set) var policy: NymPolicy
    /// Generation of the stock of reply blocks.
    public internal(set) var generation: UInt32 = 0
    /// Day of the last command.
    public internal(set) var lastCommand: UInt32
    /// Day on which a `close` came; nil while the account is open.
    public internal(set) var closing: UInt32?
    /// Marks of the signing keys before this one.
    var formerKeys: [[UInt8]] = []
    /// Whether there was a command after the creation.
    public internal(set) var isConfirmed = false
    /// The request that set the policy.
    var policyDevice: UInt64 = 0
    var policyNumber: UInt64 = 0
    var budget = SendBudget()
    var devices: [NymDevice] = []

    init(name: NymName, _ creation: NymCreation, day: UInt32) {
        self.name = name
        signing = creation.signing
        sealing = creation.sealing
        policy = NymPolicy(packets: creation.packets)
        lastCommand = day
    }

    static let markSize = 16

    /// 16 bytes of a key's hash.
    static func mark(_ key: VerificationKey) -> [UInt8] { Array(Digest.sha256(key.bytes).bytes.prefix(markSize)) }

    /// All names.
    public var names: [NymName] { [name] + aliases }

    /// Packets in each cycle.
    public var packets: NymClass { policy.packets }

    /// Whether it was closed: it takes no mail, and sends until `closesOn`.
    public var isClosing: Bool { closing != nil }

    /// Closes the account, as its owner can.
    /// - Returns: What the store has to do; nothing if it is closing already.
    public mutating func close(at now: Timestamp) -> [NymEffect] {
        guard !isClosing else { return [] }
        // Day 0 stands for open.
        closing = max(1, NymTiming.day(of: now))
        return [.wipeItems]
    }

    /// The day at whose beginning the account is to be erased, if no command comes before.
    public func closesOn(limits: NymLimits) -> UInt32 {
        func days(_ interval: Interval) -> UInt32 { UInt32(clamping: interval.milliseconds / 86_400_000) }
        // Saturating: these days may have been read from a damaged file.
        func day(_ first: UInt32, after days: UInt32) -> UInt32 { UInt32(clamping: UInt64(first) + UInt64(days)) }
        if let closing { return day(closing, after: days(NymTiming.closing)) }
        // Whole days, of which the first has begun already.
        if !isConfirmed { return day(lastCommand, after: min(days(limits.unconfirmed + .days(1)), days(limits.idle))) }
        return day(lastCommand, after: days(limits.idle))
    }

    /// What becomes of a mail of `size` bytes that comes now.
    /// - Parameter load: What the account holds already.
    public func arrive(size: Int, load: NymLoad, limits: NymLimits) -> NymArrival {
        guard !isClosing else { return .closed }
        guard size <= limits.mailSize, size <= Int(NymRecord.largestItem) - NymSeal.overhead else { return .tooLarge }
        let stored = UInt64(max(0, size) + NymSeal.overhead + NymSeal.synopsisSize)
        guard load.items < limits.quotaItems, load.bytes &+ stored <= limits.quotaBytes else { return .full }
        let carried = limits.carried(by: policy.packets)
        if policy.delivers == .nothing || load.waitingBytes + UInt64(NymSeal.synopsisSize) > 2 * carried {
            return .held
        }
        if policy.delivers == .synopses { return .synopsis }
        if policy.synopsisAbove > 0, size > Int(policy.synopsisAbove) { return .synopsis }
        return load.waitingBytes + UInt64(max(0, size) + NymSeal.overhead) > carried ? .synopsis : .whole
    }

    /// What every packet begins with.
    /// - Parameter isReplaced: It goes through a block of an older generation than the account has.
    public func status(
        _ load: NymLoad, at now: Timestamp, limits: NymLimits, isReplaced: Bool = false
    ) -> NymStatus {
        NymStatus(
            account: name, day: NymTiming.day(of: now), waitingItems: UInt32(clamping: load.waitingItems),
            waitingBytes: load.waitingBytes, heldItems: UInt32(clamping: load.heldItems), usedBytes: load.bytes,
            quota: limits.quotaBytes, surbs: UInt32(clamping: load.blocks), surbsUntil: load.blocksUntil,
            generation: generation, isReplaced: isReplaced, packets: policy.packets,
            budget: budget.left(at: now, limits: limits), difficulty: UInt8(clamping: limits.workBits),
            closesOn: closesOn(limits: limits), devices: UInt8(clamping: devices.count), results: openResults)
    }

    /// Results that were not seen: of each device the oldest, then of each the next.
    var openResults: [NymResult] {
        var open: [NymResult] = []
        var turn = 0
        while open.count < NymStatus.mostResults, devices.contains(where: { turn < $0.results.count }) {
            open += devices.compactMap { turn < $0.results.count ? $0.results[turn] : nil }
            turn += 1
        }
        return Array(open.prefix(NymStatus.mostResults))
    }
}
