// Lets libraries that speak to swift-metrics count into our `Counters`. Their dimensions are left out: a library may put
// anything into them, a peer's address for one.

public import Metrics
internal import Synchronization

/// A backend of swift-metrics: `MetricsSystem.bootstrap(CountersFactory(counters))`.
public struct CountersFactory: MetricsFactory {
    private let counters: Counters
    /// Names that libraries may bring; further ones are counted nowhere.
    private let names = Names()

    /// Most names that libraries may bring.
    public static let mostNames = 256

    public init(_ counters: Counters) { self.counters = counters }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let name = name(label, suffix: "_total")
        return CountHandler(count: name.map { counters.count($0, help: "from a library: \(label)") } ?? Count())
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        GaugeHandler(gauge: gauge(label, suffix: "_sum"))
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        GaugeHandler(gauge: gauge(label, suffix: ""))
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let handler = SumHandler(count: count(label), sum: gauge(label, suffix: "_sum"))
        return aggregate ? handler : GaugeHandler(gauge: gauge(label, suffix: ""))
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        SumHandler(count: count(label), sum: gauge(label, suffix: "_nanoseconds_sum"))
    }

    // Series stay, as they do everywhere in `Counters`.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func count(_ label: String) -> Count {
        name(label, suffix: "_count").map { counters.count($0, help: "from a library: \(label)") } ?? Count()
    }

    private func gauge(_ label: String, suffix: String) -> Gauge {
        name(label, suffix: suffix).map { counters.gauge($0, help: "from a library: \(label)") } ?? Gauge()
    }

    private func name(_ label: String, suffix: String) -> String? {
        let clean = label.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        let name = "library_" + String(clean.prefix(100)) + suffix
        return names.admit(name, most: Self.mostNames) ? name : nil
    }
}

private final class Names: Sendable {
    private let known = Mutex<Set<String>>([])

    func admit(_ name: String, most: Int) -> Bool {
        known.withLock { known in
            if known.contains(name) { return true }
            guard known.count < most else { return false }
            known.insert(name)
            return true
        }
    }
}

private final class CountHandler: CounterHandler {
    private let count: Count
    init(count: Count) { self.count = count }
    func increment(by amount: Int64) { count.increment(by: Int(amount)) }
    /// Counts only grow.
    func reset() {}
}

private final class GaugeHandler: FloatingPointCounterHandler, MeterHandler, RecorderHandler {
    private let gauge: Gauge
    init(gauge: Gauge) { self.gauge = gauge }
    func increment(by amount: Double) { gauge.add(amount) }
    func decrement(by amount: Double) { gauge.add(-amount) }
    func set(_ value: Int64) { gauge.set(Double(value)) }
    func set(_ value: Double) { gauge.set(value) }
    func record(_ value: Int64) { gauge.set(Double(value)) }
    func record(_ value: Double) { gauge.set(value) }
    func reset() { gauge.set(0.0) }
}

private final class SumHandler: RecorderHandler, TimerHandler {
    private let count: Count
    private let sum: Gauge

    init(count: Count, sum: Gauge) {
        self.count = count
        self.sum = sum
    }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
        count.increment()
        sum.add(value)
    }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration)) }
}
