/// What people are told of a reliability: the interval in whole percent, and a letter. A figure such as 99.43 % from
/// a hundred samples would say more than is known.
public struct Band: Hashable, Sendable {
    /// Whole percent, rounded away from the estimate; nil if it is not measured.
    public let low, high: Int?
    /// `A` from 98 %, `B` from 95 %, `C` from 90 %, `D` from 75 %, `E` from 50 %, `F` below, of the estimate itself;
    /// `-` if it is not measured.
    public let letter: Character

    public init(_ estimate: Estimate?) {
        guard let estimate, estimate.low.isFinite, estimate.high.isFinite, estimate.value.isFinite else {
            (low, high, letter) = (nil, nil, "-")
            return
        }
        // A value that is a whole percent but for rounding of the floating point stays what it is.
        low = Int((min(max(estimate.low, 0), 1) * 100 + 1e-9).rounded(.down))
        high = Int((min(max(estimate.high, 0), 1) * 100 - 1e-9).rounded(.up))
        letter = Self.letters.first { estimate.value >= $0.from }?.letter ?? "F"
    }

    private static let letters: [(from: Double, letter: Character)] = [
        (0.98, "A"), (0.95, "B"), (0.90, "C"), (0.75, "D"), (0.50, "E"),
    ]

    /// `97-99 %`, `100 %`, or `not measured`.
    public var text: String {
        guard let low, let high else { return "not measured" }
        return low < high ? "\(low)-\(high) %" : "\(high) %"
    }
}
