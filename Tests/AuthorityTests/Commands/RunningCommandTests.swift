import Foundation
import Testing
import WireFormat

@testable import AuthorityProgram

/// Two authorities that run, and a third that takes part by hand.
@Suite("Commands beside running authorities", .timeLimit(.minutes(5)))
struct RunningCommandTests {
    @Test("status, export, audit; publish and fetch of one that does not run")
    func besides() async throws {
        let ports = try await PaperNetwork.freePorts()
        let paper = try await PaperNetwork(slotLength: .seconds(8), urls: ports.map { "http://127.0.0.1:\($0)" })
        let table = paper.table
        let alone = try await table.run("fetch --config carol.toml")
        #expect(alone.code == 3 && alone.messages.contains("alice: cannot connect"), "\(alone)")
        var processes: [pid_t] = []
        defer { for process in processes { kill(process, SIGTERM) } }
        for name in ["alice", "bob"] {
            let started = try await table.shell(
                "nightjar-authority run --config \(name).toml > \(name).log 2>&1 & echo $!")
            processes.append(try #require(pid_t(started.output.filter(\.isNumber))))
        }
        try await until { try await table.run("status --config bob.toml").code == 0 }
        try await until { try await table.run("status --config alice.toml").code == 0 }
        let status = try await table.must("status --config alice.toml")
        #expect(status.output.contains(" alice of the network paper\n"), "\(status)")
        let json = try await table.must("status --config alice.toml --json")
        #expect(json.output.contains("\"authority\" : \"alice\""))
        let busy = try await table.run("vote --config alice.toml")
        #expect(busy.code == 3 && busy.messages.contains("the authority runs, and does this itself"))
        let twice = try await table.run("run --config alice.toml")
        #expect(twice.code == 3 && twice.messages.contains("is using this directory"), "\(twice)")

        // Carol votes in a slot that somebody else leads, and hands her vote in.
        let nothing = try await table.run("publish --config carol.toml")
        #expect(nothing.code == 1 && nothing.messages.contains("has made nothing for slot"))
        var slot: UInt64 = 0
        try await until {
            slot = paper.current + 1
            guard paper.leader(slot) != "carol" else { return false }
            try await table.must("vote --config carol.toml --slot \(slot) --output carol.vote")
            let published = try await table.run("publish --config carol.toml --slot \(slot)")
            return published.code == 0 && published.messages == "alice: vote: has it\nbob: vote: has it\n"
        }
        try await until { paper.current > slot }
        let fetched = try await table.must("fetch --config carol.toml --slot \(slot)")
        #expect(fetched.messages.contains("the vote of alice for slot \(slot)"), "\(fetched)")
        #expect(fetched.messages.contains("the consensus of slot"), "\(fetched)")
        // What was certified with her vote can be checked by her, and over HTTP by anybody.
        let audit = try await table.must("audit --url http://127.0.0.1:\(ports[0]) --network network --last 1")
        #expect(audit.output.contains("1 of 1 consensuses are what their votes say"))
        let exported = try await table.must("export mirror --config alice.toml")
        #expect(!exported.messages.contains("without the pages"))
        #expect(table.text("mirror/index.html").contains("<html"))
        #expect(table.text("mirror/votes/\(slot)").contains("vote carol "))
        #expect(try await table.run("audit --directory mirror --network network").code == 0)
        let unreachable = try await table.run("audit --url http://127.0.0.1:\(ports[2]) --network network")
        #expect(unreachable.code == 3 && unreachable.messages.contains("cannot connect"))
        for process in processes { kill(process, SIGTERM) }
        try await until { try await table.run("status --config alice.toml").messages.contains("does not run") }
    }

    /// Polls until it is so.
    private func until(_ isTrue: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while try await !isTrue() {
            guard ContinuousClock.now < deadline else { throw Operator.Failure(text: "waited in vain") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
