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
        _ = try ExitBody(bytes: Array(text.utf8), pieceBytes: pieces).facts { fingerprinting.update($0) }
        return fingerprinting.finish()
    }

    @Test func fingerprints() throws {
        let body = "Buy now!\r\nCheap.\r\n"
        for same in ["buy  NOW!\nCheap.", "BUY NOW! CHEAP.\t\r\n"] {
            #expect(try print(same, pieces: 3) == print(body))
        }
        #expect(try print("Buy now! Cheap") != print(body))
        #expect(try print(body, salt: 8) != print(body))
    }

    @Test func whatIsOverTheLimitWaitsAndGoesOutAtTheRate() throws {
        var flood = BodyFlood(limit: 20)
        var generator = SeededRandom(name: "flood")
        let salt = flood.salt(now: start, using: &generator)
        let body = try print("one", salt: salt)
        for _ in 0..<20 { #expect(flood.take(body, now: start) == nil) }
        let told = flood.take(body, now: start)
        let next = try #require(told)
        #expect(next == start + .minutes(72))
        let other = try print("two", salt: salt)
        #expect(flood.take(other, now: start) == nil)
        #expect(flood.take(body, now: next - .milliseconds(1)) != nil)
        #expect(flood.take(body, now: next) == nil)
        #expect(flood.take(body, now: next) == next + .minutes(72))
        // A new day has a new key.
        #expect(flood.salt(now: start, using: &generator) == salt)
        #expect(flood.salt(now: start + .days(1), using: &generator) != salt)
        #expect(flood.count == 0)
    }

    @Test func theTableIsBounded() throws {
        var flood = BodyFlood(limit: 1)
        for number in 0..<(BodyFlood.capacity + 100) {
            let body = try print("\(number)")
            guard flood.take(body, now: start) != nil else { continue }
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
        // A mail larger than an hour's worth goes when the bucket is full, and is paid for.
        var small = ByteBudget(hourly: 3600)
        #expect(small.take(36_000, now: start) == nil)
        let after = small.take(1, now: start)
        #expect(after == start + .milliseconds(32_401_001))
        #expect(small.take(1, now: after ?? start) == nil)
    }
}
