// A nym on two devices of its owner: the second one comes to it by a code, reads what is passed on, and takes it over.

import Foundation
import LabProgram
import TestSupport
import Testing

extension Integration {
    @Suite("A nym on two devices", .enabled(if: NymDomainMail.isAvailable, "\(NymDomainMail.needs)"))
    struct NymDevicesTests {
        private static let nym = "alice@nym.example"

        private static func isPassedOn(_ words: String, from first: NymUser, to second: NymUser) async throws {
            try await first.came(words)
            var shown = ""
            try await eventually("\(words) is passed on", seconds: 90, every: .seconds(1)) {
                // Whoever passes on, hands over, and fetches what moves the link.
                _ = try await first.check()
                shown = try await second.check()
                return shown.contains(words)
            }
            #expect(shown.components(separatedBy: words).count == 2, "once: \(shown)")
        }

        @Test(
            "the code hands it over, mail is passed on, by another mailbox too; who is replaced learns it",
            .timeLimit(.minutes(10)))
        func takeover() async throws {
            let desk = try await NymDesk()
            let (first, second) = (try await NymUser(desk), try await NymUser(desk))
            try await first.create(Self.nym)

            let code = try await second.must(["nym", "link"]).trimmingCharacters(in: .whitespacesAndNewlines)
            let approve = try first.start(["nym", "approve", Self.nym, "--device", "second"])
            approve.write("\(code)\n")
            #expect(try await approve.end(seconds: 60) == 0, "\(approve.errors)")
            try await eventually("the keys have come; \(desk.logs)", seconds: 90, every: .seconds(1)) {
                _ = try await first.check()
                _ = try await second.check()
                return try await second.must(["nym", "list"]).contains(Self.nym)
            }
            #expect(try await second.must(["nym", "list"]).contains("(linked)"))

            try await desk.write("to both devices", to: [Self.nym], body: "First letter.")
            try await Self.isPassedOn("First letter.", from: first, to: second)

            // The second device has told the server its number, and the first one has seen the answer: from then on it writes
            // to a mailbox that nobody knows who saw the code.
            try await eventually("the link has moved; \(desk.logs)", seconds: 120, every: .seconds(1)) {
                _ = try await second.check()
                _ = try await first.check()
                return try await !first.must(["nym", "devices", Self.nym]).contains("the code's")
            }
            try await desk.write("to the new mailbox", to: [Self.nym], body: "Second letter.")
            try await Self.isPassedOn("Second letter.", from: first, to: second)

            // The second one takes over. The first one is told through a block of the stock that counts no more.
            let renewed = try await second.run(["nym", "check", Self.nym, "--renew"])
            #expect(
                renewed.code == 0 || renewed.code == 3 || renewed.errors.contains(NymUser.heldUp), "\(renewed)")
            try await eventually("the first one has learned it; \(desk.logs)", seconds: 120, every: .seconds(1)) {
                _ = try await second.check()
                _ = try await first.check()
                return try await first.must(["nym", "list"]).contains("taken over")
            }
            try await desk.write("after the takeover", to: [Self.nym], body: "Third letter.")
            try await second.came("Third letter.")
            desk.lab.stop()
        }
    }
}
