// How things stand with one nym, as far as this device knows: what it asked the server and not heard of yet, what the
// server said last, what is to be acknowledged. A value; the book keeps it, and every step is a change of it.

internal import Messages
internal import NymProtocol
internal import Spool
internal import WireFormat

/// The state of a nym.
struct NymState: Hashable, Sendable {
    /// How far the account has come.
    enum Stage: UInt8, Sendable {
        /// Asked for; the server has not answered.
        case pending = 0
        case active = 1
        /// The server did not give the name.
        case refused = 2
        /// The owner has asked to close it.
        case closing = 3
        case closed = 4
    }

    /// What a request is for.
    enum Purpose: UInt8, Sendable {
        case create = 0
        /// Reply blocks beyond what a refill brings.
        case stock = 1
        case refill = 2
        case send = 3
        case policy = 4
        case alias = 5
        case rotate = 6
        case close = 7
        case get = 8
        /// The mailbox to which a linked device has moved is there.
        case moved = 9
    }

    /// A request whose result has not come.
    struct Waiting: Hashable, Sendable {
        let number: UInt64
        let purpose: Purpose
        let made: Timestamp
        /// When it was last given to the network; nil before the first time.
        var sent: Timestamp?
        var times: UInt8 = 0
        /// Reply blocks in it.
        let blocks: UInt32
        /// Items that it acknowledges.
        let acknowledged: [UInt64]
        /// The alias that it adds.
        var alias = ""
        /// The encoded request.
        let file: SealedFileReference
        /// The message that carried it last, in the log of messages sent.
        var message: MessageID?
    }

    /// A mail that was sent as the nym.
    struct Sent: Hashable, Sendable {
        let number: UInt64
        let made: Timestamp
        let recipients: String
        /// `nil` until the server has told.
        var result: Result?
        /// 32 bytes by which whoever gave it knows it again; empty without.
        var token: [UInt8] = []
    }

    /// What the server said of a request.
    struct Result: Hashable, Sendable {
        let code: UInt8
        let text: String
        let heard: Timestamp
    }

    /// What the server said last.
    struct Report: Hashable, Sendable {
        var heard: Timestamp
        /// The server's day when it said so.
        var day: UInt32
        /// Packets in each cycle, as the server has it.
        var packets: NymClass
        var waitingItems, heldItems, surbs: UInt32
        var waitingBytes, usedBytes, quota: UInt64
        var surbsUntil: Timestamp?
        var generation, budget, closesOn: UInt32
        var difficulty: UInt8
        /// Devices that the server remembers.
        var devices: UInt8
    }

    /// A mail that waits at the server and of which only the head came.
    struct Synopsis: Hashable, Sendable {
        let item: UInt64
        let from, subject: String
        let size, day: UInt32
        /// Whether all of it was asked for.
        var isWanted = false
    }

    var stage = Stage.pending
    /// Why it was refused or closed, for people.
    var reason = ""
    /// Drawn by each device, so that requests of two never have one number.
    var device: UInt64
    /// Whether this device looks after the stock of reply blocks; the others are passed mail on.
    var isPrimary = true
    /// When the server told that another device has taken its place; nil unless it did.
    var replaced: Timestamp?
    var packets: NymClass
    /// Bits of work that the server asked for.
    var difficulty: UInt8 = 0
    /// The server asked for more work, which is not done yet.
    var needsWork = false
    var nextNumber: UInt64 = 1
    /// All results up to here were seen.
    var resultsSeen: UInt64 = 0
    /// Those beyond.
    var seenBeyond: [UInt64] = []
    var waiting: [Waiting] = []
    var generation: UInt32 = 1
    var report: Report?
    /// When the nym was asked for, the last refill was made, and the last generation begun.
    var created: Timestamp
    var refilled: Timestamp?
    var renewed: Timestamp?
    /// Items that are safe here and that no request has acknowledged with success.
    var unacknowledged: [UInt64] = []
    /// Items that are dealt with, the latest last: known when they come again.
    var finished: [UInt64] = []
    var synopses: [Synopsis] = []
    /// Mails sent as the nym, the latest last.
    var sent: [Sent] = []
    /// Items that no key of ours opens.
    var unreadable: UInt32 = 0
    /// What came of the last change of policy, alias or keys.
    var lastChange: Result?
    /// Other names of the account.
    var aliases: [String] = []

    static let mostFinished = 4096
    static let mostSynopses = 512
    static let mostSent = 64

    init(device: UInt64, packets: NymClass, created: Timestamp, isPrimary: Bool = true) {
        self.device = device
        self.packets = packets
        self.created = created
        self.isPrimary = isPrimary
    }

    // MARK: Requests

    /// Numbers that only what keeps the nym alive may take: reply blocks must come to the server whatever else waits.
    private static let reserve: UInt64 = 24

    /// Takes the number of a new request; nil if too many wait for their results.
    mutating func takeNumber(for purpose: Purpose) -> UInt64? {
        let isVital = purpose == .stock || purpose == .refill || purpose == .create
        guard nextNumber <= resultsSeen + NymRequest.window - (isVital ? 0 : Self.reserve) else { return nil }
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// Whether so many requests wait for results that a new stock and its refills might find no number. Another device
    /// number has room; not while a change of keys is under way, whose result is told to this one, and not where the
    /// server takes no more devices.
    var isStuck: Bool {
        nextNumber + Self.stockRoom > resultsSeen + NymRequest.window
            && !waiting.contains { $0.purpose == .rotate || $0.purpose == .create }
            && Int(report?.devices ?? 0) < NymLimits.devices
    }

    /// Numbers for a stock, its refills and what comes besides.
    private static let stockRoom: UInt64 = 8

    /// Notes that a request has its result.
    mutating func settle(_ number: UInt64) {
        waiting.removeAll { $0.number == number }
        guard number > resultsSeen, number < nextNumber, !seenBeyond.contains(number) else { return }
        seenBeyond.append(number)
        while let index = seenBeyond.firstIndex(of: resultsSeen + 1) {
            seenBeyond.remove(at: index)
            resultsSeen += 1
        }
    }

    /// Notes that a request was given to the network.
    mutating func noteSent(_ number: UInt64, message: MessageID?, at now: Timestamp) {
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return }
        waiting[index].sent = now
        waiting[index].times = waiting[index].times &+ 1
        waiting[index].message = message
    }

    /// Requests that have to be given to the network now, because they were not, or because nothing was heard for long.
    /// - Parameter repeats: false leaves out what was given to the network before.
    func due(at now: Timestamp, repeats: Bool = true) -> [Waiting] {
        guard stage != .refused, stage != .closed else { return [] }
        return waiting.filter { request in
            // A number whose blocks a newer generation has made worthless has to come to the server some time, or those
            // after it would wait for ever; not while nothing shows that anybody listens.
            if request.purpose == .stock, request.blocks == 0, !isHeard { return false }
            guard let sent = request.sent else { return true }
            // The next refill takes the place of one that was not answered, at its own time.
            return request.purpose != .refill && repeats && sent + Self.patience(request.times) <= now
        }
    }

    /// How long a result is waited for: longer each time.
    static func patience(_ times: UInt8) -> Interval {
        NymTiming.cycle * [6, 6, 12, 24, 48, 72][min(Int(times), 5)]
    }

    /// Whether the server has been heard since the last generation began.
    var isHeard: Bool {
        guard let report else { return renewed == nil }
        return report.generation == generation
    }

    // MARK: Items

    /// Notes that an item is dealt with; it will be acknowledged.
    mutating func finish(_ item: UInt64) {
        synopses.removeAll { $0.item == item }
        if !unacknowledged.contains(item) { unacknowledged.append(item) }
        guard !finished.contains(item) else { return }
        finished.append(item)
        if finished.count > Self.mostFinished { finished.removeFirst(finished.count - Self.mostFinished) }
    }

    /// Keeps what is known of a mail that is held at the server.
    mutating func add(_ synopsis: Synopsis) {
        guard !synopses.contains(where: { $0.item == synopsis.item }) else { return }
        synopses.append(synopsis)
        if synopses.count > Self.mostSynopses { synopses.removeFirst(synopses.count - Self.mostSynopses) }
    }
}
