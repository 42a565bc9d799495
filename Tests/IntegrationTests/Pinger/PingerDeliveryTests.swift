// What the pinger is for: plain mails arrive. A client that sends each once, by paths of the client's own choosing, before
// and after the consensus has learned which nodes are bad.

import Foundation
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Delivery with a pinger")
    struct PingerDeliveryTests {
        private static let lossy = "bravo"
        private static let slow = "delta"
        private static let mails = 200
        /// Network time that a mail may take.
        private static let limit = Interval.minutes(60)

        private static func plan(_ server: MailServer) -> LabPlan {
            var plan = LabPlan()
            plan.nodes = 8
            plan.exits = 2
            plan.authorities = 3
            plan.hasGateways = false
            plan.loopsPerMinute = 0.05
            plan.timeScale = 120
            plan.slot = .minutes(10)
            plan.smarthost = "127.0.0.1:\(server.port)"
            plan.dropAt = [lossy: 0.2]
            plan.delayAt = [slow: .minutes(90)]
            plan.pinger = true
            plan.probesPerHour = 300
            plan.reportInterval = .minutes(20)
            return plan
        }

        @Test(
            "with a lossy and a slow node, plain mails arrive within the hour once the consensus has learned",
            .timeLimit(.minutes(30)))
        func delivery() async throws {
            let server = try await MailServer()
            let lab = try RunningLab(Self.plan(server))
            defer { lab.stop() }
            let client = try await LabClient(lab)
            let before = try await send("before", client, server)
            try lab.start(PingerDesk.name)
            // As the client sees it: what it fetched last is what its paths go by.
            try await eventually(
                "the client knows both: \(lab.log(PingerDesk.name).suffix(500))", seconds: 900, every: .seconds(1)
            ) {
                try await client.succeed(["network", "update"])
                let lines = try await client.succeed(["nodes", "--features", "nickname,flags"]).split(separator: "\n")
                let bad = lines.filter { $0.contains("Unreliable") }.compactMap { $0.split(separator: "\t").first }
                return Set(bad.map(String.init)) == [Self.lossy, Self.slow]
                    && lines.allSatisfy { $0.contains("Running") && !$0.contains("Unmeasured") }
            }
            print(try await client.succeed(["nodes"]))
            let measured = try await PingerDesk(lab: lab).measurements()
            print("\(measured.counts)\n\(measured.table)")
            let after = try await send("after", client, server)
            print(
                "of \(Self.mails) plain mails within the hour: \(before) before, \(after) after the consensus has learned"
            )
            #expect(after * 100 >= Self.mails * 99)
            #expect(before * 100 < Self.mails * 90, "the nodes are not as bad as they were to be")
        }

        /// Sends plain mails, each by itself and once; how many were there within the hour.
        private func send(_ name: String, _ client: LabClient, _ server: MailServer) async throws -> Int {
            let file = client.directory.file("mail")
            try Data("Whether this arrives?\r\n".utf8).write(to: URL(fileURLWithPath: file))
            var sent: [String: Date] = [:]
            try await withThrowingTaskGroup(of: (String, Date).self) { tasks in
                for number in 0..<Self.mails {
                    // Two at a time: as many as there are processors.
                    if number >= 2, let one = try await tasks.next() { sent[one.0] = one.1 }
                    tasks.addTask {
                        let subject = "\(name) \(number)"
                        let begin = Date()
                        try await client.succeed([
                            "send", "--to", "smtp:somebody@outside.example", "--subject", subject, file,
                        ])
                        return (subject, begin)
                    }
                }
                for try await one in tasks { sent[one.0] = one.1 }
            }
            let seconds = Self.limit.inSeconds / client.lab.timeScale
            let last = sent.values.max() ?? Date()
            try await eventually("an hour has passed, or all are there", seconds: seconds + 10) {
                Date() > last.addingTimeInterval(seconds) || Set(server.arrivals.keys).isSuperset(of: sent.keys)
            }
            let arrivals = server.arrivals
            let waits = sent.compactMap { subject, begin in arrivals[subject].map { $0.timeIntervalSince(begin) } }
                .sorted()
            if let middle = waits.dropFirst(waits.count / 2).first, let longest = waits.last {
                let scale = client.lab.timeScale / 60
                print(
                    "\(name): \(waits.count) there, median \(Int(middle * scale)) min, longest \(Int(longest * scale)) min"
                )
            }
            return waits.count { $0 <= seconds }
        }
    }
}
