import MixCrypto
import Pages
import Testing
import WireFormat

@testable import AuthorityProgram

/// What is warned of, and what is not.
@Suite struct HealthWarningsTests {
    private let now = HealthStage.now
    private let present = HealthStage.present

    /// Codes of the warnings with their levels: `consensus-old urgent`.
    private func codes(_ facts: HealthFacts) -> [String] {
        HealthReport.make(facts).warnings.map { "\($0.code) \($0.level.rawValue)" }
    }

    @Test func aHealthyNetworkHasNone() {
        #expect(codes(HealthStage.healthy).isEmpty)
        #expect(HealthReport.make(HealthStage.healthy).state == .well)
    }

    @Test func theWorstComesFirst() {
        #expect(
            codes(HealthStage.failing) == [
                "consensus-old urgent", "signatures-differ urgent", "own-certificate urgent", "disk urgent",
                "few-signers attend", "silence attend", "certificate attend", "certificate attend", "clock attend",
                "pinger-silent attend", "one-report attend", "descriptors-missing note",
            ])
        #expect(HealthReport.make(HealthStage.failing).state == .urgent)
        #expect(codes(HealthStage.empty) == ["no-consensus-yet note"])
        #expect(codes(HealthStage.hostile) == ["equivocation urgent", "silence attend", "x note"])
    }

    @Test func aDomainUnderTwoKeysIsNamed() throws {
        var facts = HealthStage.healthy
        let keys = try (0..<2).map { _ in try KEMPrivateKey(seed: .random(count: 32)).publicKey.fingerprint }
        facts.disputedDomains = [
            DisputedNymDomain(
                domain: "nym.example",
                sides: [
                    DisputedNymDomain.Side(key: keys[0], nodes: (1...7).map { "node\($0)" }),
                    DisputedNymDomain.Side(key: keys[1], nodes: ["other"]),
                ])
        ]
        #expect(codes(facts) == ["nym-domain-keys attend"])
        let text = HealthReport.make(facts).warnings[0].text
        #expect(text.contains("nym.example is announced with 2 keys: \(keys[0]) by node1, node2, node3, node4, node5"))
        #expect(text.contains("2 more nodes") && text.contains("\(keys[1]) by other"))
    }

    @Test func oneFailedSlotIsOrdinaryAndTwoAreNot() {
        var facts = HealthStage.healthy
        let count = facts.slots.count
        func drop(_ slots: Int) {
            for index in (count - 1 - slots)..<(count - 1) { facts.slots[index].outcome = .failed("too few votes") }
            facts.consensus?.height = present - 1 - UInt64(slots)
        }
        drop(1)
        #expect(codes(facts).isEmpty)
        drop(2)
        #expect(codes(facts) == ["slots-failed attend"])
        facts.consensus?.freshUntil = now
        #expect(codes(facts) == ["consensus-old urgent"])
        facts.consensus?.validUntil = now
        #expect(codes(facts) == ["consensus-expired urgent"])
        facts.consensus = nil
        #expect(codes(facts) == ["no-consensus urgent"])
    }

    @Test func signersAreCountedAgainstTheQuorum() {
        var facts = HealthStage.healthy
        facts.consensus?.signers = ["alpha", "beta", "delta"]
        #expect(codes(facts) == ["few-signers attend"])
        #expect(HealthReport.make(facts).warnings[0].advice.contains("gamma"))
        // Where all are needed there is never one more.
        facts.authorities.removeLast()
        facts.clocks.removeLast()
        facts.reports = []
        #expect(codes(facts).isEmpty)
    }

    @Test func certificatesThatEnd() {
        var facts = HealthStage.healthy
        for (left, expected) in [
            (Interval.days(14), nil as String?), (.days(13), "own-certificate attend"),
            (.hours(71), "own-certificate urgent"),
            (.seconds(-1), "own-certificate urgent"),
        ] {
            facts.authorities[0].certifiedUntil = now + left
            #expect(codes(facts) == [expected].compactMap { $0 })
        }
        facts.authorities[0].certifiedUntil = now + .days(40)
        facts.authorities[1].certifiedUntil = now - .days(1)
        #expect(codes(facts) == ["certificate attend"])
        facts.authorities[1].certifiedUntil = nil
        #expect(codes(facts).isEmpty)
    }

    @Test func whoseClockIsWrong() {
        func facts(_ seconds: [Int64]) -> HealthFacts {
            var facts = HealthStage.healthy
            facts.clocks = zip(["beta", "delta", "gamma"], seconds).map { name, off in
                HealthFacts.ClockFacts(authority: name, published: now + .seconds(off), received: now)
            }
            return facts
        }
        #expect(codes(facts([0, -30, 59])).isEmpty)
        #expect(codes(facts([0, -61, 0])) == ["clock attend"])
        #expect(codes(facts([300, -200, 0])) == ["clock attend", "clock attend"])
        #expect(codes(facts([300, 310, 0])) == ["own-clock attend"])
        #expect(
            HealthReport.make(facts([300, 310, 290])).warnings[0].text.contains(
                "5 min behind those of beta, delta and gamma"))
        #expect(HealthReport.make(facts([-300, -310, -290])).warnings[0].text.contains("ahead of those of"))
        #expect(!codes(facts([Int64.max / 2000, Int64.min / 2000, .min])).isEmpty)
    }

    @Test func evidenceAlarmsOnlyForATime() {
        var facts = HealthStage.hostile
        facts.warnings = []
        for index in facts.evidence.indices {
            facts.evidence[index].slot -= 400
            facts.evidence[index].excludedUntil? -= 400
        }
        #expect(codes(facts) == ["silence attend", "equivocation note"])
        facts.authority = "gamma"
        #expect(codes(facts) == ["own-silence urgent", "own-equivocation note"])
    }

    @Test func measurementsThatSayTooMuch() {
        var facts = HealthStage.healthy
        facts.brake = HealthFacts.BrakeFacts(spared: 5, raised: 1, links: 2)
        #expect(codes(facts) == ["measurement-brake urgent"])
        #expect(
            HealthReport.make(facts).warnings[0].text
                == "By the newest votes there would be 5 more nodes unreliable than may be, 1 more node of less than half the "
                + "weight and 2 links broken of nodes with too many such: the tally takes that back.")
    }

    @Test func oneReportForMost() {
        var facts = HealthStage.healthy
        facts.reports.removeAll { $0.pinger != "north" }
        #expect(codes(facts) == ["one-report attend"])
        #expect(
            HealthReport.make(facts).warnings[0].text.hasSuffix(
                "rest on one and the same report, of pinger north, alone."))
        // Two of four are not most of them.
        facts.reports[0].authorities = Array(facts.reports[0].authorities.prefix(2))
        #expect(codes(facts).isEmpty)
    }

    @Test func aSilentPinger() {
        var facts = HealthStage.healthy
        #expect(facts.pingers.count == 2)
        facts.pingers[0].published = now - .hours(6)
        #expect(codes(facts).isEmpty)
        facts.pingers[0].published = now - .hours(6) - .seconds(1)
        #expect(codes(facts) == ["pinger-silent attend"])
        #expect(
            HealthReport.make(facts).warnings[0].text
                == "The newest report of pinger north is of 2026-11-21 08:47:09 UTC, and does not count any more.")
        // One that was named a moment ago has time.
        (facts.pingers[1].published, facts.pingers[1].report) = (nil, nil)
        facts.pingers[1].since = now - .hours(2)
        #expect(codes(facts) == ["pinger-silent attend"])
        facts.pingers[1].since = now - .hours(7)
        #expect(codes(facts) == ["pinger-silent attend", "pinger-silent attend"])
        #expect(
            HealthReport.make(facts).warnings[1].text
                == "No report of pinger south has come since 2026-11-21 07:47:10 UTC.")
    }

    @Test func aFullDisk() {
        var facts = HealthStage.healthy
        facts.disk?.free = 1 << 30
        #expect(codes(facts).isEmpty)
        facts.disk?.free = 500 << 20
        #expect(codes(facts) == ["disk attend"])
        facts.disk?.free = 0
        #expect(codes(facts) == ["disk urgent"])
    }

    @Test func lengthsAndListsAreReadable() {
        let lengths: [(Int64, String)] = [
            (0, "0 ms"), (999, "999 ms"), (4_250, "4.2 s"), (3_000, "3 s"), (35_000, "35 s"), (119_000, "119 s"),
            (720_000, "12 min"),
            (7_200_000, "2 h"), (172_800_000, "2 days"), (-5, "0 ms"),
        ]
        for (milliseconds, text) in lengths { #expect(PageText.length(.milliseconds(milliseconds)) == text) }
        #expect(PageText.relative(now, to: now) == "now")
        #expect(PageText.relative(now - .minutes(12), to: now) == "12 min ago")
        #expect(PageText.relative(Timestamp(milliseconds: .max), to: Timestamp(milliseconds: .min)).hasPrefix("in "))
        #expect(PageText.list([]) == "nobody" && PageText.list(["a", "b"]) == "a and b")
        #expect(
            PageText.bytes(999) == "999 bytes" && PageText.bytes(318_000_000) == "318 MB"
                && PageText.bytes(-1) == "0 bytes")
        #expect(PageText.time(Timestamp(milliseconds: .max)).isEmpty == false)
    }
}
