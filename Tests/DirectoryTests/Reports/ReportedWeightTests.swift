import Directory
import TestSupport
import Testing
import WireFormat

/// What measurements do to a node's weight in the consensus.
@Suite("Weight by latency")
struct ReportedWeightTests {
    /// The weights of nodes with these measurements, which all authorities say alike, in a network with twice as many
    /// good ones: no brake acts (`MeasurementBrakeTests`).
    private static func weights(_ measurements: [NodeMeasurement?], days: Int64 = 20) throws -> [Int] {
        let ballot = try Ballot.of(4)
        let good = [NodeMeasurement?](repeating: measured(.zero), count: measurements.count * 2)
        let nodes = try (measurements + good).enumerated().map { index, measurement in
            try Ballot.node(index + 1) { node in
                node.measurement = measurement
                node.since = Ballot.start - .days(days)
            }
        }
        return try ballot.tally(ballot.votes { _ in nodes }).nodes.prefix(measurements.count).map(\.weight)
    }

    private static func measured(_ latency: Interval?, _ reliability: Int = 1000) -> NodeMeasurement {
        NodeMeasurement(reliability: reliability, latency: latency, samples: 100)
    }

    @Test("up to ten minutes all is well; from there it falls evenly to a tenth at an hour, and no further")
    func latency() throws {
        let minutes: [Int64] = [0, 1, 10, 35, 60, 61, 14_400]
        #expect(
            try Self.weights(minutes.map { Self.measured(.minutes($0)) }) == [100, 100, 100, 55, 10, 10, 10])
        #expect(try Self.weights([Self.measured(nil), Self.measured(.minutes(35), 740), nil]) == [100, 27, 50])
        #expect(try Self.weights([Self.measured(.minutes(60), 500), Self.measured(.days(10), 0)], days: 0) == [1, 1])
    }

    @Test("never is a node better off for being slower, less reliable or younger", arguments: 0..<5)
    func monotony(seed: Int) throws {
        var generator = SeededRandom(name: "weights \(seed)")
        let reliability = Int.random(in: 500...1000, using: &generator)
        let latency = Interval.seconds(Int64.random(in: 0...5000, using: &generator))
        let slower = try Self.weights(
            (0..<400).map { Self.measured(.seconds($0 * 10), reliability) },
            days: .random(in: 0...20, using: &generator))
        #expect(zip(slower, slower.dropFirst()).allSatisfy { $0 >= $1 })
        let better = try Self.weights((0..<200).map { Self.measured(latency, $0 * 5) })
        #expect(zip(better, better.dropFirst()).allSatisfy { $0 <= $1 })
        let older = try (0..<16).map { try Self.weights([Self.measured(latency, reliability)], days: $0)[0] }
        #expect(zip(older, older.dropFirst()).allSatisfy { $0 <= $1 })
        #expect((slower + better + older).allSatisfy { (1...100).contains($0) })
    }
}
