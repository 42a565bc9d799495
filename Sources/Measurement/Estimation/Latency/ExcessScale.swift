/// Groups of excess times (how much longer a packet took than its hops were asked to hold it): a quarter of a second
/// wide near zero, a sixteenth of the time itself further out, on both sides of zero.
enum ExcessScale {
    private static let half = 320
    static let count = 2 * half
    /// Quarters of a second.
    private static let unit: Float = 4
    /// Mantissa bits that are left away, of 23: 16 groups for each doubling.
    private static let shift: UInt32 = 19

    static func group(_ seconds: Float) -> Int {
        let bits = (1 + abs(seconds) * unit).bitPattern >> shift
        let distance = min(Int(bits) - (127 << 4), half - 1)
        return seconds < 0 ? half - 1 - distance : half + distance
    }

    /// The least excess of a group, in seconds; for the one after the last too.
    static func begin(_ group: Int) -> Double {
        func edge(_ distance: Int) -> Double {
            Double((Float(bitPattern: UInt32(distance + (127 << 4)) << shift) - 1) / unit)
        }
        return group >= half ? edge(group - half) : -edge(half - group)
    }

    /// Where half of the weight lies below; nil of nothing.
    static func median(_ weights: UnsafeBufferPointer<Double>) -> Double? {
        quantile(0.5, of: weights)
    }

    static func quantile(_ part: Double, of weights: UnsafeBufferPointer<Double>) -> Double? {
        var total = 0.0
        for weight in weights { total += weight }
        guard total > 0 else { return nil }
        var rest = total * part
        for (group, weight) in weights.enumerated() where weight > 0 {
            guard rest > weight else {
                let (low, high) = (begin(group), begin(group + 1))
                return low + (high - low) * rest / weight
            }
            rest -= weight
        }
        return begin(weights.count)
    }
}
