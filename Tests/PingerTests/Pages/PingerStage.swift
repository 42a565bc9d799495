// Networks as a pinger may have measured them, made up and always the same: for golden pages, for the browser and for
// files.

import Directory
import Measurement
import MixCrypto
import TestSupport
import WireFormat

@testable import PingerProgram

/// Makes facts.
struct PingerStage {
    static let now = Timestamp(seconds: 1_795_272_430)  // 2026-11-21T14:47:10Z, a Saturday
    static var today: Int { Day.number(now) }

    private var random = SeededRandom(seed: 4)
    var facts: PingerFacts
    /// In the order in which they were made.
    var ids: [NodeID] = []

    private init(isTest: Bool = false) {
        facts = PingerFacts(
            name: "echo", software: "nightjar-pinger 0.1", made: Self.now, network: "dusk", isTest: isTest,
            deadline: .hours(6), window: .days(12), halfLife: .days(3), minimumSamples: 30,
            analysis: Analysis(made: Self.now - .minutes(4)))
    }

    // MARK: - Networks

    /// Started a moment ago: it has not even a consensus.
    static var empty: PingerFacts { PingerStage(isTest: true).facts }

    /// One node, and a few probes.
    static var one: PingerFacts {
        var stage = PingerStage(isTest: true)
        stage.addNodes(1)
        stage.facts.analysis.nodes = [stage.ids[0]: stage.result(1, samples: 0)]
        stage.facts.analysis.nodes[stage.ids[0]]?.relay = nil
        stage.addCounts(days: 0)
        return stage.facts
    }

    /// 40 nodes measured for weeks, one of which loses a fifth, with one broken link and three new nodes.
    static var usual: PingerFacts { network(40).facts }
    static var sixty: PingerFacts { network(60).facts }
    static var large: PingerFacts { network(300).facts }

    /// The pinger was cut off, and its database was replaced before.
    static var blind: PingerFacts {
        var facts = network(12).facts
        facts.analysis.made = now - .minutes(215)
        facts.silence = "no node has answered since 2026-11-21 11:12 UTC, so the pinger itself seems to be cut off"
        facts.problems = [
            "the database was damaged on 2026-11-19 and set aside as pings.db.damaged-20261119T070312Z, so older results are gone",
            "the report was refused by the authority gamma: too old",
        ]
        return facts
    }

    /// Strangers who try to break the page. No directory would list such names; the pages must not rely on that.
    static var hostile: PingerFacts {
        var stage = network(8)
        for (index, words) in hostileWords.enumerated() { stage.facts.nicknames[stage.ids[index]] = words }
        stage.facts.silence = "</p><script>alert(7)</script>"
        stage.facts.problems = hostileWords
        stage.facts.software = "<b>x</b>"
        stage.facts.network = "</title><script>alert(8)</script>"
        stage.facts.analysis.nodes[stage.ids[1]]?.relay = Estimate(
            value: .nan, low: -.infinity, high: 7, samples: 1 << 30)
        stage.facts.analysis.nodes[stage.ids[1]]?.addedLatency = Interval(milliseconds: .max)
        stage.facts.analysis.nodes[stage.ids[2]]?.addedLatency = Interval(milliseconds: .min)
        stage.facts.analysis.nodes[stage.ids[2]]?.arrivals = ArrivalShares(
            tenMinutes: -.infinity, hour: .nan, sixHours: 5, day: .infinity, samples: 1 << 30)
        stage.facts.history[stage.ids[3]] = [
            DayFacts(day: today, reliability: .max, low: .min, high: .max, samples: 1 << 30, latency: .days(9999)),
            DayFacts(day: today, reliability: -5, low: 5, high: 2, samples: -1, latency: .seconds(-5)),
            DayFacts(day: .max, samples: 0), DayFacts(day: .min, samples: 0),
        ]
        return stage.facts
    }

    static let hostileWords = [
        "<script>alert(1)</script>", "\" onmouseover=\"alert(2)", "</td></table><h1>owned</h1>&amp;&#60;",
        "right\u{202E}left \u{200B}\u{0007}\n\r\t\u{1B}[31m", String(repeating: "W", count: 2000),
        "' style='position:fixed' \u{5D0}\u{5D1}\u{5D2} \u{1F41B} caf\u{E9} <!-- ]]> <![CDATA[ </style><style>*{display:none}",
    ]

    static let all: [(name: String, facts: PingerFacts)] = [
        ("empty", empty), ("one", one), ("usual", usual), ("sixty", sixty), ("large", large), ("blind", blind),
        ("hostile", hostile),
    ]

    /// What is written of each, made once.
    static let files = Dictionary(uniqueKeysWithValues: all.map { ($0.name, OutputFiles.all($0.facts)) })

    // MARK: - Pieces

    private static func network(_ count: Int) -> PingerStage {
        var stage = PingerStage()
        stage.addNodes(count)
        stage.addCounts(days: 26)
        for (index, id) in stage.ids.enumerated() {
            let value = index == 3 ? 0.8 : index == 7 ? 0.4 : index % 6 == 5 ? 0.965 : index % 9 == 8 ? 1 : 0.992
            var result = stage.result(value, samples: 400 + stage.draw(900))
            let isNew = index % 12 == 10
            if isNew {
                result.relay = nil
                result.entry = nil
                result.addedLatency = nil
                result.arrivals?.samples = 12
            }
            if index == 5 { (result.duplicates, result.damaged) = (3, 1) }
            if stage.facts.flags[id]?.contains(.exit) == true {
                result.deliveries = Share(good: index == 8 ? 17 : 38, total: 40)
            }
            stage.facts.analysis.nodes[id] = result
            stage.facts.history[id] = stage.days(value, isNew: isNew, index)
        }
        stage.addLinks()
        // One left the network a while ago.
        if let last = stage.ids.last { stage.facts.flags[last] = nil }
        return stage
    }

    mutating func draw(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func addNodes(_ count: Int) {
        let words = ["wren", "martin", "swift", "heron", "lark", "owl", "finch", "raven", "tern", "plover"]
        for index in 0..<count {
            var seed = (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            guard let secret = try? SecretBytes(moving: &seed), let key = try? SigningKey(seed: secret) else {
                continue
            }
            let nickname = index < 10 ? words[index] : "\(words[index % 10])-\(index / 10)-of-the-valley"
            var capabilities = [Capability(Capability.Name.relay)]
            var flags: Set<NodeFlag> = index == 3 ? [.unreliable] : [.running]
            if index % 4 == 0 {
                capabilities.append(Capability(Capability.Name.smtp))
                flags.insert(.exit)
            }
            if index % 5 == 1 { flags.insert(.mailbox) }
            if index % 3 == 0, index != 3 { flags.insert(.stable) }
            if index % 12 == 10 { flags.insert(.unmeasured) }
            guard let name = Nickname(nickname.prefix(24)),
                let address = NodeAddress("198.51.100.\(index % 250 + 1):48099"),
                let descriptor = try? Descriptor.make(
                    DescriptorFields(
                        network: "dusk", nickname: name, addresses: [address], published: Self.now - .hours(5),
                        validUntil: Self.now + .days(5), keys: [:], capabilities: capabilities,
                        family: index == 2 ? Array(ids.prefix(2)) : [],
                        contact: index % 2 == 0 ? "<script>alert(3)</script> mail me" : "",
                        software: "nightjar-node 0.1"),
                    identity: key)
            else { continue }
            ids.append(descriptor.id)
            facts.descriptors[descriptor.id] = descriptor
            facts.nicknames[descriptor.id] = name.text
            facts.flags[descriptor.id] = flags
        }
    }

    private mutating func addCounts(days: Int) {
        facts.analysis.first = Self.now - .days(Int64(days)) - .hours(2)
        facts.analysis.last = Self.now - .minutes(6)
        var loops = OutcomeCounts()
        (loops.arrived, loops.lost, loops.pending, loops.void) = days == 0 ? (9, 0, 5, 0) : (134_512, 4_127, 41, 377)
        facts.analysis.counts[.loop] = loops
        if days == 0 { return }
        var replies = OutcomeCounts()
        (replies.arrived, replies.lost, replies.pending) = (21_733, 690, 7)
        facts.analysis.counts[.reply] = replies
        var ahead = OutcomeCounts()
        (ahead.arrived, ahead.lost) = (2_041, 60)
        facts.analysis.counts[.ahead] = ahead
        var mail = OutcomeCounts()
        (mail.arrived, mail.lost, mail.pending) = (401, 22, 1)
        facts.analysis.counts[.delivery] = mail
        facts.analysis.arrivals = ArrivalShares(
            tenMinutes: 0.934, hour: 0.961, sixHours: 0.9701, day: 0.9703, samples: 161_062)
    }

    private mutating func result(_ value: Double, samples: Int) -> NodeResult {
        var result = NodeResult()
        let margin = 0.004 + Double(draw(12)) / 1000
        result.relay = Estimate(
            value: value, low: max(value - margin * 1.5, 0), high: min(value + margin, 1), samples: samples)
        result.entry = Estimate(value: 0.99, low: 0.97, high: 1, samples: max(samples / 3, 1))
        result.mailbox = Estimate(value: 0.99, low: 0.9, high: 1, samples: 12)
        result.addedLatency = .seconds(Int64(4 + draw(400)))
        result.arrivals = ArrivalShares(
            tenMinutes: value * 0.95, hour: value * 0.985, sixHours: value * 0.996, day: value * 0.9961,
            samples: samples)
        let tried = 160 + draw(40)
        result.handshakes = Share(good: tried - draw(3), total: tried)
        result.ahead = Share(good: 12, total: 12)
        return result
    }

    private mutating func days(_ value: Double, isNew: Bool, _ index: Int) -> [DayFacts] {
        (0...40).reversed().compactMap { age in
            if age > 25, index % 2 == 0 { return nil }
            if (9...11).contains(age) || isNew && age > 1 { return nil }
            var day = DayFacts(day: Self.today - age, samples: isNew ? 9 : 200 + draw(100))
            day.handshakes = Share(good: 20, total: 20)
            if isNew { return day }
            let permille = min(Int(value * 1000) + draw(9) - 4, 1000)
            (day.reliability, day.low, day.high) = (permille, permille - 6 - draw(12), min(permille + 5, 1000))
            day.latency = .seconds(Int64(20 + draw(30) + (age == 4 ? 2000 : 0)))
            (day.tenMinutes, day.hour, day.sixHours, day.wholeDay) = (
                permille * 95 / 100, permille * 98 / 100, permille * 99 / 100, permille
            )
            return day
        }
    }

    private mutating func addLinks() {
        let isSparse = ids.count > 100
        for (row, from) in ids.enumerated() {
            for (column, to) in ids.enumerated() where from != to {
                let isBroken = (row, column) == (1, 6) || (row, column) == (6, 5)
                if !isBroken, isSparse ? (row + column) % 17 != 0 : (row * 7 + column) % 13 == 0 { continue }
                var link = LinkResult(arrived: 40 + draw(40), lost: 0, estimate: nil, isBroken: false)
                if row == 3 || column == 3 { link.lost = link.arrived / 4 }
                if row == 7 || column == 7 { link.lost = link.arrived }
                if (row + column * 3) % 11 == 0 { link.lost += 1 }
                if column == 9 { (link.arrived, link.lost) = (1 + draw(2), 0) }
                link.estimate = Estimate(value: 0.997, low: 0.98, high: 1, samples: link.arrived + link.lost)
                if isBroken {
                    link = LinkResult(
                        arrived: 0, lost: 31, estimate: Estimate(value: 0.01, low: 0, high: 0.09, samples: 31),
                        isBroken: true)
                    if row == 1 { facts.agreedBroken.insert(NodeLink(from: from, to: to)) }
                }
                facts.analysis.links[NodeLink(from: from, to: to)] = link
            }
        }
    }
}
