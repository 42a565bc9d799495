// Counts for the operator. A label is a case of an enum: so nothing about a peer, a user or a packet can become one, the
// number of series is known when the program is compiled, and every one of them is there, at zero, from the start.

internal import Synchronization
internal import WireFormat

/// Values that a label may have.
public protocol MetricLabel: RawRepresentable<String>, CaseIterable, Hashable, Sendable {}

/// A count that only grows.
public final class Count: Sendable {
    private let value = Atomic<Int64>(0)

    init() {}
    /// Adds; a negative step is ignored.
    public func increment(by step: Int = 1) {
        if step > 0 { value.wrappingAdd(Int64(step), ordering: .relaxed) }
    }
    /// The count now.
    public var current: Int64 { value.load(ordering: .relaxed) }
}

/// One count for each case of a label.
public final class LabelledCount<Label: MetricLabel>: Sendable {
    private let counts: [Label: Count]

    init() { counts = Dictionary(uniqueKeysWithValues: Label.allCases.map { ($0, Count()) }) }
    public func increment(_ label: Label, by step: Int = 1) { counts[label]?.increment(by: step) }
    public func current(_ label: Label) -> Int64 { counts[label]?.current ?? 0 }
    /// All of them.
    public var all: [Label: Int64] { counts.mapValues(\.current) }
}

/// A value that goes up and down.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    init() {}
    public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    public func set(_ value: Int) { set(Double(value)) }
    public func add(_ step: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + step).bitPattern
            let (exchanged, seen) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = seen
        }
    }
    public var current: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// One value of a series, as read.
public struct MetricSample: Hashable, Sendable {
    /// With the prefix: `nightjar_packets_dropped_total`.
    public var name: String
    /// Name and value of the label; nil for a series without one.
    public var label: MetricSampleLabel?
    public var value: Double
}

/// A label of a sample.
public struct MetricSampleLabel: Hashable, Sendable {
    public var name: String
    public var value: String
}

/// The counts of a process.
public final class Counters: Sendable {
    private struct Family: Sendable {
        var help: String
        var kind: String
        var label: String?
        /// Kept so that asking for the same name again gives the same object.
        var object: any Sendable
        var read: @Sendable () -> [(label: String?, value: Double)]
    }

    /// Every name starts with this.
    public let prefix: String
    private let families = Mutex<[String: Family]>([:])

    public init(prefix: String = "nightjar_") { self.prefix = prefix }

    /// The count `name`, for instance `packets_received_total`. Asking again gives the same one.
    public func count(_ name: String, help: String) -> Count {
        family(name, help, "counter", nil, make: Count.init) { count in { [(nil, Double(count.current))] } }
    }

    /// Counts `name` by the cases of `values`, as the label `label`.
    public func count<Label: MetricLabel>(
        _ name: String, by label: String, _ values: Label.Type, help: String
    ) -> LabelledCount<Label> {
        family(name, help, "counter", label, make: LabelledCount<Label>.init) { count in
            { Label.allCases.map { ($0.rawValue, Double(count.current($0))) } }
        }
    }

    /// The gauge `name`.
    public func gauge(_ name: String, help: String) -> Gauge {
        family(name, help, "gauge", nil, make: Gauge.init) { gauge in { [(nil, gauge.current)] } }
    }

    /// The gauge `name`, whose value is asked for when the counts are read; `read` must return at once.
    public func gauge(_ name: String, help: String, read: @escaping @Sendable () -> Double) {
        _ = family(name, help, "gauge", nil, make: Gauge.init) { _ in { [(nil, read())] } }
    }

    /// Every value now, by name.
    public func snapshot() -> [MetricSample] {
        ordered().flatMap { name, family in
            family.read().map { label, value in
                MetricSample(
                    name: prefix + name,
                    label: label.map { MetricSampleLabel(name: family.label ?? "", value: $0) }, value: value)
            }
        }
    }

    /// Every value now in Prometheus' text form, version 0.0.4.
    public func exposition() -> String {
        var text = ""
        for (name, family) in ordered() {
            let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
            text += "# HELP \(prefix)\(name) \(help)\n# TYPE \(prefix)\(name) \(family.kind)\n"
            for (label, value) in family.read() {
                let labels = label.map { "{\(family.label ?? "")=\"\($0)\"}" } ?? ""
                text += "\(prefix)\(name)\(labels) \(Self.spell(value))\n"
            }
        }
        return text
    }

    private func ordered() -> [(String, Family)] {
        // Read outside of the lock: what is asked for a value may itself count something.
        families.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func family<Object: Sendable>(
        _ name: String, _ help: String, _ kind: String, _ label: String?, make: () -> Object,
        read: (Object) -> @Sendable () -> [(label: String?, value: Double)]
    ) -> Object {
        precondition(Self.isName(prefix + name), "'\(name)' is not a name for a metric")
        return families.withLock { families in
            if let family = families[name] {
                guard let object = family.object as? Object else {
                    preconditionFailure("the metric '\(name)' is of two kinds")
                }
                return object
            }
            let object = make()
            families[name] = Family(help: help, kind: kind, label: label, object: object, read: read(object))
            return object
        }
    }

    static func isName(_ name: String) -> Bool {
        guard let first = name.first, first.isASCII, first.isLetter || first == "_" else { return false }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    private static func spell(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        if value.isNaN { return "NaN" }
        return value.isInfinite ? (value > 0 ? "+Inf" : "-Inf") : String(value)
    }
}
