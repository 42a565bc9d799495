import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// From facts to the report: slots, ages, clocks, disagreements.
@Suite struct HealthReportTests {
    private let present = HealthStage.present

    @Test func slotsHaveNoHolesAndAreTheLast() {
        let report = HealthReport.make(HealthStage.failing)
        #expect(report.slots.map(\.slot) == (0..<72).map { present - UInt64($0) })
        #expect(report.slots.filter { $0.state == .unknown }.map(\.slot) == (50...55).map { present - UInt64($0) })
        #expect(report.slots[0].state == .underWay)
        for slot in report.slots {
            #expect(slot.leader == report.authorities[Int(slot.slot % 7)].name)
            #expect(slot.start.milliseconds == Int64(slot.slot) * 1_200_000)
        }
    }

    @Test func aYoungNetworkShowsWhatThereIs() {
        var facts = HealthStage.healthy
        facts.slots.removeAll { $0.slot < present - 2 }
        #expect(HealthReport.make(facts).slots.count == 3)
        facts.slots = []
        #expect(HealthReport.make(facts).slots.isEmpty)
    }

    @Test func slotsFromBeforeTheStartAreNotJudged() {
        var facts = HealthStage.healthy
        for index in facts.slots.indices
        where facts.slots[index].slot >= present - 3 && facts.slots[index].slot < present {
            facts.slots[index] = HealthFacts.SlotFacts(
                slot: facts.slots[index].slot, outcome: .failed("0 votes came, 3 are needed"))
        }
        facts.started = Timestamp(milliseconds: Int64(present - 1) * HealthStage.slotLength)
        #expect(HealthReport.make(facts).slots[1...4].map(\.state) == [.failed, .unknown, .unknown, .certified])
    }

    @Test func slotsAheadOfTheClockArePassedOver() {
        var facts = HealthStage.healthy
        facts.slots.append(HealthFacts.SlotFacts(slot: .max, outcome: .underWay))
        facts.slots.append(HealthFacts.SlotFacts(slot: present + 1, outcome: .underWay))
        let report = HealthReport.make(facts)
        #expect(report.slots.first?.slot == present && report.slots.count == 72)
        #expect(report.start(of: .max).milliseconds == .max)
    }

    @Test func factsOfAnyNumbersAreSurvived() {
        var facts = HealthStage.healthy
        facts.network.slotMilliseconds = 0
        facts.now = Timestamp(milliseconds: -5)
        #expect(HealthReport.make(facts).slots.isEmpty)
        facts.now = Timestamp(milliseconds: .max)
        facts.network.slotMilliseconds = 1
        #expect(HealthReport.make(facts).slots.count == 72)
        facts.authorities = []
        #expect(HealthReport.make(facts).slots.isEmpty)
        facts.evidence = [
            HealthReport.EvidenceInfo(
                authority: "x", slot: .max, kind: "vote", digest: nil, first: Digest(), second: Digest(),
                excludedUntil: .max)
        ]
        for path in ["/", "/nodes", "/double-signing", "/health.json"] {
            #expect(HealthPage.answer(path, report: HealthReport.make(facts)) != nil)
        }
    }

    @Test func consensusAges() throws {
        var facts = HealthStage.healthy
        let consensus = try #require(facts.consensus)
        for (time, age) in [
            (consensus.published, HealthReport.ConsensusInfo.Age.fresh), (consensus.freshUntil - .seconds(1), .fresh),
            (consensus.freshUntil, .old), (consensus.validUntil - .seconds(1), .old), (consensus.validUntil, .expired),
        ] {
            facts.now = time
            #expect(HealthReport.make(facts).consensus?.age == age)
        }
    }

    @Test func lastVotesAndSignaturesAreFound() {
        let report = HealthReport.make(HealthStage.failing)
        let byName = Dictionary(uniqueKeysWithValues: report.authorities.map { ($0.name, $0) })
        #expect(byName["genoa"]?.lastVote == nil)
        #expect(byName["faro"]?.lastVote == present - 4)
        #expect(byName["edinburgh"]?.lastSignature == present - 4)
        #expect(byName["bergen"]?.clockMilliseconds == 95_400)
        #expect(byName["amsterdam"]?.clockMilliseconds == nil)
    }

    @Test func disagreementsNameBothSides() throws {
        let found = HealthReport.make(HealthStage.failing).disagreements
        #expect(found.slot == present && found.total == 5)
        let split = try #require(found.parameters.first)
        #expect(split.name == "mean-delay")
        #expect(split.values.map(\.value) == [90_000, 120_000, 240_000])
        #expect(split.values[0].authorities == ["cadiz"])
        #expect(found.nodes.map(\.with) == [["amsterdam", "bergen", "cadiz"]])
        #expect(found.nodes.map(\.without.count) == [4])
        #expect(found.flags.map(\.flag).sorted() == ["Bad", "Running"])
        #expect(found.flags.first { $0.flag == "Running" }?.without == ["bergen"])
        #expect(found.descriptors.map(\.without) == [["dubrovnikharbourlights"]])
        // Two votes of one authority are not two opinions.
        var facts = HealthStage.failing
        var second = facts.votes[1]
        second.digest = Digest()
        facts.votes.append(second)
        #expect(HealthReport.make(facts).disagreements.voters == found.voters)
    }

    @Test func disagreementsAreBounded() {
        var random = SeededRandom(name: "many disagreements")
        let nodes = (0..<500).map { _ in NodeID.random(using: &random) }
        let votes = (0..<9).map { index in
            HealthFacts.VoteFacts(
                authority: "a\(index)", slot: 7, digest: Digest(),
                nodes: Dictionary(
                    nodes.filter { _ in Bool.random(using: &random) }.map {
                        ($0, HealthFacts.VotedNodeFacts(nickname: "n", descriptor: Digest(), flags: ["Running"]))
                    }
                ) { first, _ in first })
        }
        let found = HealthReport.Disagreements.among(votes)
        #expect(found.nodes.count == HealthReport.maximumDisagreements && found.total > 400)
        #expect(HealthReport.Disagreements.among(Array(votes.prefix(1))).slot == nil)
    }

    @Test func theOrderOfFactsDoesNotMatter() throws {
        var facts = HealthStage.failing
        let before = try #require(HealthPage.answer("/health.json", report: HealthReport.make(facts)))
        facts.slots.reverse()
        facts.nodes.reverse()
        facts.votes.reverse()
        facts.clocks.reverse()
        let after = try #require(HealthPage.answer("/health.json", report: HealthReport.make(facts)))
        #expect(before.body == after.body)
    }

    @Test(.timeLimit(.minutes(1))) func aLargeNetworkIsShownQuickly() throws {
        var random = SeededRandom(name: "large network")
        var facts = HealthStage.healthy
        let node = facts.nodes[0]
        facts.nodes = (0..<2_000).map { _ in
            var copy = node
            copy.id = NodeID.random(using: &random)
            return copy
        }
        for index in facts.votes.indices {
            facts.votes[index].nodes = Dictionary(
                facts.nodes.map {
                    (
                        $0.id,
                        HealthFacts.VotedNodeFacts(nickname: $0.nickname, descriptor: $0.descriptor, flags: ["Running"])
                    )
                }
            ) { first, _ in first }
        }
        let clock = ContinuousClock()
        var size = 0
        let took = try clock.measure {
            let report = HealthReport.make(facts)
            for path in ["/", "/nodes", "/health.json"] {
                size += try #require(HealthPage.answer(path, report: report)).body.utf8.count
            }
        }
        print("2 000 nodes: \(took) for \(size) bytes")
        #expect(took < .seconds(20))
    }
}
