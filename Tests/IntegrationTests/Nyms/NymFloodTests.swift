// A nym that is flooded through Postfix: whoever counts the packets that leave the server sees nothing of it, another nym
// waits no longer, and who would fill it over its quota is told in the dialogue.

import Foundation
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("A flooded nym", .enabled(if: NymDomainMail.isAvailable, "\(NymDomainMail.needs)"))
    struct NymFloodTests {
        /// Packets that left the server for nyms within so many cycles.
        private static func packets(_ desk: NymDesk, cycles: Int, during work: () async throws -> Void) async throws
            -> Int
        {
            let cycle = 3600 * 1000
            let start = desk.lab.now
            let before = try desk.lab.metrics(Lab.nymserverName)["nymserver_packets_sent_total"]
            try await work()
            try await eventually("\(cycles) cycles", seconds: 120) {
                Int((desk.lab.now - start).milliseconds) >= cycles * cycle
            }
            let after = try desk.lab.metrics(Lab.nymserverName)["nymserver_packets_sent_total"]
            let passed = Double((desk.lab.now - start).milliseconds) / Double(cycle)
            print("\(after - before) packets in \(passed) cycles")
            // What is left is how many more there were than two nyms have; a moment at either end may be one each.
            return after - before - Int((passed * 2).rounded())
        }

        @Test("costs it no packet beyond the cycle, others no delay, and ends with 452", .timeLimit(.minutes(10)))
        func flood() async throws {
            let desk = try await NymDesk { plan in
                plan.nymQuota = 1 << 20
                plan.nymMailSize = 100 << 10
            }
            let (alice, carol) = (try await NymUser(desk), try await NymUser(desk))
            try await alice.create("alice@nym.example")
            try await carol.create("carol@nym.example")

            let quiet = try await Self.packets(desk, cycles: 6) {}
            var taken = 0
            var refusal = ""
            let flooded = try await Self.packets(desk, cycles: 6) {
                // Many small ones over one connection, then large ones until there is no room.
                let many = try await Python.run(
                    "flood.py",
                    ["127.0.0.1:\(desk.mail.port)", "alice@nym.example", "--count", "150", "--size", "1500"],
                    seconds: 100)
                #expect(many.code == 0, "\(many)\n\(desk.logs)")
                let large = try await Python.run(
                    "flood.py",
                    ["127.0.0.1:\(desk.mail.port)", "alice@nym.example", "--count", "200", "--size", "60000"],
                    seconds: 100)
                taken = Int(many.output.split(separator: " ").first ?? "") ?? 0
                refusal = large.errors
                try await desk.write("one for carol", to: ["carol@nym.example"])
            }
            #expect(taken == 150)
            #expect(refusal.contains("452") && refusal.contains("4.2.2"), "\(refusal)")
            #expect(abs(quiet) <= 5, "\(quiet) packets more than two in each cycle while it was quiet")
            #expect(abs(flooded) <= 5, "\(flooded) packets more than two in each cycle while one nym was flooded")
            // Behind what fills the other nym it would come after thirty cycles and more, of four seconds each.
            try await carol.came("one for carol", seconds: 60)
            // A mail that is too large for the server is refused for good.
            let large = try await desk.mail.swaks(
                from: "b@outside.example", to: ["carol@nym.example"], subject: "too large",
                body: String(repeating: String(repeating: "x", count: 70) + "\n", count: 2000))
            #expect(large.code != 0 && large.output.contains("<** 552 5.3.4"), "\(large.output.suffix(500))")
            // What was refused is with its sender, not here. Only what was under way when the room ended waits for more.
            #expect(desk.mail.held <= 60, "\(desk.mail.log.suffix(800))")
            #expect(desk.mail.outside.mails.isEmpty)
            desk.lab.stop()
        }
    }
}
