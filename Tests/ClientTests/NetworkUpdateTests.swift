// Getting something newer: from files and directories, past everything that can be wrong with them.

import Daemon
import Directory
import Foundation
import TestSupport
import Testing
import WireFormat

@Suite(.timeLimit(.minutes(5)))
struct NetworkUpdateTests {
    /// A directory as an authority exports it.
    private func export(
        _ certified: CertifiedConsensus, of network: TestNetwork, as name: String, for user: User
    ) throws -> String {
        let folder = user.directory.file(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        _ = try user.file("\(name)/consensus", certified.bytes)
        _ = try user.file("\(name)/descriptors", DescriptorBundle.join(network.file.nodes))
        return folder
    }

    @Test func theNewestWins() async throws {
        let user = try User()
        let network = try TestNetwork()
        try await user.join(network)
        let now = ScaledClock.systemTime()
        let newer = try network.consensus(at: now, of: 5)
        let folder = try export(newer, of: network, as: "newer", for: user)
        #expect(
            try await user.run("network", "update", "--from", folder)
                == Transcript(messages: "consensus of slot \(newer.slot) with 5 nodes from DIR/newer\n"))
        #expect(
            try await user.run("network", "update", "--from", folder)
                == Transcript(messages: "nothing newer at DIR/newer\n"))
        #expect(try await user.run("nodes").output.split(separator: "\n").count == 6)
        // One consensus in a file, with its descriptors beside it; older, and what was first.
        let older = user.directory.file("testing.consensus")
        let back = try await user.run("network", "update", "--from", older)
        #expect(back.code == 3 && back.messages.contains("older than that of slot \(newer.slot) that is installed"))
        #expect(try await user.run("nodes").output.split(separator: "\n").count == 6)
    }

    @Test func whatCannotBeTrustedIsRefused() async throws {
        let user = try User()
        let network = try TestNetwork { $0.validFor = .hours(12) }
        try await user.join(network)
        let later = ScaledClock.systemTime()
        func update(_ bytes: [UInt8], _ name: String) async throws -> Transcript {
            try await user.run("network", "update", "--from", user.file(name, bytes))
        }
        let certified = try network.consensus(at: later)
        let forged = String(decoding: certified.bytes, as: UTF8.self).replacing("weight=100", with: "weight=99")
        let cases: [(String, [UInt8], Int32, String)] = [
            ("text", Array("hello\n".utf8), 4, "this is no consensus: line 1"),
            ("forged", Array(forged.utf8), 4, "the consensus is forged or damaged"),
            ("strangers", try TestNetwork().consensus(at: later).bytes, 4, "contradicts the network file"),
            ("other", try TestNetwork { $0.name = "other" }.consensus(at: later).bytes, 4, "another network, other"),
            (
                "coming", try network.consensus(at: later + .days(1)).bytes, 3,
                "in the future here; set this machine's clock"
            ),
            ("early", try network.consensus(at: later - .hours(20)).bytes, 3, "the consensus expired on "),
        ]
        for (name, bytes, code, words) in cases {
            let run = try await update(bytes, name)
            #expect(
                run.code == code && run.messages.contains("DIR/\(name): ") && run.messages.contains(words), "\(run)")
        }
        #expect(
            try await user.run("network", "update", "--from", user.directory.file("nothing"))
                == .failure(2, "there is no file and no directory DIR/nothing"))
        #expect(try await user.run("path").code == 0)
    }

    @Test func aForkIsToldUntilItIsAcknowledged() async throws {
        let user = try User()
        let network = try TestNetwork()
        try await user.join(network)
        let fork = try network.consensus(at: network.file.published, of: 4)
        let folder = try export(fork, of: network, as: "fork", for: user)
        let run = try await user.run("network", "update", "--from", folder)
        #expect(run.code == 4 && run.messages.contains("there are two certified consensuses of slot"), "\(run)")
        let warning =
            "WARNING: there are 2 different certified consensuses of slot \(network.file.height) of the network testing: "
        for _ in 0..<2 {
            let path = try await user.run("path")
            #expect(path.code == 0 && path.messages.hasPrefix(warning), "\(path)")
        }
        let shown = try await user.run("network", "evidence").output.split(separator: "\n")
        #expect(
            shown.first == "slot \(network.file.height): 2 certified consensuses (new)" && shown.count == 3, "\(shown)")
        #expect(shown[1...].allSatisfy { $0.contains("DIR/home/networks/testing/evidence/\(network.file.height)-") })
        #expect(
            try await user.run("network", "show").output.contains(
                "evidence     1 fork, 1 not acknowledged, 0 rollbacks\n"))
        #expect(try await user.run("network", "evidence", "--acknowledge").code == 0)
        #expect(try await user.run("path").messages == "")
        #expect(try await user.run("network", "evidence").output.contains("(acknowledged)"))
    }

    @Test func descriptorsThatAreWithheldAreMissed() async throws {
        let user = try User()
        let network = try TestNetwork()
        let files = try user.files(of: network)
        let few = try user.file("few", DescriptorBundle.join(Array(network.file.nodes.prefix(4))))
        let refused = try await user.run(
            "network", "add", files.network, "--consensus", files.consensus, "--descriptors", few)
        #expect(refused.code == 3 && refused.messages.contains("2 of 6 descriptors of slot"), "\(refused)")
        #expect(try await user.run("network", "list").code == 0)
        let most = try user.file("most", DescriptorBundle.join(Array(network.file.nodes.prefix(5))))
        let added = try await user.run(
            "network", "add", files.network, "--consensus", files.consensus, "--descriptors", most)
        #expect(
            added.code == 0 && added.messages.contains("the descriptors of 1 nodes could not be fetched"), "\(added)")
        #expect(try await user.run("nodes").output.split(separator: "\n").count == 6)
        #expect(try await user.run("network", "show").output.contains("nodes        5, 1 not known yet\n"))
    }

    @Test func damagedDescriptorsAreSaidAndFetchedAgain() async throws {
        let user = try User()
        let network = try TestNetwork()
        try await user.join(network)
        let folder = try export(try #require(network.file.consensus), of: network, as: "same", for: user)
        _ = try user.file("home/networks/testing/descriptors", Array("hello\n".utf8))
        let path = try await user.run("path")
        #expect(
            path.code == 3
                && path.messages.contains("the descriptors of 6 of the 6 nodes of the network testing are missing")
                && path.messages.contains("nightjar network update testing"), "\(path)")
        #expect(try await user.run("network", "update", "--from", folder).code == 0)
        #expect(try await user.run("path").code == 0)
    }

    /// Killed at any time it leaves what was there or what is new.
    @Test func anUpdateThatIsKilledLeavesAWholeNetwork() async throws {
        let user = try User()
        let network = try TestNetwork()
        try await user.join(network)
        var random = SeededRandom(name: "anUpdateThatIsKilledLeavesAWholeNetwork")
        let now = ScaledClock.systemTime()
        for step in 0..<20 {
            let certified = try network.consensus(
                at: now - .minutes(20 * Int64(20 - step)) + .hours(6), of: 4 + step % 3)
            let folder = try export(certified, of: network, as: "step", for: user)
            let run = try user.start(
                ["network", "update", "--from", folder], environment: [:])
            try await Task.sleep(for: .microseconds(Int64.random(in: 0..<60_000, using: &random)))
            kill(run.pid, SIGKILL)
            _ = try await run.end()
            let nodes = try await user.run("nodes", "--json")
            #expect(nodes.code == 0 && nodes.messages == "", "\(nodes)")
        }
    }

    @Test func aNetworkIsForgotten() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        #expect(try await user.run("network", "remove", "testing").code == 2)
        #expect(
            try await user.run("network", "remove", "testing", "--yes")
                == Transcript(
                    messages: "network testing is removed; its queue, mailboxes and reply blocks are still there\n"))
        #expect(try await user.run("network", "list").code == 2)
    }
}
