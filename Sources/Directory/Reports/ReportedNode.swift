// What a measurement report says of one node, and how it is spelled (doc/DIRECTORY.md, report). Whole numbers, and coarse
// ones: a report tells how good a node is, not when which probe was under way.

public import WireFormat

/// A part of 1000 with the interval that it lies in.
public struct ReportedEstimate: Hashable, Sendable {
    /// Of 1000; `low <= value <= high`. Multiples of 5 in a document.
    public var value, low, high: Int
    /// Probes that it rests on, at least 1.
    public var samples: Int

    /// In parts of 1000.
    public init(value: Int, low: Int, high: Int, samples: Int) {
        self.value = value
        self.low = low
        self.high = high
        self.samples = samples
    }

    /// From fractions between 0 and 1.
    public init(fraction value: Double, low: Double, high: Double, samples: Int) {
        self.init(
            value: ReportRounding.permille(value), low: ReportRounding.permille(low, .down),
            high: ReportRounding.permille(high, .up), samples: samples)
    }

    /// As a document has it: the interval never gets narrower.
    var rounded: Self {
        let value = ReportRounding.permille(Double(value) / 1000)
        return Self(
            value: value, low: min(value, ReportRounding.permille(Double(low) / 1000, .down)),
            high: max(value, ReportRounding.permille(Double(high) / 1000, .up)), samples: samples)
    }

    var isSound: Bool {
        [value, low, high].allSatisfy(ReportRounding.isPermille) && low <= value && value <= high
            && (1...NodeMeasurement.maximumSamples).contains(samples)
    }
}

/// How many of 1000, and of how many in fact.
public struct ReportedShare: Hashable, Sendable {
    /// Of 1000; a multiple of 5 in a document.
    public var value: Int
    /// At least 1.
    public var samples: Int

    public init(value: Int, samples: Int) {
        self.value = value
        self.samples = samples
    }

    /// `good` of `total`; nil of nothing.
    public init?(good: Int, of total: Int) {
        guard total > 0 else { return nil }
        self.init(value: ReportRounding.permille(Double(good) / Double(total)), samples: total)
    }

    var rounded: Self { Self(value: ReportRounding.permille(Double(value) / 1000), samples: samples) }

    var isSound: Bool {
        ReportRounding.isPermille(value) && (1...NodeMeasurement.maximumSamples).contains(samples)
    }
}

/// How many of 1000 probes on paths with a node arrived within a time; each at least as many as the one before.
public struct ReportedArrivals: Hashable, Sendable {
    public var tenMinutes, hour, sixHours, day: Int

    /// In parts of 1000.
    public init(tenMinutes: Int, hour: Int, sixHours: Int, day: Int) {
        self.tenMinutes = tenMinutes
        self.hour = hour
        self.sixHours = sixHours
        self.day = day
    }

    /// From fractions between 0 and 1.
    public init(fractions tenMinutes: Double, hour: Double, sixHours: Double, day: Double) {
        self.init(
            tenMinutes: ReportRounding.permille(tenMinutes), hour: ReportRounding.permille(hour),
            sixHours: ReportRounding.permille(sixHours), day: ReportRounding.permille(day))
    }

    var values: [Int] { [tenMinutes, hour, sixHours, day] }

    init?(_ values: [Int]) {
        guard values.count == 4 else { return nil }
        self.init(tenMinutes: values[0], hour: values[1], sixHours: values[2], day: values[3])
    }

    var rounded: Self {
        let values = values.map { ReportRounding.permille(Double($0) / 1000) }
        return Self(tenMinutes: values[0], hour: values[1], sixHours: values[2], day: values[3])
    }

    var isSound: Bool {
        values.allSatisfy(ReportRounding.isPermille) && zip(values, values.dropFirst()).allSatisfy { $0 <= $1 }
    }
}

/// One node as one pinger found it. What is nil was not measured.
public struct ReportedNode: Hashable, Sendable {
    public var id: NodeID
    /// Which part it passes on of packets that it cannot tell from others: its score.
    public var relay: ReportedEstimate?
    /// What it adds to a packet's journey, in steps of 30 s in a document, at most ten days.
    public var latency: Interval?
    public var within: ReportedArrivals?
    /// How it treats what it can recognise as the pinger's: shown, but not counted.
    public var entry, mailbox: ReportedShare?
    /// Test mails through it, and connections to it.
    public var deliveries, handshakes: ReportedShare?
    /// Probes on paths with it that came twice, or changed.
    public var duplicates, damaged: Int

    public init(
        id: NodeID, relay: ReportedEstimate? = nil, latency: Interval? = nil, within: ReportedArrivals? = nil,
        entry: ReportedShare? = nil, mailbox: ReportedShare? = nil, deliveries: ReportedShare? = nil,
        handshakes: ReportedShare? = nil, duplicates: Int = 0, damaged: Int = 0
    ) {
        self.id = id
        self.relay = relay
        self.latency = latency
        self.within = within
        self.entry = entry
        self.mailbox = mailbox
        self.deliveries = deliveries
        self.handshakes = handshakes
        self.duplicates = duplicates
        self.damaged = damaged
    }

    /// As a document has it.
    var rounded: Self {
        var node = self
        node.relay = relay?.rounded
        node.latency = latency.map(ReportRounding.latency)
        node.within = within?.rounded
        node.entry = entry?.rounded
        node.mailbox = mailbox?.rounded
        node.deliveries = deliveries?.rounded
        node.handshakes = handshakes?.rounded
        return node
    }

    private var isSound: Bool {
        (relay?.isSound ?? true) && (latency.map(ReportRounding.isLatency) ?? true) && (within?.isSound ?? true)
            && [entry, mailbox, deliveries, handshakes].allSatisfy { $0?.isSound ?? true }
            && [duplicates, damaged].allSatisfy { (0...NodeMeasurement.maximumSamples).contains($0) }
    }
}

extension ReportedNode {
    /// The item `node`.
    var item: DocumentItem {
        var words = [id.hex]
        if let relay {
            words += ["reliability=\(relay.value)", "low=\(relay.low)", "high=\(relay.high)"]
            words.append("samples=\(relay.samples)")
        }
        if let latency { words.append("latency=\(latency.milliseconds / 1000)") }
        if let within { words.append("within=" + within.values.map(String.init).joined(separator: ",")) }
        let shares = [("entry", entry), ("mailbox", mailbox), ("delivery", deliveries), ("handshake", handshakes)]
        for (name, share) in shares {
            if let share { words.append("\(name)=\(share.value)/\(share.samples)") }
        }
        for (name, count) in [("duplicates", duplicates), ("damaged", damaged)] where count != 0 {
            words.append("\(name)=\(count)")
        }
        return DocumentItem("node", words)
    }

    /// Reads the item that `item` makes; nil for words of any other form.
    init?(words: [String]) {
        guard let id = words.first.flatMap({ NodeID(hex: $0) }) else { return nil }
        var rest = ReportWords(words.dropFirst())
        var node = ReportedNode(id: id)
        if let value = rest.take("reliability") {
            guard let low = rest.take("low"), let high = rest.take("high"), let samples = rest.take("samples") else {
                return nil
            }
            let all = value + low + high + samples
            guard all.count == 4 else { return nil }
            node.relay = ReportedEstimate(value: all[0], low: all[1], high: all[2], samples: all[3])
        }
        if let latency = rest.take("latency") {
            guard let seconds = latency.first else { return nil }
            node.latency = .seconds(Int64(seconds))
        }
        if let values = rest.take("within", count: 4, separator: ",") {
            guard let within = ReportedArrivals(values) else { return nil }
            node.within = within
        }
        let shares: [(String, WritableKeyPath<Self, ReportedShare?>)] = [
            ("entry", \.entry), ("mailbox", \.mailbox), ("delivery", \.deliveries), ("handshake", \.handshakes),
        ]
        for (name, field) in shares {
            guard let values = rest.take(name, count: 2) else { continue }
            guard values.count == 2 else { return nil }
            node[keyPath: field] = ReportedShare(value: values[0], samples: values[1])
        }
        let counts: [(String, WritableKeyPath<Self, Int>)] = [("duplicates", \.duplicates), ("damaged", \.damaged)]
        for (name, field) in counts {
            guard let values = rest.take(name) else { continue }
            // None is not written.
            guard let count = values.first, count > 0 else { return nil }
            node[keyPath: field] = count
        }
        guard rest.isEmpty, node.isSound else { return nil }
        self = node
    }
}
