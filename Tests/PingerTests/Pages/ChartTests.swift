// What the pictures show is what the data say: marks by their places.

import Directory
import Measurement
import Pages
import Testing
import WireFormat

@testable import PingerProgram

@Suite struct ChartTests {
    /// Elements of a class with their attributes that are numbers.
    private func marks(_ html: HTML, _ style: String) -> [[String: Double]] {
        html.text.split(separator: "<").filter { $0.contains("class=\"\(style)\"") }.map { element in
            var found: [String: Double] = [:]
            for word in element.split(separator: ">")[0].split(separator: " ") {
                let parts = word.split(separator: "=")
                guard parts.count == 2 else { continue }
                found[String(parts[0])] = Double(parts[1].filter { $0 != "\"" && $0 != "/" })
            }
            return found
        }
    }

    @Test func reliabilityIsWhereItBelongs() throws {
        let history = [
            DayFacts(day: 100, reliability: 980, low: 960, high: 990, samples: 90),
            DayFacts(day: 98, reliability: 900, low: 850, high: 1000, samples: 90),
            DayFacts(day: 71, reliability: 1000, low: 990, high: 1000, samples: 90),
            // Out of the picture.
            DayFacts(day: 70, reliability: 10, low: 0, high: 20, samples: 90),
            DayFacts(day: 101, reliability: 10, low: 0, high: 20, samples: 90),
        ]
        let chart = HistoryChart(history, today: 100)
        #expect(chart.floor == 800)
        let dots = marks(chart.reliability, "c-value")
        // Oldest first; an axis from 800 at the bottom (130) to 1000 at the top (10): 0.6 for each thousandth.
        #expect(dots.map { $0["cx"] } == [55, 325, 345])
        #expect(dots.map { $0["cy"] } == [10, 70, 22])
        let bands = marks(chart.reliability, "c-band")
        #expect(bands.map { $0["x"] } == [51, 321, 341] && bands.map { $0["width"] } == [8, 8, 8])
        #expect(bands.map { $0["y"] } == [10, 10, 16] && bands.map { $0["height"] } == [6, 90, 18])
        #expect(marks(chart.reliability, "c-none").count == 27)
        #expect(chart.reliability.text.contains(">80 %</text>") && chart.reliability.text.contains(">90 %</text>"))
        #expect(chart.reliability.text.contains("Reliability on 3 of 30 days, between 85-100 %"))
        // A line only between days that follow each other.
        #expect(chart.reliability.text.contains("d=\"M55 10M325 70M345 22\""))
    }

    @Test(arguments: [(995, 900), (900, 900), (899, 800), (620, 500), (3, 0)])
    func theAxisTakesWhatThereIs(_ low: Int, _ floor: Int) {
        let chart = HistoryChart([DayFacts(day: 9, reliability: 999, low: low, high: 1000, samples: 40)], today: 9)
        #expect(chart.floor == floor)
    }

    @Test func latencyIsWhereItBelongs() {
        let chart = HistoryChart(
            [
                DayFacts(day: 5, samples: 90, latency: .seconds(300)),
                DayFacts(day: 4, samples: 90, latency: .seconds(601)),
                DayFacts(day: 3, samples: 90, latency: .zero),
            ], today: 5)
        #expect(chart.ceiling == 1200)
        let bars = marks(chart.latency, "c-lat")
        #expect(bars.map { $0["x"] } == [322, 332, 342])
        #expect(bars.map { $0["y"] } == [128, 70, 100] && bars.map { $0["height"] } == [2, 60, 30])
        #expect(chart.latency.text.contains(">20 min</text>") && chart.latency.text.contains(">10 min</text>"))
    }

    @Test func barsShowTheInterval() {
        func bar(_ low: Double, _ high: Double) -> HTML {
            IntervalBar.html(Estimate(value: (low + high) / 2, low: low, high: high, samples: 90))
        }
        #expect(marks(bar(0.97, 0.99), "b-good")[0] == ["x": 94, "y": 2, "width": 4, "height": 10])
        #expect(marks(bar(0.6, 0.8), "b-bad")[0] == ["x": 20, "y": 2, "width": 40, "height": 10])
        #expect(marks(bar(1, 1), "b-good")[0] == ["x": 97, "y": 2, "width": 3, "height": 10])
        #expect(marks(bar(0.9, 0.94), "b-fair").count == 1 && !bar(0.6, 0.8).text.contains("b-more"))
        #expect(marks(bar(0.1, 0.2), "b-bad")[0] == ["x": 0, "y": 2, "width": 3, "height": 10])
        #expect(bar(0.1, 0.2).text.contains("b-more"))
    }

    /// Every link is in its cell, with a mark that says what was lost.
    @Test(arguments: ["blind", "usual", "sixty", "large"])
    func everyLinkHasItsCell(_ stage: String) throws {
        let facts = try PingerPagesTests.facts(stage)
        let matrix = LinkMatrix(facts: facts)
        #expect(matrix.nodes.count == min(facts.nodes.count, LinkMatrix.mostNodes))
        let text = matrix.html.text
        // What a mark is called, by the mark.
        let cells = Dictionary(
            text.split(separator: "\n").compactMap { line in
                let parts = line.split(separator: "<title>")
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }, uniquingKeysWith: { first, _ in first })
        var styles: [String: Int] = [:]
        for (row, from) in matrix.nodes.enumerated() {
            for (column, to) in matrix.nodes.enumerated() where from != to {
                guard let result = facts.analysis.links[NodeLink(from: from, to: to)] else {
                    styles["l-none", default: 0] += 1
                    continue
                }
                let mark = LinkMark(result)
                styles[mark.style, default: 0] += 1
                let (x, y) = matrix.middle(row: row, column: column)
                #expect(x == LinkMatrix.left + column * matrix.pitch + matrix.pitch / 2)
                #expect(y == LinkMatrix.top + row * matrix.pitch + matrix.pitch / 2)
                let words = "\(Coarse.linkRange(result.arrived)) arrived, \(Coarse.linkRange(result.lost)) lost"
                let at = mark.drawing(x, y, matrix.pitch, "<title>").text.split(separator: "<title>")[0]
                #expect(cells[at]?.contains(words) == true, "\(facts.label(from)) to \(facts.label(to))")
            }
        }
        for (style, count) in styles {
            // And one in the key.
            #expect(text.split(separator: "class=\"\(style)\"").count - 1 == count + 1, "\(style)")
        }
        #expect(text.utf8.count < 700_000)
    }

    @Test func marksByLoss() {
        func mark(_ arrived: Int, _ lost: Int, isBroken: Bool = false) -> LinkMark {
            LinkMark(LinkResult(arrived: arrived, lost: lost, estimate: nil, isBroken: isBroken))
        }
        #expect(mark(0, 0) == .untested && mark(9, 0) == .few && mark(1, 3) == .few && mark(10, 0) == .none)
        #expect(mark(99, 1) == .some && mark(90, 10) == .many && mark(70, 30) == .many && mark(69, 31) == .most)
        #expect(mark(0, 9, isBroken: true) == .broken && mark(0, 10) == .most)
    }
}
