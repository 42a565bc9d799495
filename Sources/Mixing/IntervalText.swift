// The short spelling of a length of time in descriptors and messages: a whole number and one unit.

public import WireFormat

extension Interval {
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// The length in the largest unit that divides it: `7d`, `48h`, `30m`, `90s`, `1500ms`.
    public var shortText: String {
        for unit in Self.units where milliseconds % unit.milliseconds == 0 && milliseconds != 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
        }
        return "0s"
    }

    /// Reads a whole number of at most 15 digits followed by `d`, `h`, `m`, `s` or `ms`; nil for anything else.
    public init?(shortText text: some StringProtocol) {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }.count
        guard (1...15).contains(digits), let count = Int64(String(text.prefix(digits))) else { return nil }
        let suffix = String(text.dropFirst(digits))
        guard let unit = Self.units.first(where: { $0.suffix == suffix }) else { return nil }
        self = .milliseconds(unit.milliseconds) * count
    }
}
