// The rule by which a node lets packets go, as its configuration and its descriptor spell it.

public import WireFormat

/// A mixing rule with its parameters. Under each of them a packet leaves at most its cap after it came.
public enum MixStrategy: Hashable, Sendable {
    /// Release at the time that the sender chose, at most `cap` after arrival.
    case poisson(cap: Interval)
    /// Every `interval` a random batch leaves: of N packets, `percent` of a hundred, but so that `minimum` stay behind.
    /// A packet whose `cap` would pass before the next batch is part of this one.
    case timedDynamicPool(interval: Interval, minimum: Int, percent: Int, cap: Interval)
    /// All packets leave in random order once `count` are in, or when one has waited for `bound`. For study.
    case threshold(count: Int, bound: Interval)

    /// `poisson` with the cap of 30 min.
    public static let standard = MixStrategy.poisson(cap: .minutes(30))

    /// The longest that a packet stays.
    public var cap: Interval {
        switch self {
        case .poisson(let cap), .timedDynamicPool(_, _, _, let cap), .threshold(_, let cap): cap
        }
    }
}

/// What is wrong with the text of a strategy; `description` is for people.
public enum MixStrategyError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownName(String)
    case unknownParameter(String, strategy: String)
    case repeatedParameter(String)
    case badValue(String, parameter: String, wanted: String)

    public var description: String {
        switch self {
        case .unknownName(let name):
            "there is no mixing strategy '\(name)'; use poisson, timed-dynamic-pool or threshold"
        case .unknownParameter(let name, let strategy): "the strategy \(strategy) has no parameter '\(name)'"
        case .repeatedParameter(let name): "the parameter '\(name)' is given twice"
        case .badValue(let value, let parameter, let wanted):
            "'\(value)' is no value for '\(parameter)'; give \(wanted)"
        }
    }
}

extension MixStrategy: CustomStringConvertible {
    /// The one canonical form, with every parameter named:
    /// `poisson cap=30m`, `timed-dynamic-pool interval=1m minimum=20 percent=60 cap=30m`, `threshold count=5 bound=1m`.
    public var description: String {
        switch self {
        case .poisson(let cap): "poisson cap=\(cap.shortText)"
        case .timedDynamicPool(let interval, let minimum, let percent, let cap):
            "timed-dynamic-pool interval=\(interval.shortText) minimum=\(minimum) percent=\(percent) cap=\(cap.shortText)"
        case .threshold(let count, let bound): "threshold count=\(count) bound=\(bound.shortText)"
        }
    }

    /// Reads the form that `description` writes, with the parameters in any order; what is left out takes its default.
    public init(parsing text: some StringProtocol) throws(MixStrategyError) {
        let words = String(text).split(separator: " ").map { String($0) }
        var parameters = try Parameters(words.dropFirst(), strategy: words.first ?? "")
        switch words.first ?? "" {
        case "poisson":
            self = .poisson(cap: try parameters.interval("cap", default: .minutes(30)))
        case "timed-dynamic-pool":
            self = .timedDynamicPool(
                interval: try parameters.interval("interval", default: .minutes(1)),
                minimum: try parameters.count("minimum", in: 0...Self.largestCount, default: 20),
                percent: try parameters.count("percent", in: 1...100, default: 60),
                cap: try parameters.interval("cap", default: .minutes(30)))
        case "threshold":
            self = .threshold(
                count: try parameters.count("count", in: 1...Self.largestCount, default: 20),
                bound: try parameters.interval("bound", default: .minutes(30)))
        default:
            throw .unknownName(words.first ?? "")
        }
        try parameters.finish()
    }

    /// Reads the canonical form and nothing else, as descriptors need it.
    public init?(canonical text: some StringProtocol) {
        guard let strategy = try? MixStrategy(parsing: text), strategy.description == text else { return nil }
        self = strategy
    }

    /// Most packets that a parameter may name: more than any pool holds.
    static let largestCount = 1_000_000
}

/// The `name=value` words of a strategy.
private struct Parameters {
    private var values: [String: String] = [:]
    private let strategy: String

    init(_ words: some Sequence<String>, strategy: String) throws(MixStrategyError) {
        self.strategy = strategy
        for word in words {
            guard let equals = word.firstIndex(of: "=") else {
                throw .unknownParameter(word, strategy: strategy)
            }
            let name = String(word[..<equals])
            guard values.updateValue(String(word[word.index(after: equals)...]), forKey: name) == nil else {
                throw .repeatedParameter(name)
            }
        }
    }

    mutating func interval(_ name: String, default standard: Interval) throws(MixStrategyError) -> Interval {
        guard let text = values.removeValue(forKey: name) else { return standard }
        guard let value = Interval(shortText: text), value > .zero, value <= .days(7) else {
            throw .badValue(text, parameter: name, wanted: "a time such as 500ms, 30s, 10m or 2h, at most 7d")
        }
        return value
    }

    mutating func count(
        _ name: String, in range: ClosedRange<Int>, default standard: Int
    ) throws(MixStrategyError) -> Int {
        guard let text = values.removeValue(forKey: name) else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw .badValue(
                text, parameter: name, wanted: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func finish() throws(MixStrategyError) {
        if let left = values.keys.min() { throw .unknownParameter(left, strategy: strategy) }
    }
}
