// Networks as an authority may see them, made up and always the same: for golden pages and for the browser.

import Directory
import TestSupport
import WireFormat

@testable import AuthorityProgram

/// Makes facts.
struct HealthStage {
    static let now = Timestamp(seconds: 1_795_272_430)  // 2026-11-21T14:47:10Z
    static let slotLength: Int64 = 1_200_000
    static var present: UInt64 { HealthReport.slot(at: now, slotMilliseconds: slotLength) }

    private var random = SeededRandom(seed: 4)
    var facts: HealthFacts

    private init(_ names: [String], quorum: Int, faults: Int, isTest: Bool = false) {
        facts = HealthFacts(
            now: Self.now, authority: names[0], software: "nightjar-authority 0.1", started: Self.now - .days(3),
            network: HealthReport.NetworkInfo(
                name: "dusk", version: 2, digest: Digest(), isTest: isTest, quorum: quorum, faults: faults,
                slotMilliseconds: Self.slotLength), authorities: [])
        facts.network.digest = digest()
        facts.authorities = names.map { name in
            HealthReport.AuthorityInfo(
                name: name, id: digest(), urls: ["https://\(name.lowercased()).example.org"],
                certifiedUntil: Self.now + .days(61))
        }
    }

    mutating func digest() -> Digest { Digest.random(using: &random) }

    var names: [String] { facts.authorities.map(\.name) }

    // MARK: - The four

    /// Everything as it should be: 4 authorities, 40 nodes.
    static var healthy: HealthFacts {
        var stage = HealthStage(["alpha", "beta", "gamma", "delta"].sorted(), quorum: 3, faults: 1)
        stage.addSlots()
        stage.addConsensus()
        stage.addNodes(40)
        stage.addVotes()
        stage.addPingers()
        stage.facts.disk = HealthReport.DiskInfo(free: 41_200_000_000, size: 52_000_000_000, used: 318_000_000)
        return stage.facts
    }

    /// 7 authorities of which several are in trouble.
    static var failing: HealthFacts {
        var stage = HealthStage(
            ["amsterdam", "bergen", "cadiz", "dubrovnikharbourlights", "edinburgh", "faro", "genoa"], quorum: 5,
            faults: 2)
        stage.addSlots()
        for index in stage.facts.slots.indices {
            let slot = stage.facts.slots[index]
            let age = present - slot.slot
            // Genoa has been silent for a day; Faro came and went; the last three slots had too few.
            stage.facts.slots[index].votes["genoa"] = nil
            stage.facts.slots[index].signatures["genoa"] = nil
            if slot.slot % 7 == 6, age > 0 { stage.fail(index, "the leader genoa sent no proposal") }
            if (20...30).contains(age) || age < 4 {
                stage.facts.slots[index].votes["faro"] = nil
                stage.facts.slots[index].signatures["faro"] = nil
            }
            if (1...3).contains(age) {
                stage.facts.slots[index].signatures["edinburgh"] = nil
                stage.fail(index, "only 4 of 5 signatures came before the end of the slot")
            }
            if age == 40 { stage.facts.slots[index].isLate = true }
        }
        // One signed something else.
        let odd = stage.facts.slots.count - 13
        stage.facts.slots[odd].signatures["cadiz"] = stage.digest()
        // This authority was down.
        stage.facts.slots.removeAll { (50...55).contains(present - $0.slot) }
        stage.addConsensus(age: 5, without: ["genoa", "faro"])
        stage.addNodes(12)
        stage.addVotes()
        stage.addPingers(oneIsSilent: true)
        let other = stage.digest()
        for index in stage.facts.votes.indices {
            if index == 2 { stage.facts.votes[index].parameters["mean-delay"] = 90_000 }
            if index == 4 { stage.facts.votes[index].parameters["mean-delay"] = 240_000 }
            for (count, node) in stage.facts.nodes.enumerated() where stage.facts.votes[index].nodes[node.id] != nil {
                if count == 3, index > 2 { stage.facts.votes[index].nodes[node.id] = nil }
                if count == 4, index == 1 { stage.facts.votes[index].nodes[node.id]?.flags.remove("Running") }
                if count == 5, index != 0 { stage.facts.votes[index].nodes[node.id]?.flags.insert("Bad") }
                if count == 6, index == 3 { stage.facts.votes[index].nodes[node.id]?.descriptor = other }
            }
        }
        stage.facts.authorities[0].certifiedUntil = now + .hours(40)
        stage.facts.authorities[2].certifiedUntil = now + .days(9)
        stage.facts.authorities[5].certifiedUntil = now - .hours(3)
        stage.facts.authorities[6].certifiedUntil = nil
        stage.facts.clocks = stage.names.enumerated().map { index, name in
            HealthFacts.ClockFacts(
                authority: name, published: now - .minutes(7) + .milliseconds(index == 1 ? 95_400 : -350),
                received: now - .minutes(7))
        }
        stage.facts.disk = HealthReport.DiskInfo(free: 96_000_000, size: 20_000_000_000, used: 1_900_000_000)
        stage.facts.missingDescriptors = 2
        return stage.facts
    }

    /// An authority that signs twice, and nodes whose operators try to break the page.
    static var hostile: HealthFacts {
        var stage = HealthStage(["alpha", "beta", "delta", "gamma"], quorum: 3, faults: 1)
        stage.addSlots()
        stage.addConsensus()
        stage.addNodes(6)
        stage.addVotes()
        for (age, kind) in [(5, "vote"), (31, "proposal"), (150, "signature")] {
            stage.facts.evidence.append(
                HealthReport.EvidenceInfo(
                    authority: "gamma", slot: present - UInt64(age), kind: kind, digest: stage.digest(),
                    first: stage.digest(), second: stage.digest(), excludedUntil: present - UInt64(age) + 72))
        }
        for index in stage.facts.slots.indices where stage.facts.slots[index].slot > present - 5 {
            stage.facts.slots[index].votes["gamma"] = nil
        }
        for (index, words) in hostileWords.enumerated() {
            stage.facts.nodes[index % 6].contact = words
            stage.facts.nodes[(index + 1) % 6].software = words
            stage.facts.nodes[(index + 2) % 6].nickname = words
            stage.facts.nodes[(index + 3) % 6].capabilities = [words]
            stage.facts.nodes[(index + 4) % 6].addresses = [words]
            stage.facts.nodes[(index + 5) % 6].problem = words
            stage.facts.nodes[index % 6].flags.append(words)
        }
        stage.facts.authorities[1].urls = ["javascript:alert(1)", "https://x\" onclick=\"alert(1)"]
        stage.facts.slots[60].outcome = .failed("<script>alert(5)</script>")
        stage.facts.warnings = [HealthWarning(.note, "x", "<img src=x onerror=alert(6)>", advice: "</ul></main>")]
        return stage.facts
    }

    static let hostileWords = [
        "<script>alert(1)</script>", "\" onmouseover=\"alert(2)", "</td></table><h1>owned</h1>&amp;&#60;",
        "right\u{202E}left \u{200B}\u{0007}\n\r\t\u{1B}[31m", String(repeating: "W", count: 2000),
        "' style='position:fixed' \u{5D0}\u{5D1}\u{5D2} \u{1F41B} caf\u{E9} <!-- ]]> <![CDATA[ </style><style>*{display:none}",
    ]

    /// Started a moment ago: no slot is over.
    static var empty: HealthFacts {
        var stage = HealthStage(["alpha", "beta", "gamma"], quorum: 2, faults: 0, isTest: true)
        stage.facts.started = now - .seconds(40)
        for index in 1...2 { stage.facts.authorities[index].certifiedUntil = nil }
        return stage.facts
    }

    /// The second slot of three authorities of which one is late.
    static var young: HealthFacts {
        var stage = HealthStage(["alpha", "beta", "gamma"], quorum: 2, faults: 0, isTest: true)
        stage.addSlots()
        stage.facts.slots.removeFirst(77)
        stage.facts.slots[0].isLate = true
        stage.facts.slots[1].signatures["gamma"] = nil
        stage.addConsensus(without: ["gamma"])
        stage.addNodes(2)
        stage.addVotes()
        return stage.facts
    }

    static let all: [(name: String, facts: HealthFacts)] = [
        ("healthy", healthy), ("failing", failing), ("hostile", hostile), ("empty", empty), ("young", young),
    ]

    // MARK: - Pieces

    /// 80 slots in which all vote and sign; the present one has only votes.
    private mutating func addSlots() {
        for slot in (Self.present - 79)...Self.present {
            let consensus = digest()
            var facts = HealthFacts.SlotFacts(slot: slot, outcome: .underWay)
            for name in names { facts.votes[name] = digest() }
            if slot < Self.present {
                facts.proposal = digest()
                for name in names { facts.signatures[name] = consensus }
                facts.outcome = .certified(consensus)
            }
            self.facts.slots.append(facts)
        }
    }

    private mutating func fail(_ index: Int, _ reason: String) {
        facts.slots[index].outcome = .failed(reason)
        if reason.contains("no proposal") {
            facts.slots[index].proposal = nil
            facts.slots[index].signatures = [:]
        }
    }

    private mutating func addConsensus(age: UInt64 = 1, without: [String] = []) {
        let height = Self.present - age
        let published = Timestamp(milliseconds: Int64(height) * Self.slotLength)
        guard case .certified(let digest) = facts.slots.first(where: { $0.slot == height })?.outcome else { return }
        facts.consensus = HealthReport.ConsensusInfo(
            height: height, digest: digest, published: published, freshUntil: published + .hours(1),
            validUntil: published + .days(3), signers: names.filter { !without.contains($0) })
    }

    private mutating func addNodes(_ count: Int) {
        let words = ["wren", "martin", "swift", "heron", "lark", "owl", "finch", "raven", "tern", "plover"]
        for index in 0..<count {
            var flags = ["Running"]
            if index % 4 == 0 { flags.append("Exit") }
            if index % 5 == 1 { flags.append("Mailbox") }
            if index % 3 == 0 { flags.append("Stable") }
            if index % 11 == 7 { flags = ["Unreliable", "Unmeasured"] }
            let isListed = index % 13 != 12
            facts.nodes.append(
                HealthReport.NodeInfo(
                    id: NodeID.random(using: &random), nickname: words[index % 10] + (index < 10 ? "" : String(index)),
                    isListed: isListed, problem: isListed ? nil : "its address does not answer: connection refused",
                    flags: isListed ? flags : [], weight: isListed ? 100 - index : nil,
                    since: Self.now - .days(Int64(index) * 9 + 1), descriptor: digest(),
                    published: Self.now - .hours(Int64(index % 12)), validUntil: Self.now + .hours(24),
                    addresses: ["198.51.100.\(index + 1):48099"]
                        + (index % 6 == 0 ? ["[2001:db8:77:1::\(index + 16)]:48099"] : []),
                    capabilities: ["relay"] + (index % 4 == 0 ? ["exit-smtp message-size=8388608"] : []),
                    software: "nightjar-node 0.1", contact: index % 2 == 0 ? "mix@node\(index).example" : "",
                    reliability: index % 3 == 2 ? nil : 1000 - index * 7,
                    latencyMilliseconds: index % 3 == 2 ? nil : 140 + Int64(index) * 211
                ))
        }
        if count > 3 {
            facts.nodes[0].family = [facts.nodes[1].id, NodeID.random(using: &random)]
            facts.nodes[2].isLeaving = true
            facts.nodes[1].brokenTo = [facts.nodes[0].id, facts.nodes[3].id]
            facts.nodes[0].brokenFrom = [facts.nodes[1].id]
            facts.nodes[3].brokenFrom = [facts.nodes[1].id]
        }
    }

    /// Two pingers, of whom one may be silent, what they found, and the report of another authority's.
    private mutating func addPingers(oneIsSilent: Bool = false) {
        for (index, name) in ["north", "south"].enumerated() {
            let age = index == 1 && oneIsSilent ? Interval.hours(9) : .minutes(14)
            var pinger = HealthReport.PingerInfo(name: name, key: digest(), since: Self.now - .days(30))
            pinger.report = digest()
            (pinger.published, pinger.received) = (Self.now - age, Self.now - age + .seconds(2))
            (pinger.measuredNodes, pinger.brokenLinks) = (facts.nodes.count, 2)
            facts.pingers.append(pinger)
            for count in facts.nodes.indices {
                guard let reliability = facts.nodes[count].reliability else { continue }
                var node = ReportedNode(id: facts.nodes[count].id)
                node.relay = ReportedEstimate(
                    value: reliability, low: max(reliability - 20, 0), high: min(reliability + 15, 1000),
                    samples: 10 + 37 * count)
                node.latency = .seconds(Int64(30 * count))
                node.within = ReportedArrivals(tenMinutes: 700, hour: 940, sixHours: 955, day: 955)
                node.handshakes = ReportedShare(value: 995, samples: 200)
                node.duplicates = count == 4 ? 1 : 0
                facts.nodes[count].findings.append(HealthReport.Finding(name, node))
            }
        }
        let others = [(facts.pingers[0].report, "north", names), (digest(), "elsewhere", [names[1]])]
        for (digest, pinger, authorities) in others {
            guard let digest else { continue }
            facts.reports.append(
                HealthReport.ReportInfo(
                    digest: digest, pinger: pinger, published: Self.now - .minutes(14), authorities: authorities))
        }
        facts.reports.append(HealthReport.ReportInfo(digest: digest(), authorities: [names[2]]))
    }

    /// All authorities vote alike in the present slot.
    private mutating func addVotes() {
        let lines = facts.nodes.filter(\.isListed).map { node in
            (
                node.id,
                HealthFacts.VotedNodeFacts(nickname: node.nickname, descriptor: node.descriptor, flags: Set(node.flags))
            )
        }
        for name in names {
            facts.votes.append(
                HealthFacts.VoteFacts(
                    authority: name, slot: Self.present, digest: digest(),
                    parameters: ["mean-delay": 120_000, "hops": 5],
                    nodes: Dictionary(lines) { first, _ in first }))
            facts.clocks.append(
                HealthFacts.ClockFacts(
                    authority: name, published: Self.now - .minutes(7),
                    received: Self.now - .minutes(7) + .milliseconds(80)))
        }
    }
}
