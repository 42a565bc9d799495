import Directory
import Foundation
import Measurement
import MixCrypto
import Testing
import WireFormat

@testable import PingerProgram

/// The lists for tools of older remailers.
@Suite struct RemailerListsTests {
    /// Three nodes of whose lines every byte is known.
    private static let small: PingerFacts = {
        var facts = PingerStage.empty
        let ids = [1, 2, 3].map { NodeID(Array(repeating: UInt8($0), count: 32)) ?? NodeID() }
        facts.nicknames = [ids[0]: "swift", ids[1]: "a-name-that-is-too-long", ids[2]: "newcomer"]
        facts.flags = [ids[0]: [.exit, .running], ids[1]: [.running], ids[2]: [.unmeasured]]
        var result = NodeResult()
        result.relay = Estimate(value: 0.988, low: 0.98, high: 0.99, samples: 800)
        result.addedLatency = .seconds(4 * 60 + 31)
        facts.analysis.nodes[ids[0]] = result
        result.relay = Estimate(value: 1, low: 0.98, high: 1, samples: 40)
        result.addedLatency = .seconds(2 * 3600 + 5 * 60)
        facts.analysis.nodes[ids[1]] = result
        facts.analysis.links[NodeLink(from: ids[1], to: ids[0])] = LinkResult(
            arrived: 0, lost: 40, estimate: nil, isBroken: true)
        let latencies: [Interval] = [.minutes(4), .minutes(30), .hours(3), .hours(23), .hours(30), .hours(49)]
        facts.history[ids[0]] = latencies.enumerated().map { index, latency in
            DayFacts(day: PingerStage.today - 5 + index, reliability: 990 - index * 100, samples: 90, latency: latency)
        }
        facts.history[ids[1]] = [
            DayFacts(day: PingerStage.today - 12, reliability: 500, samples: 90, latency: .hours(1)),
            DayFacts(day: PingerStage.today, reliability: 1000, samples: 90, latency: .hours(2)),
        ]
        return facts
    }()

    @Test func mlistToTheByte() {
        let expected = """

            Groups of remailers sharing a machine or operator:


            Broken type-I remailer chains:
            (a-name-that-is swift)

            Broken type-II remailer chains:
            (a-name-that-is swift)
            Last update: Sat 21 Nov 2026 14:47:10 GMT
            mixmaster           history  latency  uptime
            --------------------------------------------
            a-name-that-is            +  2:05:00 100.00%
            swift                #*+-._     4:30  99.00%
            newcomer                    99:59:59   0.00%

            """
        #expect(RemailerLists(Self.small).mlist == expected)
    }

    @Test func mlist2ToTheByte() {
        let lines = RemailerLists(Self.small).mlist2.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines == [
                "Stats-Version: 2.0", "Generated: Sat 21 Nov 2026 14:47:10 GMT",
                "Mixmaster    Latent-Hist   Latent  Uptime-Hist   Uptime  Options",
                "------------------------------------------------------------------------",
                "a-name-that- ???????????3   2:05   ???????????+  100.0%  D M            ",
                "swift        ??????014CEH    :04   ??????987654   99.0%    M            ",
                "newcomer     ????????????  99:59   ????????????    0.0%  D M            ",
                "", "Groups of remailers sharing a machine or operator:", "", "", "Broken type-I remailer chains:",
                "(a-name-that- swift)", "", "Broken type-II remailer chains:", "(a-name-that- swift)", "", "", "",
                "Remailer-Capabilities:", "",
                "$remailer{\"a-name-that-\"} = \"<a-name-that-@dusk.invalid> mix middle\";",
                "$remailer{\"newcomer\"} = \"<newcomer@dusk.invalid> mix middle\";",
                "$remailer{\"swift\"} = \"<swift@dusk.invalid> mix\";", "",
            ])
    }

    @Test func rlistToTheByte() {
        let rows = RemailerLists(Self.small).rlist.split(separator: "\n", omittingEmptySubsequences: false).suffix(7)
        #expect(
            rows == [
                "Last update: Sat 21 Nov 2026 14:47:10 GMT",
                "remailer  email address                        history  latency  uptime",
                "-----------------------------------------------------------------------",
                "a-name-t a-name-t@dusk.invalid                       +  2:05:00 100.00%",
                "swift    swift@dusk.invalid                     #*+-._     4:30  99.00%",
                "newcomer newcomer@dusk.invalid                         99:59:59   0.00%", "",
            ])
    }

    @Test(arguments: PingerStage.all.map(\.name))
    func oldToolsReadThem(_ stage: String) throws {
        let facts = try #require(PingerStage.all.first { $0.name == stage }?.facts)
        let lists = RemailerLists(facts)
        let listed = facts.nodes.filter { facts.flags[$0] != nil }
        let files = [lists.mlist, lists.rlist, lists.mlist2, lists.rlist2]
        for file in files {
            #expect(file.utf8.allSatisfy { (32...126).contains($0) || $0 == 10 }, "only visible ASCII")
        }
        let names14 = RemailerNames.make(listed.map { ($0, facts.label($0)) }, width: 14)
        let names8 = RemailerNames.make(listed.map { ($0, facts.label($0)) }, width: 8)
        #expect(Set(names14.values.map { $0.lowercased() }).count == listed.count)
        #expect(Set(names8.values.map { $0.lowercased() }).count == listed.count)

        let old = OldReader.mixmaster(
            lists.mlist, dashes: 44, lengths: 44...46, history: 15, names: Array(names14.values))
        #expect(Set(old.map(\.name)) == Set(names14.values) && old.count == listed.count)
        let older = OldReader.mixmaster(
            lists.rlist, dashes: 71, lengths: 72...73, history: 42, names: Array(names8.values))
        #expect(Set(older.map(\.name)) == Set(names8.values) && older.count == listed.count)
        #expect(try Set(OldReader.capabilities(lists.rlist).keys) == Set(names8.values))

        for file in [lists.mlist2, lists.rlist2] {
            let yamn = try #require(OldReader.yamn(file))
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.timeZone = TimeZone(identifier: "UTC")
            format.dateFormat = "EEE dd MMM yyyy HH:mm:ss 'GMT'"
            #expect(format.date(from: yamn.generated)?.timeIntervalSince1970 == Double(PingerStage.now.seconds))
            #expect(yamn.rows.count == listed.count)
            let collected = try OldReader.collected(file)
            #expect(collected.map(\.name) == yamn.rows.map(\.name))
            #expect(collected.map(\.uptime) == yamn.rows.map(\.uptime))
            #expect(collected.allSatisfy { $0.options.utf8.count <= 15 })
            #expect(yamn.rows.map(\.uptime) == yamn.rows.map(\.uptime).sorted(by: >), "the best first")
            #expect(try OldReader.capabilities(file).count == listed.count)
        }

        for id in listed {
            let row = try #require(old.first { $0.name == names14[id] })
            let result = facts.analysis.nodes[id]
            guard let relay = result?.relay else {
                #expect(row.uptime == 0 && row.latency == 99 * 3600 + 59 * 60 + 59)
                #expect(row.history.allSatisfy { $0 == " " })
                continue
            }
            #expect(row.uptime == Coarse.percent(relay.value) * 100)
            #expect(row.latency == min(result?.addedLatency.map(Coarse.latency) ?? 359_999, 359_999))
        }
        let broken = facts.analysis.brokenLinks.filter { facts.flags[$0.from] != nil && facts.flags[$0.to] != nil }
        let chains = Set(broken.map { "(\(names14[$0.from] ?? "") \(names14[$0.to] ?? ""))" })
        #expect(Set(OldReader.chains(lists.mlist, "Broken type-II remailer chains")) == chains)
        #expect(OldReader.chains(lists.mlist2, "Broken type-II remailer chains").count == chains.count)
    }

    @Test func familiesAreGroups() throws {
        var facts = PingerStage.usual
        // Of two that name each other.
        let three = Array(facts.nodes.prefix(3))
        for (index, id) in three.enumerated() {
            guard let descriptor = facts.descriptors[id] else { continue }
            var fields = descriptor.fields
            fields.family = index == 0 ? [three[1], three[2]] : index == 1 ? [three[0]] : []
            facts.descriptors[id] = try Descriptor.make(fields, identity: .generate())
        }
        let text = RemailerLists(facts).mlist
        let short = RemailerNames.make(facts.flags.keys.map { ($0, facts.label($0)) }, width: 14)
        let names = [three[0], three[1]].compactMap { short[$0] }.sorted().joined(separator: " ")
        #expect(OldReader.chains(text, "Groups of remailers") == ["(\(names))"])
    }

    /// The steps of the histories, at their edges.
    @Test func marksOfLatency() {
        let hours: [Int64] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 18, 24, 30, 36, 42, 48]
        let marks = "123456789ABCDEFGH"
        for (hour, mark) in zip(hours.dropFirst(), marks.dropFirst()) {
            #expect(RemailerLists.latencyMark2(.hours(hour)) == mark)
        }
        #expect(RemailerLists.latencyMark2(.minutes(20)) == "1" && RemailerLists.latencyMark2(.seconds(1199)) == "0")
        #expect(RemailerLists.latencyMark2(nil) == "?" && RemailerLists.latencyMark1(nil) == " ")
        #expect(RemailerLists.uptimeMark(999) == "9" && RemailerLists.uptimeMark(1000) == "+")
        #expect(RemailerLists.hoursAndMinutes(.hours(100)) == "99:59")
        #expect(RemailerLists.hoursMinutesSeconds(.seconds(-4)) == "0")
        #expect(RemailerLists.hoursAndMinutes(.minutes(59)) == ":59")
    }

    /// Names that are one when cut, and names that such a cut would make.
    @Test func cutNamesStayApart() throws {
        let ids = (1...40).map { NodeID(Array(repeating: UInt8($0), count: 32)) ?? NodeID() }
        for width in [8, 12, 14] {
            let long = ids.map { ($0, "the-same-beginning-\($0.hex.prefix(2))") }
            let names = RemailerNames.make(long + [(NodeID(), "the-sa01")], width: width)
            #expect(Set(names.values).count == 41)
            #expect(names.values.allSatisfy { (1...width).contains($0.utf8.count) })
        }
    }
}
