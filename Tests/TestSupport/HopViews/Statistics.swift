// The little statistics that the tests of indistinguishability need. All bounds are for a probability of false alarm that
// the caller divides by the number of things that it looks at.

internal import Glibc

public enum Statistics {
    /// What a standard normal variable exceeds with probability `p`: an asymptotic form, good for p below a thousandth.
    public static func normalBound(_ p: Double) -> Double {
        let twice = -2 * log(p)
        return (twice - log(twice) - log(2 * Double.pi)).squareRoot()
    }

    /// How unlike the rows of a table of counts are: chi-square of homogeneity, turned into a standard normal variable by
    /// the approximation of Wilson and Hilferty. Columns that are empty in all rows count for nothing; 0 if one is left.
    public static func homogeneity(_ rows: [[Int]]) -> Double {
        let columns = rows.map(\.count).max() ?? 0
        var table = [Int32](repeating: 0, count: rows.count * columns)
        for (row, counts) in rows.enumerated() {
            for (column, count) in counts.enumerated() { table[row * columns + column] = Int32(count) }
        }
        return table.withUnsafeMutableBufferPointer {
            homogeneity($0.baseAddress, rows: rows.count, columns: columns, stride: columns)
        }
    }

    /// The same of counts in memory, rows `stride` apart.
    static func homogeneity(_ counts: UnsafeMutablePointer<Int32>?, rows: Int, columns: Int, stride: Int) -> Double {
        guard let counts, rows > 1 else { return 0 }
        var total = 0.0
        for row in 0..<rows { for column in 0..<columns { total += Double(counts[row * stride + column]) } }
        guard total > 0 else { return 0 }
        // sum of (seen - expected)^2 / expected = total * (sum of seen^2 / (row sum * column sum) - 1)
        var statistic = 0.0
        var used = 0
        var rowSums = [Double](repeating: 0, count: rows)
        for row in 0..<rows { for column in 0..<columns { rowSums[row] += Double(counts[row * stride + column]) } }
        for column in 0..<columns {
            var sum = 0.0
            for row in 0..<rows { sum += Double(counts[row * stride + column]) }
            guard sum > 0 else { continue }
            used += 1
            for row in 0..<rows where rowSums[row] > 0 {
                let seen = Double(counts[row * stride + column])
                statistic += seen * seen / (rowSums[row] * sum)
            }
        }
        let filled = rowSums.count { $0 > 0 }
        guard used > 1, filled > 1 else { return 0 }
        statistic = total * (statistic - 1)
        let freedom = Double((used - 1) * (filled - 1))
        let spread = 2 / (9 * freedom)
        return (cbrt(max(0, statistic) / freedom) - (1 - spread)) / spread.squareRoot()
    }

    /// The largest distance of the distributions of two samples (Kolmogorov, Smirnov).
    public static func distance(_ first: [Double], _ second: [Double]) -> Double {
        let (a, b) = (first.sorted(), second.sorted())
        guard !a.isEmpty, !b.isEmpty else { return 0 }
        var (i, j) = (0, 0)
        var largest = 0.0
        while i < a.count, j < b.count {
            let value = min(a[i], b[j])
            while i < a.count, a[i] == value { i += 1 }
            while j < b.count, b[j] == value { j += 1 }
            largest = max(largest, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
        }
        return largest
    }

    /// What `distance` of two samples of one distribution exceeds with probability `p`.
    public static func distanceBound(_ p: Double, _ first: Int, _ second: Int) -> Double {
        guard first > 0, second > 0 else { return 1 }
        return (-log(p / 2) / 2 * (1 / Double(first) + 1 / Double(second))).squareRoot()
    }
}
