// An authority that dies at every step of a slot and is started again in the same slot: whatever it says then is what
// it said before.

import Directory
import DirectoryService
import Foundation
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Crashes of authorities")
    struct AuthorityCrashTests {
        /// Whoever is killed, and how: the name of a crash point.
        private static let victim = "bee"
        private static let points = [
            "vote-recorded", "vote-sent", "proposal-recorded", "proposal-sent", "signature-recorded", "signature-sent",
            "certified",
        ]

        /// What an authority was seen to say in a slot, by whoever published it.
        private struct Sayings {
            var votes: Set<Digest> = []
            var signed: Set<Digest> = []
        }

        private func sayings(_ desk: AuthorityDesk, _ slot: Slot, askers: [String]) async throws -> Sayings {
            var found = Sayings()
            for asker in askers {
                for line in try await desk.text(asker, "votes/\(slot)").split(separator: "\n") {
                    let words = line.split(separator: " ")
                    guard words.count == 3, words[1] == Self.victim else { continue }
                    found.votes.insert(try #require(Digest(hex: words[2])))
                }
                // Signature documents one after the other; each opens with its kind.
                let list = try await desk.text(asker, "signatures/\(slot)")
                for text in list.components(separatedBy: "\(DocumentKind.consensusSignature.rawValue) 1\n").dropFirst()
                {
                    let sent = try SentConsensusSignature(
                        Array("\(DocumentKind.consensusSignature.rawValue) 1\n\(text)".utf8))
                    try sent.verify(in: desk.root)
                    if sent.signature.authority.text == Self.victim { found.signed.insert(sent.link.digest) }
                }
            }
            return found
        }

        @Test("killed at every step of a slot, an authority never says two things in it", .timeLimit(.minutes(6)))
        func everyStep() async throws {
            var plan = LabPlan()
            plan.nodes = 2
            plan.exits = 1
            plan.mailboxNodes = 0
            plan.loopsPerMinute = 0
            plan.timeScale = 60
            plan.authorities = 4
            plan.slot = .seconds(360)  // six of ours: long enough to start again in the same one
            let lab = try RunningLab(plan)
            defer { lab.stop() }
            let desk = try AuthorityDesk(lab)
            let names = lab.authorities.map(\.name)
            let others = names.filter { $0 != Self.victim }
            _ = try await desk.reaches(desk.slot, others[0])
            let begin = try desk.slot

            var deaths: [(point: String, slot: Slot)] = []
            for point in Self.points {
                if lab.isRunning(Self.victim) { try lab.kill(Self.victim) }
                try lab.start(
                    Self.victim, environment: ["NIGHTJAR_KILL_AT": "authority-\(point):1"], waits: false)
                // Its proposals come only in every fourth slot.
                try await eventually("\(Self.victim) dies at \(point)", seconds: 60) { !lab.isRunning(Self.victim) }
                deaths.append((point, try desk.slot))
                try lab.start(Self.victim)
                // What it had recorded reaches the others, or its slot passes.
                let end = try #require(try desk.slot.advanced(by: 1))
                try await eventually("the next slot") { try desk.slot >= end }
            }
            let last = try desk.slot
            let newest = try await desk.reaches(#require(last.advanced(by: 1)), Self.victim)
            #expect(newest.slot > last, "it takes part again")

            var slot = begin
            var spoken = 0
            while slot <= last, let next = slot.advanced(by: 1) {
                let said = try await sayings(desk, slot, askers: names)
                #expect(said.votes.count <= 1, "votes in slot \(slot); deaths: \(deaths)")
                #expect(said.signed.count <= 1, "signatures in slot \(slot); deaths: \(deaths)")
                spoken += said.signed.count
                if let certified = try await desk.consensus(others[0], slot: slot), let signed = said.signed.first {
                    #expect(certified.link.digest == signed, "slot \(slot)")
                }
                slot = next
            }
            #expect(spoken > 0)
            // That which was recorded before a death was sent after it: the others have it.
            for (point, slot) in deaths where ["vote-recorded", "vote-sent"].contains(point) {
                #expect(try await sayings(desk, slot, askers: others).votes.count == 1, "\(point) in slot \(slot)")
            }
            for (point, slot) in deaths where ["signature-recorded", "signature-sent"].contains(point) {
                #expect(try await sayings(desk, slot, askers: others).signed.count == 1, "\(point) in slot \(slot)")
            }
            for name in names { #expect(try await desk.text(name, "evidence").isEmpty, "evidence at \(name)") }
        }
    }
}
