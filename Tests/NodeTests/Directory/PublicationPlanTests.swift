import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService
@testable import NodeProgram

@Suite("Publication plan")
struct PublicationPlanTests {
    private static let start = Timestamp(seconds: 1_795_242_600)
    private static func digest(_ name: String) -> Digest { .sha256(Array(name.utf8)) }

    private static func names(_ texts: [String]) throws -> [PublicationTarget] {
        try texts.map { PublicationTarget(name: try #require(Nickname($0)), id: digest($0)) }
    }

    private static func plan(
        _ names: [PublicationTarget], using generator: inout SeededRandom
    ) -> PublicationPlan {
        var plan = PublicationPlan()
        plan.setAuthorities(names, at: start, using: &generator)
        plan.publish(digest("first"), at: start, using: &generator)
        return plan
    }

    @Test("every authority is asked soon, at different moments, and no more once it has the descriptor")
    func once() throws {
        var generator = SeededRandom(name: "plan once")
        let names = try Self.names(["ada", "ben", "cyd"])
        var plan = Self.plan(names, using: &generator)
        #expect(plan.start(at: Self.start - .seconds(1)).isEmpty)
        var started: [PublicationTarget] = []
        var now = Self.start
        while let wake = plan.wakeUp, wake <= Self.start + PublicationPlan.spread {
            now = wake
            for name in plan.start(at: now) {
                started.append(name)
                plan.ended(name, sent: Self.digest("first"), .taken, at: now, using: &generator)
            }
        }
        #expect(Set(started) == Set(names) && started.count == 3)
        #expect(plan.wakeUp == nil)
        // The same again is no news.
        plan.publish(Self.digest("first"), at: now, using: &generator)
        #expect(plan.wakeUp == nil)
        plan.publish(Self.digest("second"), at: now, using: &generator)
        #expect(plan.wakeUp != nil)
    }

    @Test("each failure doubles the pause up to its longest, drawn from the upper half; success ends it")
    func backOff() throws {
        var generator = SeededRandom(name: "plan back-off")
        let name = try Self.names(["ada"])[0]
        for (outcome, pauses) in [
            (PublicationOutcome.unreachable("cannot connect"), PublicationPlan.unreachablePauses),
            (.refused("the address is private"), PublicationPlan.refusedPauses),
            (.later(.zero), PublicationPlan.laterPauses),
        ] {
            var plan = Self.plan([name], using: &generator)
            var now = Self.start + PublicationPlan.spread
            for attempt in 0..<20 {
                #expect(plan.start(at: now) == [name])
                // Under way: not started twice.
                #expect(plan.start(at: now).isEmpty && plan.wakeUp == nil)
                plan.ended(name, sent: Self.digest("first"), outcome, at: now, using: &generator)
                let next = try #require(plan.wakeUp)
                let full = min(pauses.longest, pauses.first * Int64(1 << min(attempt, 12)))
                #expect(next - now <= full && (next - now) * 2 >= full - .milliseconds(1))
                #expect(plan.start(at: next - .milliseconds(1)).isEmpty)
                now = next
            }
            #expect(plan.start(at: now) == [name])
            plan.ended(name, sent: Self.digest("first"), .taken, at: now, using: &generator)
            #expect(plan.wakeUp == nil && plan.entries[0].failures == 0)
        }
    }

    @Test("an authority that wants to be spared is, but not for longer than the longest pause")
    func spared() throws {
        var generator = SeededRandom(name: "plan spared")
        let name = try Self.names(["ada"])[0]
        let now = Self.start + PublicationPlan.spread
        for (wanted, least, most) in [
            (Interval.minutes(50), Interval.minutes(50), Interval.minutes(50)),
            (.days(300), PublicationPlan.laterPauses.longest, PublicationPlan.laterPauses.longest),
        ] {
            var plan = Self.plan([name], using: &generator)
            _ = plan.start(at: now)
            plan.ended(name, sent: Self.digest("first"), .later(wanted), at: now, using: &generator)
            let pause = try #require(plan.wakeUp) - now
            #expect(pause >= least && pause <= most)
        }
    }

    @Test("a descriptor that comes while another is under way is sent as well, and soon")
    func overtaken() throws {
        var generator = SeededRandom(name: "plan overtaken")
        let name = try Self.names(["ada"])[0]
        var plan = Self.plan([name], using: &generator)
        let now = Self.start + PublicationPlan.spread
        #expect(plan.start(at: now) == [name])
        plan.publish(Self.digest("second"), at: now, using: &generator)
        #expect(plan.start(at: now + .minutes(1)).isEmpty)
        plan.ended(name, sent: Self.digest("first"), .taken, at: now, using: &generator)
        #expect(try #require(plan.wakeUp) <= now + PublicationPlan.spread)
        #expect(plan.start(at: now + PublicationPlan.spread) == [name])
        plan.ended(name, sent: Self.digest("second"), .taken, at: now, using: &generator)
        #expect(plan.wakeUp == nil)
    }

    @Test("authorities come and go with the network file; those that stay keep their state")
    func authorities() throws {
        var generator = SeededRandom(name: "plan authorities")
        let names = try Self.names(["ada", "ben", "cyd"])
        var plan = Self.plan(Array(names.prefix(2)), using: &generator)
        let now = Self.start + PublicationPlan.spread
        for name in plan.start(at: now) {
            plan.ended(name, sent: Self.digest("first"), .taken, at: now, using: &generator)
        }
        plan.setAuthorities(Array(names.suffix(2)), at: now, using: &generator)
        #expect(plan.entries.map(\.authority) == Array(names.suffix(2)))
        #expect(plan.start(at: now + PublicationPlan.spread) == [names[2]])
        // What came for one that is gone is of no use.
        plan.ended(names[0], sent: Self.digest("first"), .taken, at: now, using: &generator)
        #expect(plan.outcome(of: names[0]) == nil)
    }

    @Test("one that takes over the name of another is given the descriptor")
    func sameName() throws {
        var generator = SeededRandom(name: "plan same name")
        let old = try Self.names(["ada"])[0]
        var plan = Self.plan([old], using: &generator)
        let now = Self.start + PublicationPlan.spread
        #expect(plan.start(at: now) == [old])
        plan.ended(old, sent: Self.digest("first"), .taken, at: now, using: &generator)
        let new = PublicationTarget(name: old.name, id: Self.digest("another key"))
        plan.setAuthorities([new], at: now, using: &generator)
        #expect(plan.start(at: now + PublicationPlan.spread) == [new])
    }

    @Test("an operator who asks does not wait; those who have it are not asked again")
    func hurry() throws {
        var generator = SeededRandom(name: "plan hurry")
        let names = try Self.names(["ada", "ben"])
        var plan = Self.plan(names, using: &generator)
        let now = Self.start + PublicationPlan.spread
        _ = plan.start(at: now)
        plan.ended(names[0], sent: Self.digest("first"), .refused("no"), at: now, using: &generator)
        plan.ended(names[1], sent: Self.digest("first"), .taken, at: now, using: &generator)
        #expect(plan.start(at: now).isEmpty)
        plan.hurry(at: now)
        #expect(plan.start(at: now) == [names[0]])
    }

    @Test("where refusals stand, the next document waits for the pause after the last refusal; others get it at once")
    func refusalsStand() throws {
        var generator = SeededRandom(name: "plan refusals stand")
        let names = try Self.names(["ada", "ben"])
        var plan = PublicationPlan(refusalsStand: true)
        plan.setAuthorities(names, at: Self.start, using: &generator)
        plan.publish(Self.digest("first"), at: Self.start, using: &generator)
        let now = Self.start + PublicationPlan.spread
        #expect(Set(plan.start(at: now)) == Set(names))
        // The second comes while the first is under way.
        plan.publish(Self.digest("second"), at: now, using: &generator)
        plan.ended(names[0], sent: Self.digest("first"), .refused("who are you"), at: now, using: &generator)
        plan.ended(names[1], sent: Self.digest("first"), .unreachable("down"), at: now, using: &generator)
        #expect(plan.start(at: now + PublicationPlan.spread) == [names[1]])
        plan.publish(Self.digest("third"), at: now + .minutes(10), using: &generator)
        #expect(plan.start(at: now + .minutes(14)).isEmpty)
        #expect(plan.start(at: now + .minutes(30)) == [names[0]])
        plan.ended(names[0], sent: Self.digest("third"), .taken, at: now + .minutes(31), using: &generator)
        plan.publish(Self.digest("fourth"), at: now + .minutes(40), using: &generator)
        #expect(plan.start(at: now + .minutes(41)) == [names[0]])
        // Pauses do not grow while new documents come: who was named at last is heard within half an hour.
        var time = now + .minutes(41)
        for round in 0..<6 {
            plan.ended(names[0], sent: Self.digest("round \(round)"), .refused("no"), at: time, using: &generator)
            plan.publish(Self.digest("round \(round + 1)"), at: time + .minutes(1), using: &generator)
            time = time + .minutes(30)
            #expect(plan.start(at: time).contains(names[0]), "round \(round)")
        }
    }

    @Test("what an authority says is kept as one short line without control characters")
    func words() throws {
        var generator = SeededRandom(name: "plan words")
        let name = try Self.names(["ada"])[0]
        var plan = Self.plan([name], using: &generator)
        let evil = "no\n\u{1B}[31mred" + String(repeating: "x", count: 5000)
        plan.ended(name, sent: Self.digest("first"), .refused(evil), at: Self.start, using: &generator)
        guard case .refused(let words)? = plan.outcome(of: name) else {
            Issue.record("no refusal")
            return
        }
        #expect(words.hasPrefix("no  [31mred") && words.count == PublicationPlan.words)
        let record = PublicationRecord(descriptor: nil, plan: plan)
        #expect(PublicationRecord(record.encoded) == record)
        #expect(record.authorities[0].words.hasPrefix("refuses the descriptor: no  [31mred"))
        #expect(PublicationRecord(Array("garbage".utf8)) == nil)
    }

    @Test("over months with authorities that fail at random, each gets every descriptor, and none is flooded")
    func months() throws {
        var generator = SeededRandom(name: "plan months")
        let names = try Self.names(["ada", "ben", "cyd", "dan"])
        var plan = Self.plan(names, using: &generator)
        var now = Self.start
        var posts = 0
        var has: [PublicationTarget: Digest] = [:]
        for round in 0..<120 {
            let descriptor = Self.digest("descriptor \(round)")
            plan.publish(descriptor, at: now, using: &generator)
            let end = now + .hours(12)
            while let wake = plan.wakeUp, wake < end {
                now = max(now, wake)
                for name in plan.start(at: now) {
                    posts += 1
                    let outcome: PublicationOutcome =
                        switch Int.random(in: 0..<10, using: &generator) {
                        case 0...3: .unreachable("down")
                        case 4: .later(.minutes(7))
                        default: .taken
                        }
                    if outcome == .taken { has[name] = descriptor }
                    plan.ended(name, sent: descriptor, outcome, at: now, using: &generator)
                }
            }
            #expect(names.allSatisfy { has[$0] == descriptor }, "round \(round)")
            now = end
        }
        #expect(posts < 120 * 4 * 4)
    }
}
