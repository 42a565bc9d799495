// A node that is away for a while.

import Foundation
import Glibc
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Outage")
    struct OutageTests {
        @Test("packets for a node that is down wait for it, and delay nobody else's", .timeLimit(.minutes(2)))
        func nodeDown() async throws {
            var generator = SeededRandom(name: "nodeDown")
            var plan = LabPlan()
            plan.nodes = 5
            plan.exits = 1
            plan.timeScale = 300
            plan.loopsPerMinute = 0
            let lab = try RunningLab(plan)
            let sender = try Correspondent(lab)
            let exit = lab.exits[0].name
            try await lab.stop("bravo")

            var shipments: [Shipment] = []
            for number in 0..<40 {
                let second = number % 2 == 0 ? "bravo" : "charlie"
                shipments += try sender.shipments(
                    Array("hello\r\n".utf8), subject: "by \(second) \(number)", to: "mbox:postmaster@\(exit)", exit: exit,
                    path: ["alpha", second, "delta", exit], delay: .seconds(30), using: &generator)
            }
            #expect(try await sender.send(shipments) == 0)
            func subjects() -> [String] { lab.mails(exit).map { ArrivedMail($0).subject } }
            let begin = Date()
            try await eventually("what does not need the node arrives", seconds: 30) { subjects().count { $0.hasPrefix("by charlie") } == 20 }
            let others = Date().timeIntervalSince(begin)
            #expect(subjects().allSatisfy { $0.hasPrefix("by charlie") })
            try await eventually("its packets wait at alpha") { try lab.metrics("alpha")["spool_packets"] == 20 }
            let counts = try lab.metrics("alpha")
            #expect(counts["links_failed_refused_total"] > 0, "\(counts.values.filter { $0.key.hasPrefix("link") })")

            try lab.start("bravo")
            try await eventually("what waited arrives", seconds: 60) { subjects().count == 40 }
            print("others arrived after \(others) s while bravo was down; the rest \(Date().timeIntervalSince(begin) - others) s later")
            let books = try await lab.quiet()
            #expect(Set(subjects()).count == 40)
            for (name, book) in books { #expect(book["packets_missing"] == 0, "the books of \(name)") }
            lab.stop()
        }
    }
}
