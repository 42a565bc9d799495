// The calendar of nyms in one place. Client and server derive from it how much is sent when; nothing of it depends on mail.

public import WireFormat

/// How many packets a server sends to a nym in each cycle: one of three, so that nyms differ in nothing else.
public enum NymClass: UInt8, Hashable, Sendable, CaseIterable {
    case low = 1
    case middle = 2
    case high = 4

    /// Packets in each cycle.
    public var packets: Int { Int(rawValue) }
}

/// Lengths of time that both sides know.
public enum NymTiming {
    /// In each cycle an account's class says how many packets leave.
    public static let cycle = Interval.hours(1)
    /// Reply blocks for so long are what a client keeps at the server.
    public static let stock = Interval.days(14)
    /// A server takes reply blocks for so long and no more.
    public static let stockBound = Interval.days(20)
    /// Mean time between two refills of a client.
    public static let refill = Interval.hours(6)
    /// An account without a command for so long is closed.
    public static let idle = Interval.days(90)
    /// One without any command after its creation is closed after so many days: an open one costs the server a packet in
    /// each slot.
    public static let unconfirmed = Interval.days(3)
    /// A closing account still sends for so long, so that the owner learns of it.
    public static let closing = Interval.days(2)
    /// What was sent and is not acknowledged after so long is wanted again.
    public static let resend = Interval.hours(24)
    /// So long a server knows the mail that came twice.
    public static let duplicates = Interval.days(10)

    /// Whole days since 1970-01-01, the finest date that a server keeps of mail.
    public static func day(of time: Timestamp) -> UInt32 { UInt32(clamping: time.seconds / 86_400) }

    /// First moment of a day.
    public static func start(ofDay day: UInt32) -> Timestamp { Timestamp(seconds: Int64(day) * 86_400) }

    /// Reply blocks that an account of this class may have: what `stockBound` takes, at most 2048.
    public static func mostBlocks(of packets: NymClass) -> Int {
        min(NymBatch.mostStock, cycles(in: stockBound) * packets.packets)
    }

    /// Reply blocks that a client wants to have at the server: what `stock` takes.
    public static func wantedBlocks(of packets: NymClass) -> Int { cycles(in: stock) * packets.packets }

    private static func cycles(in interval: Interval) -> Int { Int(interval.milliseconds / cycle.milliseconds) }
}
