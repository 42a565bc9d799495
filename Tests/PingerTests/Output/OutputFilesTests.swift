import Directory
import Foundation
import Measurement
import Testing
import WireFormat

@testable import PingerProgram

/// The files for programs.
@Suite struct OutputFilesTests {
    private func file(_ name: String, _ stage: String) throws -> String {
        let file = try #require(PingerStage.files[stage]?.first { $0.name == name })
        return String(decoding: file.bytes, as: UTF8.self)
    }

    /// Rows of fields, as RFC 4180 has them; nil if it is anything else.
    private func rows(_ text: String) -> [[String]]? {
        var rows: [[String]] = []
        var row: [String] = []
        var field = ""
        var isQuoted = false
        var rest = Array(text.unicodeScalars)[...]
        func next() -> Unicode.Scalar? { rest.popFirst() }
        while let scalar = next() {
            if isQuoted {
                if scalar != "\"" {
                    field.unicodeScalars.append(scalar)
                } else if rest.first == "\"" {
                    field += "\""
                    _ = next()
                } else {
                    isQuoted = false
                }
            } else if scalar == "\"" {
                guard field.isEmpty else { return nil }
                isQuoted = true
            } else if scalar == "," || scalar == "\r" {
                row.append(field)
                field = ""
                guard scalar == "\r" else { continue }
                guard next() == "\n" else { return nil }
                rows.append(row)
                row = []
            } else if scalar == "\n" {
                return nil
            } else {
                field.unicodeScalars.append(scalar)
            }
        }
        return field.isEmpty && row.isEmpty && !isQuoted ? rows : nil
    }

    @Test(arguments: PingerStage.all.map(\.name))
    func namesAreOnesOwn(_ stage: String) throws {
        let facts = try #require(PingerStage.all.first { $0.name == stage }?.facts)
        let files = try #require(PingerStage.files[stage])
        #expect(Set(files.map(\.name)).count == files.count)
        #expect(
            Set(files.map(\.name)).isSuperset(of: [
                "index.html", "links.html", "measurements.json", "nodes.csv", "links.csv", "history.csv", "mlist.txt",
                "rlist.txt", "mlist2.txt", "rlist2.txt",
            ]))
        let pages = files.map(\.name).filter { $0.hasPrefix("node/") }
        #expect(pages.count == facts.nodes.count)
        let pattern = try Regex("node/[A-Za-z0-9_-]{1,24}-[0-9a-f]{8}\\.html")
        for page in pages { #expect(try pattern.wholeMatch(in: page) != nil, "\(page)") }
        #expect(files.reduce(0) { $0 + $1.bytes.count } < 40_000_000)
    }

    @Test(arguments: PingerStage.all.map(\.name))
    func jsonHasAllKeysAlways(_ stage: String) throws {
        let facts = try #require(PingerStage.all.first { $0.name == stage }?.facts)
        let text = try file("measurements.json", stage)
        let parsed = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            Set(parsed.keys) == [
                "format", "version", "pinger", "software", "network", "test", "made", "analysed", "silence", "problems",
                "deadline_seconds", "window_seconds", "half_life_seconds", "minimum_samples", "first", "last", "probes",
                "within", "nodes", "links",
            ])
        #expect(parsed["format"] as? String == "nightjar-measurements" && parsed["version"] as? Int == 1)
        #expect(parsed["network"] as? String == facts.network && parsed["silence"] as? String == facts.silence)
        #expect(parsed["problems"] as? [String] == facts.problems)
        let nodes = try #require(parsed["nodes"] as? [[String: Any]])
        #expect(nodes.map { $0["id"] as? String } == facts.nodes.map(\.hex))
        for (node, id) in zip(nodes, facts.nodes) {
            #expect(
                Set(node.keys) == [
                    "id", "nickname", "listed", "flags", "relay", "entry", "mailbox", "added_latency_seconds", "within",
                    "handshakes", "ahead", "deliveries", "duplicates", "damaged",
                ])
            #expect(node["nickname"] as? String == facts.nicknames[id])
            let relay = facts.analysis.nodes[id]?.relay
            #expect((node["relay"] is NSNull) == (relay == nil))
            guard let relay, relay.value.isFinite, let found = node["relay"] as? [String: Int] else { continue }
            let (low, value, high) = (
                try #require(found["low"]), try #require(found["permille"]), try #require(found["high"])
            )
            #expect(low <= value && value <= high && [low, value, high].allSatisfy { $0 % 5 == 0 })
            #expect(Double(low) <= relay.low * 1000 + 0.01 && Double(high) >= relay.high * 1000 - 0.01)
            #expect(found["samples"] == Coarse.samples(relay.samples))
        }
        let links = try #require(parsed["links"] as? [[String: Any]])
        #expect(links.count == facts.analysis.links.count)
        #expect(links.count { $0["broken"] as? Bool == true } == facts.analysis.brokenLinks.count)
    }

    @Test(arguments: PingerStage.all.map(\.name))
    func tablesAreTables(_ stage: String) throws {
        let facts = try #require(PingerStage.all.first { $0.name == stage }?.facts)
        let nodes = try #require(rows(try file("nodes.csv", stage)))
        #expect(nodes.count == facts.nodes.count + 1 && Set(nodes.map(\.count)) == [30])
        #expect(Set(nodes[0]).count == 30)
        for (row, id) in zip(nodes.dropFirst(), facts.nodes) {
            #expect(row[0] == id.hex && row[1] == facts.nicknames[id])
            #expect((row[4] == "") == (facts.analysis.nodes[id]?.relay == nil))
        }
        let links = try #require(rows(try file("links.csv", stage)))
        #expect(links.count == facts.analysis.links.count + 1 && Set(links.map(\.count)) == [12])
        let history = try #require(rows(try file("history.csv", stage)))
        #expect(history.count == facts.history.values.reduce(1) { $0 + $1.count } && Set(history.map(\.count)) == [16])
    }

    /// A node that reads the files every hour must not learn from them which of its links was probed since.
    @Test func oneMoreProbeOverALinkChangesNoFile() throws {
        let facts = try #require(PingerStage.all.first { $0.name == "blind" }?.facts)
        let link = try #require(facts.analysis.links.filter { !$0.value.isBroken }.keys.sorted().first)
        func files(_ arrived: Int, _ lost: Int, _ low: Double) -> [String: [UInt8]] {
            var facts = facts
            facts.analysis.links[link] = LinkResult(
                arrived: arrived, lost: lost,
                estimate: Estimate(value: 0.99, low: low, high: 1, samples: arrived + lost), isBroken: false)
            return Dictionary(uniqueKeysWithValues: OutputFiles.all(facts).map { ($0.name, $0.bytes) })
        }
        for (now, later) in [((10, 0), (29, 0)), ((100, 1), (290, 9)), ((30, 0), (99, 0))] {
            #expect(files(now.0, now.1, 0.91) == files(later.0, later.1, 0.97))
        }
        #expect(files(29, 0, 0.91) != files(30, 0, 0.91))
        for (count, first, range) in [
            (0, 0, "none"), (1, 1, "1-9"), (9, 1, "1-9"), (10, 10, "10-29"), (99, 30, "30-99"), (999, 300, "300-999"),
            (1000, 1000, "1,000-2,999"), (1_000_000, 100_000, "100,000 or more"),
        ] {
            #expect(Coarse.linkCount(count) == first && Coarse.linkRange(count) == range)
        }
        for (count, samples) in [
            (0, 0), (9, 0), (37, 30), (99, 90), (128, 120), (999, 990), (1234, 1200), (98_765, 98_000),
        ] {
            #expect(Coarse.samples(count) == samples)
        }
        #expect(Coarse.samples(.max) > 0 && Coarse.samples(-5) == 0)
    }

    @Test func daysAndStamps() {
        #expect(Day.text(PingerStage.today) == "2026-11-21" && Day.short(PingerStage.today) == "11-21")
        #expect(Day.stamp(PingerStage.now) == "Sat 21 Nov 2026 14:47:10 GMT")
        #expect(Day.stamp(Timestamp(seconds: 0)) == "Thu 01 Jan 1970 00:00:00 GMT")
        #expect(Day.number(Timestamp(seconds: -1)) == -1)
    }
}
