// A node that dies at every step of its storage, in the middle of relaying and delivering.

import Foundation
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Crash points")
    struct CrashPointTests {
        /// Those that any traffic passes; the number is how often a point is passed, at most, before the node dies there.
        static let everyday: [(point: String, most: Int)] = [
            ("segment-written", 4), ("segment-flushed", 4), ("before-commit", 6), ("after-commit", 6), ("file-finished", 3),
            ("message-completing", 3), ("message-completed", 3), ("delivery-finished", 3),
        ]
        /// Those that a segment passes when it is an hour old.
        static let aging = ["records-copied", "copy-committed", "segment-erased"]

        private static func lab(scale: Double) throws -> RunningLab {
            var plan = LabPlan()
            plan.nodes = 3
            plan.exits = 2
            plan.timeScale = scale
            plan.loopsPerMinute = 0
            return try RunningLab(plan)
        }

        /// The one that dies relays and delivers.
        private static let victim = "bravo"

        private static func workload(_ name: String, _ sender: Correspondent, _ random: inout SeededRandom) throws -> [Shipment] {
            var shipments: [Shipment] = []
            for number in 0..<8 {
                let (path, exit) = number % 2 == 0 ? (["alpha", victim, "charlie"], "charlie") : (["alpha", victim], victim)
                shipments += try sender.shipments(
                    RandomText.base64(number % 4 == 3 ? 40_000 : 40, using: &random), subject: "\(name) \(number)",
                    to: "mbox:postmaster@\(exit)", exit: exit, path: path, delay: .seconds(30), using: &random)
            }
            return shipments
        }

        private static func subjects(_ lab: RunningLab) -> [String] {
            lab.exits.flatMap { lab.mails($0.name) }.map { ArrivedMail($0).subject }.sorted()
        }

        /// Waits until it has died by itself.
        private static func dies(_ lab: RunningLab, at point: String, seconds: Double = 60) async throws {
            try await eventually("\(victim) dies at \(point)", seconds: seconds) { !lab.isRunning(victim) }
        }

        @Test("a node that dies at a step of its storage loses and doubles nothing", .timeLimit(.minutes(5)))
        func everyStep() async throws {
            var random = SeededRandom(name: "everyStep")
            let lab = try Self.lab(scale: 300)
            let sender = try Correspondent(lab)
            var wanted: [String] = []
            for (point, most) in Self.everyday {
                let count = Int.random(in: 1...most, using: &random)
                try await lab.stop(Self.victim)
                // It may die before it is ready.
                try lab.start(Self.victim, environment: ["NIGHTJAR_KILL_AT": "\(point):\(count)"], waits: false)
                // What is committed together passes a step together: more is sent until it was passed often enough.
                for round in 0..<8 {
                    let name = round == 0 ? point : "\(point) round \(round)"
                    try await sender.send(Self.workload(name, sender, &random))
                    wanted = (wanted + (0..<8).map { "\(name) \($0)" }).sorted()
                    let isOver = round == 7
                    do { try await Self.dies(lab, at: "\(point):\(count)", seconds: isOver ? 60 : 8) } catch where !isOver { continue }
                    break
                }
                try lab.start(Self.victim)
                try await eventually("all arrive after a death at \(point):\(count)", seconds: 60) { Self.subjects(lab).count >= wanted.count }
                let books = try await lab.quiet()
                #expect(Self.subjects(lab) == wanted, "after a death at \(point):\(count)")
                for (name, book) in books { #expect(book["packets_missing"] == 0, "the books of \(name) after \(point):\(count)") }
            }
            lab.stop()
        }

        @Test("a node that dies while it copies an old segment on loses and doubles nothing", .timeLimit(.minutes(2)), arguments: aging)
        func agingSegments(_ point: String) async throws {
            var random = SeededRandom(name: "agingSegments \(point)")
            // An hour in a second.
            let lab = try Self.lab(scale: 3600)
            let sender = try Correspondent(lab)
            try await lab.stop(Self.victim)
            // With the next node away, packets stay until their segment is old.
            try await lab.stop("charlie")
            try lab.start(Self.victim, environment: ["NIGHTJAR_KILL_AT": "\(point):1"], waits: false)
            try await sender.send(Self.workload(point, sender, &random))
            try await Self.dies(lab, at: point)
            try lab.start(Self.victim)
            try lab.start("charlie")
            try await eventually("all arrive after a death at \(point)", seconds: 30) { Self.subjects(lab).count >= 8 }
            let books = try await lab.quiet()
            #expect(Self.subjects(lab) == (0..<8).map { "\(point) \($0)" }.sorted())
            for (name, book) in books { #expect(book["packets_missing"] == 0, "the books of \(name)") }
            lab.stop()
        }
    }
}
