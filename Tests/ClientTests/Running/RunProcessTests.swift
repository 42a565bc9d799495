// `nightjar run` as a process of its own, against real links: what it sends, what it leaves to nobody else, how it ends.

import Foundation
import Glibc
import Messages
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(8)))
struct RunProcessTests {
    private static let settings = """
        [run]
        send-interval = "100ms"
        outbox-interval = "1s"
        refresh-interval = "1s"

        """

    private func isServing(_ user: User) throws -> Bool {
        RunStatus.read(try ClientPlaces(home: user.home, environment: [:])) != nil
    }

    private func started(_ user: User) async throws -> User.Run {
        let run = try user.start(["run"])
        do {
            try await eventually(seconds: 120) { (try? isServing(user)) == true }
        } catch {
            kill(run.pid, SIGKILL)
            throw User.Failure(text: "\(error): \(run.said)")
        }
        return run
    }

    /// What carried parts of messages; the rest was cover.
    private func parts(_ network: TestNetwork) -> [(journey: Journey, body: [UInt8])] {
        network.taken.compactMap { taken in
            (try? network.follow(taken.body, from: taken.node)).map { ($0, taken.body) }
        }
    }

    @Test func withoutAUserItSendsCoverAndEndsAtOnce() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try user.configure(Self.settings)
        try await user.join(network)
        let run = try await started(user)
        try await eventually(seconds: 120) { network.taken.count >= 100 }
        kill(run.pid, SIGTERM)
        let before = ContinuousClock.now
        let end = try await run.end()
        #expect(end.code == 0, "\(end)")
        #expect(ContinuousClock.now - before < .seconds(15))
        #expect(parts(network).isEmpty)
        // All first nodes have their share.
        #expect(network.nodes.allSatisfy { !$0.taken.isEmpty })
        #expect(Set(network.taken.map(\.body.count)) == [32_768])
        #expect(end.messages.split(separator: "\n").count <= 4, "\(end)")
        #expect(try await user.run("queue", "list") == Transcript(output: "no packets wait\n"))
        let status = try await user.run("status")
        #expect(
            status == .failure(1, "`nightjar run` is not running; start it, or: systemctl --user start nightjar"))
        await network.stop()
    }

    @Test func sendHandsOverAndOthersKeepOut() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try user.configure(Self.settings)
        try await user.join(network)
        let run = try await started(user)
        let sent = try await user.run("send", "--to", "alice@example.org", input: "Hello\n")
        #expect(sent.code == 0 && sent.messages.contains("handed to `nightjar run`"), "\(sent)")
        try await eventually(seconds: 120) { !parts(network).isEmpty }
        #expect(parts(network).count == 1)

        let second = try await user.run("run")
        #expect(second.code == 3 && second.messages.contains("`nightjar run` is running already"), "\(second)")
        let flush = try await user.run("queue", "flush")
        #expect(flush.code == 3 && flush.messages.contains("`nightjar run` has this queue"), "\(flush)")
        // The list is of the record, which may have been written just before the packet left.
        let places = try ClientPlaces(home: user.home, environment: [:])
        try await eventually(seconds: 120) { RunStatus.read(places)?.networks.first?.waiting.isEmpty == true }
        let list = try await user.run("queue", "list")
        #expect(list.code == 0 && list.output == "no packets wait\n", "\(list)")
        let status = try await user.run("status")
        #expect(status.code == 0 && status.output.contains("network testing version 1"), "\(status)")
        let json = try await user.run("run", "--status", "--json")
        #expect(json.code == 0 && json.output.contains("\"isRunning\""), "\(json)")

        // A bad file is told once and changes nothing; a good one is taken.
        try user.configure("send-interval = 3\n")
        kill(run.pid, SIGHUP)
        try await eventually { run.said.contains("the configuration stays as it was") }
        let before = network.taken.count
        try await eventually(seconds: 120) { network.taken.count > before + 10 }
        try user.configure(Self.settings.replacing("100ms", with: "200ms"))
        kill(run.pid, SIGHUP)
        try await eventually { run.said.contains("configuration read again") }
        kill(run.pid, SIGTERM)
        let end = try await run.end()
        #expect(end.code == 0, "\(end)")
        await network.stop()
    }

    @Test func killedAgainAndAgainItLosesNothing() async throws {
        var random = SeededRandom(name: "killedAgainAndAgainItLosesNothing")
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try user.configure(Self.settings)
        try await user.join(network)
        var sizes: [Int] = []
        for round in 0..<8 {
            let run = try await started(user)
            let size = Int.random(in: 1...90_000, using: &random)
            let text = Data(random.bytes(size)).base64EncodedString(options: .lineLength76Characters) + "\r\n"
            sizes.append(text.utf8.count)
            let sent = try await user.run("send", "--to", "user\(round)@example.org", user.file("mail-\(round)", text))
            #expect(sent.code == 0, "\(sent)")
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...2500, using: &random)))
            kill(run.pid, SIGKILL)
            _ = try await run.end()
        }
        let run = try await started(user)
        func complete() -> Int {
            Dictionary(grouping: parts(network), by: \.journey.part.id).values.count { parts in
                Set(parts.map { [$0.journey.part.group.number, $0.journey.part.index] }).count
                    == parts[0].journey.part.layout.parts
            }
        }
        try await eventually(seconds: 300) { complete() == sizes.count }
        kill(run.pid, SIGTERM)
        #expect(try await run.end().code == 0)
        // A packet that a node took just before a kill may wait to leave once more.
        let flush = try await user.run("queue", "flush")
        #expect(flush.code == 0, "\(flush)")
        // Under as many names as there were mails: none was made into another message after a crash.
        let names = Set(parts(network).map(\.journey.part.id))
        #expect(names.count == sizes.count)
        #expect(try await user.run("queue", "list") == Transcript(output: "no packets wait\n"))
        await network.stop()
    }
}
