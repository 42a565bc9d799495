// The rows of a pinger's database as plain values. What they mean is the business of those who measure.

public import WireFormat

/// Numbers of the kinds of probes, as column `kind` has them; table `kind` says what they mean.
public enum PingKind: Int, CaseIterable, Sendable {
    case loop = 1
    case reply, ahead, delivery

    /// As the table of kinds spells it.
    public var name: String { "\(self)" }

    public init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// Numbers of what became of a probe, as column `state` has them; table `state` says what they mean.
public enum PingState: Int, CaseIterable, Sendable {
    /// Recorded, and not known to have been sent.
    case planned = 0
    /// Its entry has it. It may arrive still.
    case sent
    case arrived
    /// Its mailbox was emptied after the deadline and it was not there. It may have come later: then `arrived` is set too.
    case lost
    /// Nobody saw what became of it, or not for long enough; `watched` says until when it had not arrived.
    case void

    public var name: String { "\(self)" }
}

/// A probe that is about to be sent.
public struct NewPing: Sendable {
    /// A number of `PingKind`.
    public var kind: Int
    /// 1 to 5 different nodes, the entry first.
    public var hops: [NodeID]
    /// The sum of the delays that its hops are asked for.
    public var drawn: Interval
    /// What it is known by when it comes back: 16 bytes that no other has.
    public var tag: [UInt8]
    /// Digest of what must come back.
    public var content: Digest
    /// Where it is to arrive; nil for the address of test mails.
    public var mailbox: NodeID?
    public var planned: Timestamp

    public init(
        kind: Int, hops: [NodeID], drawn: Interval, tag: [UInt8], content: Digest, mailbox: NodeID?, planned: Timestamp
    ) {
        self.kind = kind
        self.hops = hops
        self.drawn = drawn
        self.tag = tag
        self.content = content
        self.mailbox = mailbox
        self.planned = planned
    }
}

/// What a message that came back is. The number is the probe's.
public enum PingReturn: Hashable, Sendable {
    /// The probe, for the first time.
    case first(Int64)
    /// The same probe once more: counted as a duplicate.
    case again(Int64)
    /// The probe, but changed: counted.
    case damaged(Int64)
    /// This very item was noted before, and its deletion from the mailbox has not worked: nothing is counted.
    case noted(Int64)
    /// No probe of this database.
    case unknown
}

/// How many probes were decided.
public struct Judged: Hashable, Sendable {
    public var lost: Int
    public var void: Int

    public init(lost: Int = 0, void: Int = 0) {
        self.lost = lost
        self.void = void
    }
}

/// A node as the other tables refer to it.
public struct PingNode: Hashable, Sendable {
    /// Stays the same as long as the database, and is given to no other node.
    public var number: Int
    public var id: NodeID
    public var nickname: String?
}

/// The numbers of a probe's nodes, the entry first: 1 to 5, without an allocation.
public struct PingHops: RandomAccessCollection, Hashable, Sendable {
    private var numbers: (Int32, Int32, Int32, Int32, Int32)
    private var length: Int8

    /// - Parameter numbers: of those that are not there, 0.
    init(_ numbers: (Int32, Int32, Int32, Int32, Int32)) {
        self.numbers = numbers
        length = numbers.1 == 0 ? 1 : numbers.2 == 0 ? 2 : numbers.3 == 0 ? 3 : numbers.4 == 0 ? 4 : 5
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { Int(length) }

    public subscript(position: Int) -> Int {
        precondition(position >= 0 && position < count, "a probe has \(count) hops")
        switch position {
        case 0: return Int(numbers.0)
        case 1: return Int(numbers.1)
        case 2: return Int(numbers.2)
        case 3: return Int(numbers.3)
        default: return Int(numbers.4)
        }
    }

    public static func == (left: Self, right: Self) -> Bool { left.numbers == right.numbers }

    public func hash(into hasher: inout Hasher) { for number in self { hasher.combine(number) } }
}

/// A probe that was sent.
public struct PingRow: Hashable, Sendable {
    public var id: Int64
    /// A number of `PingKind`.
    public var kind: Int
    /// Numbers of `PingNode`.
    public var hops: PingHops
    /// When its entry had acknowledged it.
    public var sent: Timestamp
    public var drawn: Interval
    /// A number of `PingState`; never `planned`.
    public var state: Int
    /// When it was seen where it was to arrive; also of one that is lost because it came too late.
    public var arrived: Timestamp?
    /// It may have come earlier by at most this.
    public var slack: Interval
    /// When its mailbox was emptied to its end, the last time; nil if that was never, or before it was sent.
    public var emptied: Timestamp?
    /// Of a void one: it had not arrived then, and nothing that was seen later counts. Nil if not even that is known.
    public var watched: Timestamp?
}

/// What was measured of a node on one day; also what the graphs of the past are made of.
public struct DayRow: Hashable, Sendable {
    /// Days since 1970-01-01 UTC.
    public var day: Int
    public var node: NodeID
    /// Thousandths; nil if it was not measured.
    public var reliability, low, high: Int?
    /// Decided probes that they rest on.
    public var samples: Int
    /// What the node added to a packet's journey; nil if not measured.
    public var latency: Interval?
    /// Thousandths of the probes over it that arrived within ten minutes, an hour, six hours and a day.
    public var tenMinutes, hour, sixHours, wholeDay: Int?
    /// Connections that were tried, and those that were made.
    public var handshakes, handshakesGood: Int
    /// Test mails through it, and those that came.
    public var deliveries, deliveriesGood: Int

    public init(
        day: Int, node: NodeID, reliability: Int? = nil, low: Int? = nil, high: Int? = nil, samples: Int = 0,
        latency: Interval? = nil, tenMinutes: Int? = nil, hour: Int? = nil, sixHours: Int? = nil,
        wholeDay: Int? = nil, handshakes: Int = 0, handshakesGood: Int = 0, deliveries: Int = 0,
        deliveriesGood: Int = 0
    ) {
        self.day = day
        self.node = node
        self.reliability = reliability
        self.low = low
        self.high = high
        self.samples = samples
        self.latency = latency
        self.tenMinutes = tenMinutes
        self.hour = hour
        self.sixHours = sixHours
        self.wholeDay = wholeDay
        self.handshakes = handshakes
        self.handshakesGood = handshakesGood
        self.deliveries = deliveries
        self.deliveriesGood = deliveriesGood
    }
}

/// Probes of one day over a link.
public struct LinkDayRow: Hashable, Sendable {
    /// Days since 1970-01-01 UTC.
    public var day: Int
    public var from, to: NodeID
    public var arrived, lost: Int

    public init(day: Int, from: NodeID, to: NodeID, arrived: Int, lost: Int) {
        self.day = day
        self.from = from
        self.to = to
        self.arrived = arrived
        self.lost = lost
    }
}

/// A time in which the pinger could not see.
public struct GapRow: Hashable, Sendable {
    public var from, to: Timestamp
    public var reason: String
    /// Whether the probes whose life it touched are void.
    public var isVoiding: Bool
}
