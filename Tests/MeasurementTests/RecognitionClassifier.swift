// A node that wants to know probes when it sees them: everything that it sees, alone and in pairs.

import Foundation
import TestSupport
import WireFormat

/// Naive Bayes over features and pairs of features, told what is a probe on the first half of what a node saw, and judged on
/// the second.
struct RecognitionClassifier {
    /// How well probes were told from other packets.
    struct Verdict: CustomStringConvertible {
        /// The chance that a probe looks more like one than another packet does: a half for who knows nothing.
        var area: Double
        var error: Double
        var probes, others: Int
        /// Standard deviations from chance.
        var score: Double { (area - 0.5) / error }
        var low: Double { area - 1.96 * error }
        var high: Double { area + 1.96 * error }

        var description: String {
            String(
                format: "area %.3f (%.3f to %.3f), %.1f sigma, %d probes and %d others judged", area, low, high, score,
                probes, others)
        }
    }

    /// Values of each feature for each sight.
    private static func features(_ sights: [Sight]) -> [[Int]] {
        func gaps(_ key: (Sight) -> [Int]) -> [Double?] {
            var last: [[Int]: Timestamp] = [:]
            return sights.map { sight in
                defer { last[key(sight)] = sight.at }
                return last[key(sight)].map { (sight.at - $0).inSeconds }
            }
        }
        let following = zip(sights, sights.dropFirst()).map { ($1.at - $0.at).inSeconds as Double? } + [nil]
        var columns: [[Int]] = [
            sights.map(\.previous), sights.map(\.next), sights.map(\.size),
            sights.map { $0.prefix.reduce(0) { $0 &* 256 &+ Int($1) } },
            bins(sights.map { Double($0.delay) }, 10),
            bins(gaps { _ in [] }, 8), bins(gaps { [$0.previous] }, 8), bins(gaps { [$0.next] }, 8),
            bins(gaps { [$0.previous, $0.next] }, 8), bins(following, 8),
            // The clock: a planner with ticks shows at the same places of them.
            sights.map { Int($0.at.milliseconds % 300_000) / 37_500 },
            sights.map { Int($0.at.milliseconds % 3_600_000) / 450_000 },
        ]
        for place in 0..<(sights.first?.bytes.count ?? 0) { columns.append(sights.map { Int($0.bytes[place]) >> 4 }) }
        return sights.indices.map { row in columns.map { $0[row] } }
    }

    /// Which of `count` equal parts of all values each is in; -1 for none.
    private static func bins(_ values: [Double?], _ count: Int) -> [Int] {
        let sorted = values.compactMap { $0 }.sorted()
        guard !sorted.isEmpty else { return values.map { _ in -1 } }
        let limits = (1..<count).map { sorted[$0 * sorted.count / count] }
        return values.map { value in value.map { value in limits.count { $0 <= value } } ?? -1 }
    }

    private struct Cell: Hashable {
        var first, second: Int
        var values: [Int]
    }

    static func judge(_ sights: [Sight], columns: [Int]? = nil) -> Verdict {
        let all = features(sights)
        let rows = columns.map { columns in all.map { row in columns.map { row[$0] } } } ?? all
        let half = rows.count / 2
        var tables: [Cell: (probes: Double, others: Double)] = [:]
        let width = rows.first?.count ?? 0
        func cells(_ row: [Int]) -> [Cell] {
            var cells: [Cell] = []
            for first in 0..<width {
                cells.append(Cell(first: first, second: first, values: [row[first]]))
                for second in (first + 1)..<max(width, first + 1) {
                    cells.append(Cell(first: first, second: second, values: [row[first], row[second]]))
                }
            }
            return cells
        }
        var (probes, others) = (0.0, 0.0)
        for index in 0..<half {
            if sights[index].isProbe { probes += 1 } else { others += 1 }
            for cell in cells(rows[index]) {
                if sights[index].isProbe {
                    tables[cell, default: (0, 0)].probes += 1
                } else {
                    tables[cell, default: (0, 0)].others += 1
                }
            }
        }
        var scores: [(score: Double, isProbe: Bool)] = []
        for index in half..<rows.count {
            var score = 0.0
            for cell in cells(rows[index]) {
                let seen = tables[cell] ?? (0, 0)
                // As if some of both had been seen before, alike: what was seen once proves nothing.
                let share = probes / max(probes + others, 1)
                score += log((seen.probes + 4 * share) / (seen.others + 4 * (1 - share)))
            }
            scores.append((score, sights[index].isProbe))
        }
        return verdict(scores)
    }

    /// The area under the curve, with the error of Hanley and McNeil.
    private static func verdict(_ scores: [(score: Double, isProbe: Bool)]) -> Verdict {
        let sorted = scores.sorted { $0.score < $1.score }
        var rankSum = 0.0
        var index = 0
        while index < sorted.count {
            var end = index
            while end < sorted.count, sorted[end].score == sorted[index].score { end += 1 }
            let rank = Double(index + end + 1) / 2
            rankSum += rank * Double(sorted[index..<end].count { $0.isProbe })
            index = end
        }
        let probes = Double(scores.count { $0.isProbe })
        let others = Double(scores.count) - probes
        let area = (rankSum - probes * (probes + 1) / 2) / (probes * others)
        let one = area / (2 - area) - area * area
        let two = 2 * area * area / (1 + area) - area * area
        let variance = (area * (1 - area) + (probes - 1) * one + (others - 1) * two) / (probes * others)
        return Verdict(
            area: area, error: max(variance, 1e-9).squareRoot(), probes: Int(probes), others: Int(others))
    }
}

/// Looks for a rhythm in the times at which packets come between the same neighbours.
enum RhythmSearch {
    /// The strongest rhythm, of periods from 5 minutes to 6 hours: how many standard deviations it is above what chance gives,
    /// over all pairs of neighbours together or among all packets, and its period in seconds.
    static func strongest(_ sights: [Sight]) -> (score: Double, period: Double) {
        guard let first = sights.first, let last = sights.last else { return (0, 0) }
        let length = (last.at - first.at).inSeconds
        var series: [[Int]: [Double]] = [:]
        for sight in sights {
            series[[sight.previous, sight.next], default: []].append((sight.at - first.at).inSeconds)
        }
        let all = series.values.filter { $0.count >= 6 }
        var best = (score: 0.0, period: 0.0)
        guard length > 0, !all.isEmpty else { return best }
        var frequency = 1 / 21_600.0
        while frequency < 1 / 300.0 {
            var power = 0.0
            for times in all {
                var (x, y) = (0.0, 0.0)
                for time in times {
                    let phase = 2 * Double.pi * frequency * time
                    x += cos(phase)
                    y += sin(phase)
                }
                power += (x * x + y * y) / Double(times.count)
            }
            // Without a rhythm each pair's power is exponential with mean 1.
            let score = (power - Double(all.count)) / Double(all.count).squareRoot()
            if score > best.score { best = (score, 1 / frequency) }
            frequency += 0.5 / length
        }
        return best
    }
}
