// A pinger that has trouble of its own: it says so, and nobody hears anything false of a node.

import Directory
import Foundation
import Glibc
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("The pinger's honesty")
    struct PingerHonestyTests {
        /// A network in which nothing is wrong.
        private static var plan: LabPlan {
            var plan = LabPlan()
            plan.nodes = 6
            plan.exits = 1
            plan.authorities = 3
            plan.hasGateways = false
            plan.loopsPerMinute = 0.05
            plan.timeScale = 120
            plan.slot = .minutes(10)
            plan.pinger = true
            plan.probesPerHour = 300
            plan.probeDeadline = .hours(1)
            plan.reportInterval = .minutes(10)
            return plan
        }

        /// What must be true whatever happens to the pinger.
        private func checkNothingFalse(_ lab: RunningLab, _ when: String) async throws {
            let authorities = try AuthorityDesk(lab)
            let consensus = try #require(try await authorities.consensus("ant")).consensus
            let bad = consensus.nodes.filter { $0.flags.contains(.unreliable) }.map(\.nickname.text)
            #expect(bad.isEmpty && consensus.brokenLinks.isEmpty, "\(when): \(bad) \(consensus.brokenLinks)")
            for node in consensus.nodes {
                #expect((node.reliability ?? 1000) >= 950, "\(when): \(node.nickname) \(node.reliability ?? -1)")
            }
        }

        private func checkNothingFalse(_ measured: Measurements, _ when: String) {
            print("\(when): \(measured.counts); \(measured.silence ?? "speaks")")
            for node in measured.nodes {
                guard let relay = node.relay else { continue }
                #expect(relay.high >= 990, "\(when): \(node.nickname ?? node.id) \(relay)")
            }
            #expect(measured.broken.isEmpty, "\(when)")
        }

        /// The pinger reports again, and there is nothing false in it.
        private func speaks(_ desk: PingerDesk, _ when: String, seconds: Double = 150) async throws -> Measurements {
            var measured: Measurements?
            try await eventually(
                "\(when): it speaks; log: \(desk.lab.log(PingerDesk.name).suffix(600))", seconds: seconds,
                every: .seconds(1)
            ) {
                let run = try await desk.run(["report", "--json"])
                measured = try? JSONDecoder().decode(Measurements.self, from: Data(run.output.utf8))
                return run.code == 0 && measured?.silence == nil
            }
            let found = try #require(measured)
            checkNothingFalse(found, when)
            try await checkNothingFalse(desk.lab, when)
            return found
        }

        /// It says in its report, its exit code and its log that it says nothing: in the log last.
        /// - Parameter old: the log as it was before the trouble.
        private func isSilent(
            _ desk: PingerDesk, _ when: String, word: String, log: String, after old: String
        ) async throws {
            try await eventually(
                "\(when): the log says \(log): \(desk.lab.log(PingerDesk.name).suffix(600))", seconds: 90
            ) {
                desk.lab.log(PingerDesk.name).dropFirst(old.count).contains(log)
            }
            let run = try await desk.run(["report", "--json"])
            #expect(run.code == 3, "\(when): \(run)")
            #expect(run.errors.contains("nothing is said of the nodes now"), "\(when): \(run.errors)")
            let silence = try JSONDecoder().decode(Measurements.self, from: Data(run.output.utf8)).silence
            print("\(when): \(silence ?? "nil")")
            #expect(silence?.contains(word) == true, "\(when): \(silence ?? "nil")")
        }

        private func digest(_ lab: RunningLab) throws -> [UInt8] {
            Array(try Data(contentsOf: URL(fileURLWithPath: "\(lab.pingerOutput)/report")))
        }

        @Test(
            "cut off from the network, it says so and reports nothing; what was under way counts for nothing",
            .timeLimit(.minutes(15)))
        func cutOff() async throws {
            let lab = try RunningLab(Self.plan)
            defer { lab.stop() }
            let desk = PingerDesk(lab: lab)
            try lab.start(PingerDesk.name)
            _ = try await desk.decided(150, seconds: 300)
            let before = try await speaks(desk, "before the cut")
            let log = lab.log(PingerDesk.name)
            // No node answers any more; for the pinger that is a cut line.
            for node in lab.names { try lab.signal(node, SIGSTOP) }
            defer { for node in lab.names { try? lab.signal(node, SIGCONT) } }
            try await isSilent(desk, "cut off", word: "reached", log: "no node could be reached", after: log)
            // So does its page, the last file that a round writes: none is on any more that began while it saw.
            let page = "\(lab.pingerOutput)/index.html"
            try await eventually("cut off: the page says so", seconds: 90) {
                try String(contentsOfFile: page, encoding: .utf8).contains("no node could be reached")
            }
            let last = try digest(lab)
            // Three more slots go by for the authorities, in each of which a report was due.
            let authorities = try AuthorityDesk(lab)
            let later = try #require(try authorities.slot.advanced(by: 3))
            _ = try await authorities.reaches(later, "ant")
            #expect(try digest(lab) == last, "a report was made while the pinger saw nothing")
            try await checkNothingFalse(lab, "cut off")
            for node in lab.names { try lab.signal(node, SIGCONT) }
            let after = try await speaks(desk, "after the cut")
            #expect(after.void > before.void)
        }

        @Test("after its clock jumped, it says so and reports nothing false", .timeLimit(.minutes(15)))
        func clock() async throws {
            let lab = try RunningLab(Self.plan)
            defer { lab.stop() }
            let desk = PingerDesk(lab: lab)
            try lab.start(PingerDesk.name)
            _ = try await desk.decided(150, seconds: 300)
            _ = try await speaks(desk, "before the jump")
            try await lab.stop(PingerDesk.name)
            // Forty days ahead, longer than a consensus is valid: the origin of its time is earlier than that of the others.
            let path = lab.configuration(PingerDesk.name)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let shift = Int64(Interval.days(40).milliseconds / Int64(lab.timeScale))
            let wrong = text.replacing(
                "time-origin = \(lab.timeOrigin.milliseconds)",
                with: "time-origin = \(lab.timeOrigin.milliseconds - shift)")
            #expect(wrong != text)
            try Data(wrong.utf8).write(to: URL(fileURLWithPath: path))
            try lab.start(PingerDesk.name)
            try await eventually("a clock that is ahead is told: \(lab.log(PingerDesk.name).suffix(800))", seconds: 120)
            {
                let run = try await desk.run(["report", "--json"])
                return run.code == 3 && run.errors.contains("clock")
            }
            print(try await desk.run(["report"]).errors)
            try await checkNothingFalse(lab, "with a wrong clock")
            try await lab.stop(PingerDesk.name)
            // The clock is set right: what was measured in the future counts for nothing.
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            try lab.start(PingerDesk.name)
            _ = try await speaks(desk, "the clock is right again")
        }

        @Test(
            "with its database cut in half it begins anew, says so, and reports nothing false", .timeLimit(.minutes(15))
        )
        func database() async throws {
            let lab = try RunningLab(Self.plan)
            defer { lab.stop() }
            let desk = PingerDesk(lab: lab)
            try lab.start(PingerDesk.name)
            _ = try await desk.decided(150, seconds: 300)
            _ = try await speaks(desk, "whole")
            try await lab.stop(PingerDesk.name)
            let path = "\(lab.dataDirectory(PingerDesk.name))/pings.db"
            let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
            #expect(truncate(path, size / 2) == 0)
            let run = try await desk.run(["report"])
            #expect(run.code == 1 && run.errors.contains("damaged"), "\(run)")
            print(run.errors)
            try lab.start(PingerDesk.name)
            try await eventually("it tells of the damage", seconds: 30) {
                lab.log(PingerDesk.name).contains("the pinger's database was damaged and is now")
            }
            let kept = try FileManager.default.contentsOfDirectory(atPath: lab.dataDirectory(PingerDesk.name))
            #expect(
                kept.contains {
                    $0.hasPrefix("pings.db") && $0 != "pings.db" && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm")
                })
            _ = try await desk.decided(150, seconds: 300)
            _ = try await speaks(desk, "begun anew")
        }

        @Test("killed at random moments, it reports nothing false", .timeLimit(.minutes(15)))
        func killed() async throws {
            var random = SeededRandom(name: "a pinger that is killed")
            let lab = try RunningLab(Self.plan)
            defer { lab.stop() }
            let desk = PingerDesk(lab: lab)
            for round in 1...8 {
                try lab.start(PingerDesk.name)
                // The moment is what is drawn here: nothing is waited for.
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...12_000, using: &random)))
                try lab.kill(PingerDesk.name)
                try await checkNothingFalse(lab, "killed for the \(round). time")
            }
            try lab.start(PingerDesk.name)
            _ = try await desk.decided(200, seconds: 300)
            // Until all that was under way when it was killed is past its deadline.
            let end = lab.now + .hours(2)
            try await eventually("two hours of the network's time", seconds: 100) { lab.now >= end }
            let measured = try await speaks(desk, "after eight kills")
            #expect(measured.nodes.allSatisfy { $0.duplicates == 0 && $0.damaged == 0 }, "\(measured.table)")
            print(measured.table)
        }
    }
}
