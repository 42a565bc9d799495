public import WireFormat

/// How an account stands; the beginning of every packet.
///
///     account: length u8, name | day u32 | waiting items u32 | waiting bytes u64 | held items u32 | used bytes u64
///     | quota u64 | blocks u32 | blocks until ms u64 (0 none) | generation u32 | replaced u8 | class u8 | budget u32
///     | difficulty u8 | closes on u32 | devices u8 | count u8 | results
public struct NymStatus: Hashable, Sendable {
    public var account: NymName
    /// The server's day, counted from 1970-01-01.
    public var day: UInt32
    /// Items of which bytes wait to be sent.
    public var waitingItems: UInt32
    /// Bytes that wait to be sent.
    public var waitingBytes: UInt64
    /// Mails of which only a synopsis was sent, or nothing; they come when they are asked for.
    public var heldItems: UInt32
    /// Bytes that all items take, acknowledged ones no more.
    public var usedBytes: UInt64
    /// Bytes that they may take.
    public var quota: UInt64
    /// Reply blocks in stock, the one that carries this not counted.
    public var surbs: UInt32
    /// When the last of them expires; nil without any.
    public var surbsUntil: Timestamp?
    /// Generation of the stock.
    public var generation: UInt32
    /// Whether this came through a block of an older generation, to tell its owner that it counts no more.
    public var isReplaced: Bool
    public var packets: NymClass
    /// Mails that may be sent now.
    public var budget: UInt32
    /// Zero bits of work that a name costs now.
    public var difficulty: UInt8
    /// Day on which the account ends if no command comes.
    public var closesOn: UInt32
    /// Devices whose numbers the account remembers, at most `NymLimits.devices`.
    public var devices: UInt8
    /// Results that the devices have not told to have seen, oldest first, each device in its turn; at most 16.
    public var results: [NymResult]

    public static let mostResults = 16
    /// Longest encoded form.
    public static let largest = 1 + 32 + 70 + mostResults * (20 + NymResult.longestText)

    public init(
        account: NymName, day: UInt32, waitingItems: UInt32 = 0, waitingBytes: UInt64 = 0, heldItems: UInt32 = 0,
        usedBytes: UInt64 = 0, quota: UInt64 = 0, surbs: UInt32 = 0, surbsUntil: Timestamp? = nil,
        generation: UInt32 = 0, isReplaced: Bool = false,
        packets: NymClass = .low, budget: UInt32 = 0, difficulty: UInt8 = 0, closesOn: UInt32 = 0, devices: UInt8 = 0,
        results: [NymResult] = []
    ) {
        self.account = account
        self.day = day
        self.waitingItems = waitingItems
        self.waitingBytes = waitingBytes
        self.heldItems = heldItems
        self.usedBytes = usedBytes
        self.quota = quota
        self.surbs = surbs
        self.surbsUntil = surbsUntil
        self.generation = generation
        self.isReplaced = isReplaced
        self.packets = packets
        self.budget = budget
        self.difficulty = difficulty
        self.closesOn = closesOn
        self.devices = devices
        self.results = Array(results.prefix(Self.mostResults))
    }

    /// At most `largest` bytes. Results beyond their bound are left out.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: 256)
        writer.name(account)
        writer.integer(day)
        writer.integer(waitingItems)
        writer.integer(waitingBytes)
        writer.integer(heldItems)
        writer.integer(usedBytes)
        writer.integer(quota)
        writer.integer(surbs)
        writer.time(surbsUntil ?? Timestamp(milliseconds: 0))
        writer.integer(generation)
        writer.integer(UInt8(isReplaced ? 1 : 0))
        writer.integer(packets.rawValue)
        writer.integer(budget)
        writer.integer(difficulty)
        writer.integer(closesOn)
        writer.integer(devices)
        let results = results.prefix(Self.mostResults)
        writer.integer(UInt8(results.count))
        for result in results { result.write(to: &writer) }
        return writer.bytes
    }

    init(from reader: inout WireReader) throws {
        account = try reader.name()
        day = try reader.integer()
        waitingItems = try reader.integer()
        waitingBytes = try reader.integer()
        heldItems = try reader.integer()
        usedBytes = try reader.integer()
        quota = try reader.integer()
        surbs = try reader.integer()
        let until = try reader.time()
        surbsUntil = until.milliseconds == 0 ? nil : until
        generation = try reader.integer()
        let replaced = try reader.integer(UInt8.self)
        guard replaced < 2 else { throw WireError.unknownValue }
        isReplaced = replaced == 1
        packets = try reader.packetClass()
        budget = try reader.integer()
        difficulty = try reader.integer()
        closesOn = try reader.integer()
        devices = try reader.integer()
        let count = try reader.integer(UInt8.self)
        guard count <= Self.mostResults else { throw WireError.unknownValue }
        results = []
        for _ in 0..<count { results.append(try NymResult(from: &reader)) }
    }
}
