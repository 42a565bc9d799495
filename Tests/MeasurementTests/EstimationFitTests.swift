import Foundation
import TestSupport
import Testing
import WireFormat

@testable import Measurement

/// The fit itself: it climbs, and ends where there is no way up.
@Suite("Estimation: fit")
struct EstimationFitTests {
    private let now = Timestamp(seconds: 1_795_242_000)

    private func evidence(using random: inout SeededRandom) -> Evidence {
        var network = EstimationNetwork(nodes: 8, loss: 0.03, using: &random)
        network.relayLoss[2] = 0.3
        network.relayLoss[5] = 1
        network.linkLoss[network.link(0, 1)] = 1
        let table = network.probes(800, within: .hours(5), until: now, using: &random)
        let settings = EstimationSettings()
        let observations = Observations(table, settings: settings, now: now)
        let travel = TravelTimes(
            table, observations, added: AddedLatency(table, observations, settings), settings: settings)
        return Evidence(table, observations, PathTerms(table, observations, settings), travel, settings)
    }

    @Test("the likelihood never falls, and at the end no term can raise it")
    func climbs() {
        var random = SeededRandom(name: "climbs")
        for _ in 0..<5 {
            let evidence = evidence(using: &random)
            let isFree = (0..<evidence.termCount).map { !evidence.failures($0).isEmpty }
            // From anywhere, also from where nothing is lost.
            let start = isFree.map { $0 ? Double.random(in: 0.001..<1, using: &random) : 0 }
            var fit = TermFit(
                evidence, values: start, costs: isFree.map { _ in 0.25 }, isFree: isFree)
            var before = fit.objective
            for _ in 0..<60 {
                fit.run(limit: 1)
                let after = fit.objective
                #expect(after >= before - 1e-9 * abs(before))
                before = after
            }
            #expect(fit.run(limit: 5000, tolerance: 1e-9) <= 5000)
            for term in isFree.indices where isFree[term] {
                let (slope, curvature) = fit.slope(term)
                #expect(fit.values[term] >= 0)
                if fit.values[term] > 1e-9 {
                    #expect(slope * slope <= 1e-6 * max(curvature, 1e-9), "term \(term)")
                } else {
                    #expect(slope <= 1e-3 * max(1, curvature.squareRoot()), "term \(term)")
                }
            }
            // Another start ends as high.
            var other = TermFit(
                evidence, values: isFree.map { $0 ? 0.02 : 0 }, costs: isFree.map { _ in 0.25 }, isFree: isFree)
            other.run(limit: 5000, tolerance: 1e-9)
            #expect(abs(other.objective - fit.objective) < 1e-3)
        }
    }

    @Test("arrivals among probes that were watched for some time only, as counted by hand")
    func kaplanMeier() throws {
        var curve = KaplanMeier()
        curve.arrived(after: .minutes(5))
        curve.watched(until: .minutes(8))
        curve.arrived(after: .minutes(30))
        curve.watched(until: .hours(6))
        // 1 of 4; of 2 left 1: 1 - 3/4 * 1/2.
        let shares = try #require(curve.shares)
        #expect(abs(shares.tenMinutes - 0.25) < 1e-12)
        #expect(abs(shares.hour - 0.625) < 1e-12)
        #expect(shares.sixHours == shares.hour && shares.day == shares.hour && shares.samples == 4)
        #expect(KaplanMeier().shares == nil)
        var edge = KaplanMeier()
        edge.arrived(after: .minutes(10))
        edge.arrived(after: .minutes(10) + .milliseconds(1))
        #expect(edge.shares?.tenMinutes == 0.5)
        edge.arrived(after: .days(400))
        edge.watched(until: .seconds(-5))
        #expect(edge.shares?.samples == 4)
    }

    @Test("bands say no more than is known")
    func bands() {
        func band(_ value: Double, _ low: Double, _ high: Double) -> Band {
            Band(Estimate(value: value, low: low, high: high, samples: 100))
        }
        #expect(band(0.983, 0.9712, 0.9891).text == "97-99 %")
        #expect(band(0.983, 0.9712, 0.9891).letter == "A")
        #expect(band(0.97, 0.97, 0.99).text == "97-99 %")
        #expect(band(0.9943, 0.9901, 0.9999).text == "99-100 %")
        #expect(band(1, 1, 1).text == "100 %")
        #expect(band(0.001, 0, 0.004).text == "0-1 %")
        #expect(band(0.001, 0, 0.004).letter == "F")
        #expect(Band(nil).text == "not measured")
        #expect(band(.nan, 0, 1).text == "not measured")
    }
}
