// What a pinger must find out, with real processes and known faults: the losses of every node, the one link over which nothing
// goes; and what follows from it, up to the paths of a client.

import Directory
import Foundation
import LabProgram
import Testing
import WireFormat

extension Integration {
    @Suite("The pinger's figures")
    struct PingerBarTests {
        private static let lossy = "bravo"
        private static let dead = DeadLink(from: "charlie", to: "delta")
        private static let wanted = 2000

        private static var plan: LabPlan {
            var plan = LabPlan()
            plan.nodes = 8
            plan.exits = 2
            plan.authorities = 3
            plan.hasGateways = false
            plan.loopsPerMinute = 0.05
            plan.timeScale = 120
            plan.slot = .minutes(10)  // five seconds of ours
            plan.dropAt = [lossy: 0.2]
            plan.deadLinks = [dead]
            plan.pinger = true
            // Twelve a second of ours. What has not come after a minute of ours will not come.
            plan.probesPerHour = 360
            plan.probeDeadline = .hours(2)
            plan.reportInterval = .minutes(20)
            return plan
        }

        @Test(
            "after 2000 probes the estimates are true, one link is marked, consensus and paths avoid what is bad",
            .timeLimit(.minutes(30)))
        func bar() async throws {
            let lab = try RunningLab(Self.plan)
            defer { lab.stop() }
            let desk = PingerDesk(lab: lab)
            let begin = Date()
            try lab.start(PingerDesk.name)
            // Three minutes if the machine keeps up; one with much else to do has taken ten.
            let measured = try await desk.decided(Self.wanted, seconds: 1200)
            let seconds = Int(Date().timeIntervalSince(begin))
            print("after \(seconds) s: \(measured.decided) decided; \(measured.counts)\n\(measured.table)")
            #expect(measured.silence == nil)

            for node in lab.nodes {
                let relay = try #require(measured.node(node.name)?.relay, "\(node.name) is not measured")
                let truth = node.name == Self.lossy ? 800 : 1000
                let error = abs(relay.permille - truth)
                // The share that the lossy node really lost is itself a draw: 0.2 of some 1250, with a deviation of 11 permille.
                #expect(error <= (node.name == Self.lossy ? 50 : 30), "\(node.name): \(relay)")
            }
            #expect(measured.broken == ["\(Self.dead.from)>\(Self.dead.to)"])
            #expect(measured.nodes.allSatisfy { $0.duplicates == 0 && $0.damaged == 0 })

            // The authorities agree: each of them has said so, for a client asks any, and one may lag behind.
            let authorities = try AuthorityDesk(lab)
            let ids = Dictionary(uniqueKeysWithValues: lab.nodes.map { ($0.name, $0.id) })
            let link = "\(ids[Self.dead.from] ?? "")>\(ids[Self.dead.to] ?? "")"
            func names(_ certified: CertifiedConsensus) -> Bool {
                let unreliable = certified.consensus.nodes.filter { $0.flags.contains(.unreliable) }
                let broken = certified.consensus.brokenLinks.map { "\($0.from.hex)>\($0.to.hex)" }
                return unreliable.map(\.nickname.text) == [Self.lossy] && broken == [link]
            }
            var newest: CertifiedConsensus?
            try await eventually("every consensus names the lossy node and the broken link", seconds: 180) {
                for authority in lab.authorities {
                    newest = try await authorities.consensus(authority.name)
                    guard newest.map(names) ?? false else { return false }
                }
                return true
            }
            let consensus = try #require(newest).consensus
            for node in consensus.nodes {
                #expect(!node.flags.contains(.unmeasured), "\(node.nickname)")
                print("  consensus: \(node.nickname) \(node.reliability ?? -1) weight \(node.weight)")
            }

            // And clients go by it.
            let client = try await LabClient(lab)
            let paths = try await client.paths(100)
            #expect(paths.allSatisfy { $0.count == 5 && !$0.contains(Self.lossy) })
            for path in paths {
                #expect(!zip(path, path.dropFirst()).contains { $0 == Self.dead.from && $1 == Self.dead.to }, "\(path)")
            }
            // Not because the ends of the link are avoided.
            #expect(paths.contains { $0.contains(Self.dead.from) && $0.contains(Self.dead.to) })
            let table = try await client.succeed(["nodes"])
            print(table)
        }
    }
}
