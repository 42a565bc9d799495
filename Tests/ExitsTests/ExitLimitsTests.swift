import TestSupport
import Testing
import WireFormat

@testable import Exits

/// Levels, equal bodies, bytes an hour.
@Suite struct ExitLimitsTests {
    private let start = Timestamp(seconds: 1_795_219_200)

    @Test func levels() throws {
        let policy = RecipientPolicy(
            rules: [
                try RecipientRule("deny abuse@"), try RecipientRule("allow .friends.example"),
                try RecipientRule("deny bob@wishes.example"),
            ])
        func refusal(_ address: String, _ level: ExitLevel) throws -> RefusalReason? {
            policy.refusal(of: try MailRecipient(address), level: level) { $0.host == "wishes.example" }
        }
        let table: [(String, Set<ExitLevel>)] = [
            ("alice@example.org", [.everyone]), ("alice@mail.friends.example", [.everyone, .listed]),
            ("abuse@friends.example", []), ("alice@wishes.example", [.everyone, .optedIn]), ("bob@wishes.example", []),
        ]
        for (address, levels) in table {
            for level in ExitLevel.allCases {
                #expect(try (refusal(address, level) == nil) == levels.contains(level), "\(address) \(level)")
            }
        }
        #expect(ExitLevel.allCases.map(\.published) == [nil, 1, 2, 3])
    }

    private func print(_ text: String, salt: UInt64 = 7, pieces: Int = 1000) throws -> BodyFingerprint {
        var fingerprinting = BodyFingerprinting(salt: salt)
        _ = try ExitBody(bytes: Array((Self.text + text).utf8), pieceBytes: pieces).facts { fingerprinting.update($0) }
        return try #require(fingerprinting.finish())
    }

    /// Long enough to be counted.
    private static let text = String(repeating: "All about ravens. ", count: 20)

    @Test func fingerprints() throws {
        let body = "Buy now!\r\nCheap.\r\n"
        for same in ["buy  NOW!\nCheap.", "BUY NOW! CHEAP.\t\r\n"] {
            #expect(try print(same, pieces: 3) == print(body))
        }
        #expect(try print("Buy now! Cheap") != print(body))
        #expect(try print(body, salt: 8) != print(body))
        // What many write who know nothing of each other is nobody's advertising.
        for short in ["", "subscribe\r\n", String(repeating: "x \r\n", count: BodyFingerprinting.least - 1)] {
            var fingerprinting = BodyFingerprinting(salt: 7)
            fingerprinting.update(Array(short.utf8))
            #expect(fingerprinting.finish() == nil)
        }
    }

    @Test func whatIsOverTheLimitWaitsAndGoesOutAtTheRate() throws {
        var flood = BodyFlood(limit: 20)
        var generator = SeededRandom(name: "flood")
        let salt = flood.salt(now: start, using: &generator)
        let body = try print("one", salt: salt)
        var mail: Int64 = 0
        func take(_ body: BodyFingerprint, now: Timestamp) -> Timestamp? {
            mail += 1
            return flood.take(body, mail: mail, now: now)
        }
        for _ in 0..<20 { #expect(take(body, now: start) == nil) }
        let next = start + .minutes(72)
        #expect(take(body, now: start) == next)
        #expect(take(body, now: start) == next + .minutes(72))
        let other = try print("two", salt: salt)
        #expect(take(other, now: start) == nil)
        // Each has its place: asking again gets no other, and who comes later does not get it.
        #expect(flood.take(body, mail: 21, now: next - .milliseconds(1)) == next)
        #expect(take(body, now: next) == next + .minutes(144))
        #expect(flood.take(body, mail: 21, now: next) == nil)
        #expect(flood.take(body, mail: 22, now: next) == next + .minutes(72))
        flood.forget(22)
        // Nobody takes places for more than a day.
        for _ in 0..<100 { _ = take(body, now: start) }
        let last = try #require(take(body, now: start))
        #expect(last <= start + .days(1) + .minutes(72) && take(body, now: start) == last)
        // A new day has a new key.
        #expect(flood.salt(now: start, using: &generator) == salt)
        #expect(flood.salt(now: start + .days(1), using: &generator) != salt)
        #expect(flood.count == 0)
    }

    @Test func theTableIsBounded() throws {
        var flood = BodyFlood(limit: 1)
        for number in 0..<(BodyFlood.capacity + 100) {
            let body = try print("\(number)")
            guard flood.take(body, mail: Int64(number), now: start) != nil else { continue }
            Issue.record("body \(number) had to wait")
        }
        #expect(flood.count == BodyFlood.capacity)
    }

    @Test func bytesAnHour() {
        var budget = ByteBudget(hourly: 3600)
        #expect(budget.take(3000, now: start) == nil)
        #expect(budget.take(600, now: start) == nil)
        #expect(budget.take(60, now: start) == start + .milliseconds(60_001))
        #expect(budget.take(60, now: start + .seconds(61)) == nil)
        budget.give(60)
        #expect(budget.take(61, now: start + .seconds(61)) == nil)
        // Large ones leave something for the small.
        let large = ByteBudget.small + 1
        var shared = ByteBudget(hourly: large * 4)
        for _ in 0..<3 { #expect(shared.take(large, now: start) == nil) }
        let later = shared.take(large, now: start)
        #expect(later == start + .milliseconds(900_001))
        for _ in 0..<50 { #expect(shared.take(1000, now: start) == nil) }
        // A mail larger than an hour's worth goes when the bucket is full, and is paid for.
        var small = ByteBudget(hourly: 3600)
        #expect(small.take(36_000, now: start) == nil)
        let after = small.take(1, now: start)
        #expect(after == start + .milliseconds(32_401_001))
        #expect(small.take(1, now: after ?? start) == nil)
    }
}
