internal import Glibc

/// A classifier of packets by what one hop sees of them: naive Bayes with normal distributions over histograms of bytes and
/// all fields, trained on one half of the flights and judged on the other.
struct HopClassifier {
    let shape: PacketShape
    /// Bytes that are features of their own, at the start of each part of the packet and at its end.
    private static let single = 48

    func findings(_ samples: [FlightSample]) -> [HopFinding] {
        let count = samples.map(\.flights.count).min() ?? 0
        guard samples.count > 1, count > 3 else { return [] }
        var models: [Model] = []
        for sample in samples { models.append(Model(sample.flights[..<(count / 2)].flatMap(features))) }
        var (right, chance, variance) = (0.0, 0.0, 0.0)
        let tests = samples.map { $0.flights[(count / 2)..<count].flatMap(features) }
        let total = Double(tests.reduce(0) { $0 + $1.count })
        // Whoever always says the commonest kind is right this often.
        let guess = Double(tests.map(\.count).max() ?? 0) / total
        for (kind, views) in tests.enumerated() {
            for view in views {
                let scores = models.map { $0.likelihood(view) }
                if scores.indices.max(by: { scores[$0] < scores[$1] }) == kind { right += 1 }
                chance += guess
                variance += guess * (1 - guess)
            }
        }
        let score = (right - chance) / variance.squareRoot()
        // The views of one flight share packets, so this deviation is some 1.3 times too small.
        guard score > 6 else { return [] }
        return [
            HopFinding(check: .classifier, detail: "right in \(Int(right)) of \(Int(total))", score: score, bound: 6)
        ]
    }

    /// The features of each hop before the last.
    private func features(_ flight: Flight) -> [[Double]] {
        flight.delays.indices.map { hop in
            let (entering, leaving) = (flight.packets[hop], flight.packets[hop + 1])
            var features = [log(Double(flight.delays[hop]) + 1), Double(flight.nexts[hop])]
            for packet in [entering, leaving] {
                features += histogram(packet[..<shape.header]) + histogram(packet[shape.header...])
                for start in [0, shape.routing, shape.header, shape.packet - Self.single] {
                    features += packet[start..<start + Self.single].map(Double.init)
                }
            }
            var same = [Double](repeating: 0, count: 2)
            for index in stride(from: shape.routing, to: shape.packet, by: 3) where entering[index] == leaving[index] {
                same[index < shape.header ? 0 : 1] += 1
            }
            return features + same
        }
    }

    private func histogram(_ bytes: ArraySlice<UInt8>) -> [Double] {
        var counts = [Int32](repeating: 0, count: 256)
        counts.withUnsafeMutableBufferPointer { counts in
            bytes.withUnsafeBufferPointer { bytes in
                var index = 0
                while index < bytes.count {
                    counts[Int(bytes[index])] &+= 1
                    index &+= 1
                }
            }
        }
        return counts.map(Double.init)
    }

    /// Mean and variance of each feature of one kind.
    private struct Model {
        var means: [Double]
        var variances: [Double]

        init(_ views: [[Double]]) {
            let size = views.first?.count ?? 0
            means = .init(repeating: 0, count: size)
            variances = .init(repeating: 0, count: size)
            for view in views { for index in 0..<size { means[index] += view[index] / Double(views.count) } }
            for view in views {
                for index in 0..<size {
                    let away = view[index] - means[index]
                    variances[index] += away * away / Double(views.count)
                }
            }
            // A feature that never changed in training may still change a little.
            for index in 0..<size { variances[index] += 0.01 }
        }

        func likelihood(_ view: [Double]) -> Double {
            var sum = 0.0
            for index in 0..<view.count {
                let away = view[index] - means[index]
                sum -= away * away / variances[index] + log(variances[index])
            }
            return sum
        }
    }
}
