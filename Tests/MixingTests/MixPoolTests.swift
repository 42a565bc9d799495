import Mixing
import TestSupport
import Testing
import WireFormat

@Suite struct MixPoolTests {
    let start = Timestamp(seconds: 1_800_000_000)

    static let strategies: [MixStrategy] = [
        .standard, .poisson(cap: .seconds(90)),
        .timedDynamicPool(interval: .seconds(60), minimum: 20, percent: 60, cap: .minutes(10)),
        .timedDynamicPool(interval: .seconds(60), minimum: 500, percent: 1, cap: .seconds(70)),
        .timedDynamicPool(interval: .minutes(30), minimum: 5, percent: 50, cap: .minutes(1)),
        .threshold(count: 5, bound: .minutes(10)), .threshold(count: 1000, bound: .seconds(45)),
    ]

    @Test(arguments: strategies) func nothingStaysLongerThanItsCapNorIsLost(strategy: MixStrategy) {
        var random = SeededRandom(name: "pool \(strategy)")
        var pool = MixPool(strategy: strategy, now: start)
        var inside: [Int64: Timestamp] = [:]
        var now = start
        var next: Int64 = 0
        func release() {
            for id in pool.due(now: now, using: &random) {
                guard let since = inside.removeValue(forKey: id) else {
                    Issue.record("\(id) left twice")
                    continue
                }
                #expect(now - since <= strategy.cap)
            }
            #expect(pool.count == inside.count)
        }
        for _ in 0..<3000 {
            let arrival = now + .milliseconds(Int64.random(in: 0...4000, using: &random))
            while let wake = pool.nextWake, wake <= arrival {
                now = max(now, wake)
                release()
            }
            now = arrival
            next += 1
            inside[next] = now
            // Delays that honest senders draw, and some that nobody should.
            let delays: [Int64] = [0, 5000, 120_000, Int64(UInt32.max), -5]
            let delay = delays.randomElement(using: &random) ?? 0
            pool.insert(id: next, release: now + .milliseconds(delay), now: now)
            if Int.random(in: 0..<100, using: &random) == 0 { pool.hold() }
            if Int.random(in: 0..<100, using: &random) == 0 { pool.resume() }
        }
        while let wake = pool.nextWake {
            now = max(now, wake)
            release()
        }
        #expect(inside.isEmpty)
        #expect(pool.isEmpty)
    }

    @Test func poissonReleasesAtTheSendersTime() {
        var random = SeededRandom(name: "poisson")
        var pool = MixPool(strategy: .standard, now: start)
        for id in 0..<50 { pool.insert(id: Int64(id), release: start + .seconds(Int64(id)), now: start) }
        #expect(pool.nextWake == start)
        #expect(pool.due(now: start, using: &random) == [0])
        #expect(pool.nextWake == start + .seconds(1))
        let batch = pool.due(now: start + .seconds(40), using: &random)
        #expect(batch.sorted() == Array(1...40))
        #expect(batch != batch.sorted(), "what is due together leaves in random order")
        pool.hold()
        #expect(pool.due(now: start + .seconds(60), using: &random).isEmpty)
        #expect(pool.nextWake == start + .minutes(30))
        pool.resume()
        #expect(pool.due(now: start + .seconds(60), using: &random).count == 9)
        #expect(pool.nextWake == nil)
    }

    @Test func aTimedPoolKeepsItsReserve() {
        var random = SeededRandom(name: "timed")
        let aligned = Timestamp(seconds: 1_800_000_000 / 60 * 60)
        var pool = MixPool(
            strategy: .timedDynamicPool(interval: .seconds(60), minimum: 20, percent: 60, cap: .hours(1)), now: aligned)
        for id in 0..<200 { pool.insert(id: Int64(id), release: aligned, now: aligned) }
        #expect(pool.due(now: aligned + .seconds(59), using: &random).isEmpty)
        #expect(pool.nextWake == aligned + .seconds(60))
        let first = pool.due(now: aligned + .seconds(60), using: &random)
        #expect(first.count == 120)
        #expect(pool.due(now: aligned + .seconds(60), using: &random).isEmpty, "one batch for each interval")
        #expect(pool.due(now: aligned + .seconds(120), using: &random).count == 48)
        #expect(pool.due(now: aligned + .seconds(180), using: &random).count == 12)
        #expect(pool.due(now: aligned + .seconds(240), using: &random).isEmpty)
        #expect(pool.count == 20)
        // Each packet had the same chance.
        #expect((30...90).contains(first.filter { $0 < 100 }.count))
        // A clock set back by a day does not hold the next batch up for a day.
        for id in 300..<400 { pool.insert(id: Int64(id), release: aligned, now: aligned) }
        _ = pool.due(now: aligned - .days(1), using: &random)
        #expect(pool.due(now: aligned - .days(1) + .seconds(60), using: &random).count == 72)
    }

    @Test func aThresholdPoolFlushesWhenFullOrAtItsBound() {
        var random = SeededRandom(name: "threshold")
        var pool = MixPool(strategy: .threshold(count: 5, bound: .seconds(30)), now: start)
        for id in 0..<4 { pool.insert(id: Int64(id), release: start, now: start + .seconds(Int64(id))) }
        #expect(pool.due(now: start + .seconds(4), using: &random).isEmpty)
        #expect(pool.nextWake == start + .seconds(30))
        pool.insert(id: 4, release: start, now: start + .seconds(5))
        #expect(pool.nextWake == start + .seconds(5))
        #expect(Set(pool.due(now: start + .seconds(5), using: &random)) == [0, 1, 2, 3, 4])
        pool.insert(id: 5, release: start, now: start + .seconds(6))
        pool.insert(id: 6, release: start, now: start + .seconds(7))
        #expect(pool.due(now: start + .seconds(35), using: &random).isEmpty)
        #expect(Set(pool.due(now: start + .seconds(36), using: &random)) == [5, 6])
    }

    @Test func aHundredThousandEntriesAreSmallAndQuick() {
        var random = SeededRandom(seed: 11)
        var pool = MixPool(strategy: .standard, now: start)
        for id in 0..<100_000 {
            let delay = DelaySampling.standard.sample(using: &random)
            pool.insert(id: Int64(id), release: start + .milliseconds(Int64(delay)), now: start)
        }
        #expect(pool.count == 100_000)
        var now = start
        var left = 0
        while let wake = pool.nextWake {
            now = wake + .seconds(1)
            left += pool.due(now: now, using: &random).count
        }
        #expect(left == 100_000)
        #expect(now <= start + .minutes(30) + .seconds(1))
    }
}

@Suite struct MixStrategyTests {
    @Test(arguments: MixPoolTests.strategies) func theCanonicalFormIsReadBack(strategy: MixStrategy) throws {
        #expect(try MixStrategy(parsing: strategy.description) == strategy)
        #expect(MixStrategy(canonical: strategy.description) == strategy)
    }

    @Test func otherSpellingsAreForPeopleOnly() throws {
        #expect(try MixStrategy(parsing: "poisson") == .standard)
        #expect(try MixStrategy(parsing: " threshold  bound=90s count=5 ") == .threshold(count: 5, bound: .seconds(90)))
        #expect(MixStrategy(canonical: "poisson") == nil)
        #expect(MixStrategy(canonical: "threshold bound=90s count=5") == nil)
        #expect(MixStrategy(canonical: "poisson cap=1800s") == nil)
        #expect(MixStrategy(canonical: "poisson cap=030m") == nil)
    }

    @Test(arguments: [
        ("timed", "there is no mixing strategy 'timed'; use poisson, timed-dynamic-pool or threshold"),
        ("", "there is no mixing strategy ''; use poisson, timed-dynamic-pool or threshold"),
        ("poisson count=3", "the strategy poisson has no parameter 'count'"),
        ("poisson fast", "the strategy poisson has no parameter 'fast'"),
        ("poisson cap=1m cap=2m", "the parameter 'cap' is given twice"),
        ("poisson cap=8d", "'8d' is no value for 'cap'; give a time such as 500ms, 30s, 10m or 2h, at most 7d"),
        ("threshold count=0", "'0' is no value for 'count'; give a whole number from 1 to 1000000"),
        ("timed-dynamic-pool percent=101", "'101' is no value for 'percent'; give a whole number from 1 to 100"),
    ])
    func badTextSaysWhatToDo(text: String, message: String) {
        let error = #expect(throws: MixStrategyError.self) { try MixStrategy(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func weakSettingsAreKnown() {
        #expect(MixStrategy.standard.weaknesses().isEmpty)
        #expect(MixStrategy.poisson(cap: .minutes(1)).weaknesses() == [.capNearMean])
        #expect(MixStrategy.poisson(cap: .minutes(1)).weaknesses(meanDelay: .seconds(5)).isEmpty)
        #expect(MixStrategy.threshold(count: 1000, bound: .hours(1)).weaknesses() == [.flushableThreshold])
        let timed = MixStrategy.timedDynamicPool(interval: .seconds(60), minimum: 0, percent: 100, cap: .minutes(30))
        #expect(timed.weaknesses() == [.noReserve])
        let short = MixStrategy.timedDynamicPool(interval: .seconds(60), minimum: 20, percent: 60, cap: .minutes(2))
        #expect(short.weaknesses() == [.capNearInterval])
    }

    @Test func intervalsHaveAShortSpelling() {
        var random = SeededRandom(name: "shortText")
        for _ in 0..<500 {
            let interval = Interval.milliseconds(Int64.random(in: 0...1_000_000_000_000, using: &random))
            #expect(Interval(shortText: interval.shortText) == interval)
        }
        #expect(Interval.hours(48).shortText == "2d")
        #expect(Interval.milliseconds(1500).shortText == "1500ms")
        for text in ["", "5", "m", "-5s", "5 s", "1.5h", "5w", "99999999999999999999s"] {
            #expect(Interval(shortText: text) == nil)
        }
    }
}
