// Networks: adding, replacing, making, and everything that can be wrong with their files.

import Daemon
import Directory
import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite(.timeLimit(.minutes(5)))
struct NetworkTests {
    private func add(_ user: User, _ network: TestNetwork, _ options: String...) async throws -> Transcript {
        try await user.run(["network", "add", user.files(of: network).network] + options)
    }

    @Test func theFirstTimeTheFingerprintIsShown() async throws {
        let user = try User()
        let network = try TestNetwork()
        let files = try user.files(of: network)
        let digest = network.file.root.digest.hex
        let height = network.file.height
        #expect(
            try await add(user, network, "--consensus", files.consensus, "--descriptors", files.descriptors)
                == Transcript(
                    messages: """
                        network testing version 1 added
                        it trusts sole to say which nodes you use
                        its fingerprint is \(digest); compare it with one from another source
                        consensus of slot \(height) with 6 nodes from DIR/testing.consensus

                        """))
        #expect(
            try await add(user, network) == Transcript(messages: "network testing version 1 was installed already\n"))
        let other = try User()
        #expect(
            try await add(other, network, "--digest", digest)
                == Transcript(
                    messages: """
                        network testing version 1 added
                        it trusts sole to say which nodes you use
                        there is no source to ask; try again later with `nightjar network update`

                        """))
        #expect(
            try await other.run("path")
                == Transcript(
                    messages: """
                        fetching the consensus of the network testing
                        it is not known yet which nodes the network testing has; get its consensus with `nightjar network \
                        update testing`

                        """, code: 3))
        let list = try await user.run("network", "list").output.split(separator: "\n")
        #expect(list.count == 2 && list[1].hasPrefix("testing  1        \(height)  6      20"), "\(list)")
        let shown = try await user.run("network", "show").output
        #expect(shown.hasPrefix("network      testing (test network)\nversion      1, published "))
        #expect(shown.contains("fingerprint  \(digest)\n") && shown.contains("quorum       1 of 1\n"))
        #expect(shown.contains("parameter    mean-delay 2m\n") && shown.contains("parameter    slot-length 20m\n"))
    }

    @Test func anotherNetworkFileIsNoNewEdition() async throws {
        let user = try User()
        let network = try TestNetwork()
        try await user.join(network)
        #expect(
            try await add(user, try TestNetwork())
                == .failure(4, "\(NetworkFileError.fork(version: 1))"))
        let stranger = try await add(try User(), network, "--digest", String(repeating: "ab", count: 32))
        #expect(
            stranger.code == 4
                && stranger.messages.hasPrefix(
                    "the network file has the fingerprint \(network.file.root.digest.hex), not abab")
        )
        #expect(
            try await add(user, network, "--digest", "abc")
                == .failure(2, "--digest takes a fingerprint of 64 hexadecimal digits"))
    }

    @Test func filesThatAreNotNetworksAreRefused() async throws {
        let user = try User()
        #expect(
            try await user.run("network", "add", user.directory.file("nothing"))
                == .failure(1, "cannot read DIR/nothing: no such file or directory"))
        let text = try await user.run("network", "add", user.file("text", "Hello\n"))
        #expect(text.code == 1 && text.messages.hasPrefix("DIR/text is not a network file: "), "\(text)")
        // One letter of the signed part changed.
        var forged = String(decoding: try TestNetwork().file.root.bytes, as: UTF8.self)
        forged = forged.replacing("version 1\n", with: "version 9\n", maxReplacements: 1)
        #expect(
            try await user.run("network", "add", user.file("forged", forged))
                == .failure(4, "\(NetworkFileError.badSignature("sole"))"))
        #expect(!FileManager.default.fileExists(atPath: user.home + "/networks/testing/network"))
    }

    @Test func aNetworkThatExpiresStopsSending() async throws {
        let user = try User()
        let network = try TestNetwork { $0.validFor = .days(2) }
        try await user.join(network)
        try user.configure("[directory]\nrefresh = false\n")
        let late = [
            "NIGHTJAR_TIME_SCALE": "2",
            "NIGHTJAR_TIME_ORIGIN": "\(ScaledClock.systemTime().milliseconds - 3 * 86_400_000)",
        ]
        let message =
            "what is known of the network testing expired on \(network.file.validUntil); get a newer consensus with "
            + "`nightjar network update testing`, or use the old one knowingly with --stale"
        #expect(try await user.run(["send", "--to", "alice@example.org"], environment: late) == .failure(3, message))
        let list = try await user.run(["network", "list"], environment: late)
        #expect(list.code == 0 && list.output.contains(message))
        let stale = try await user.run(["nodes", "--stale"], environment: late)
        #expect(
            stale.code == 0 && stale.output.hasPrefix("NODE")
                && stale.messages.hasPrefix(
                    "WARNING: what is known of the network testing is 3 days old and EXPIRED on "),
            "\(stale)")
        let shown = try await user.run(["network", "show"], environment: late)
        #expect(shown.code == 0 && shown.output.contains(" ago: expired\n"), "\(shown)")
    }

    @Test func anOldConsensusIsToldOf() async throws {
        let user = try User()
        let network = try TestNetwork {
            $0.published = ScaledClock.systemTime() - .hours(30)
            $0.freshFor = .hours(1)
            $0.validFor = .days(3)
        }
        try await user.join(network)
        let path = try await user.run("path", "alpha,bravo,echo")
        #expect(
            path
                == Transcript(
                    output: "alpha,bravo,echo\n",
                    messages:
                        "warning: what is known of the network testing is 30 hours old; get a newer consensus with "
                        + "`nightjar network update testing`\n"))
    }

    @Test func nodesAreShown() async throws {
        let user = try User()
        let network = try TestNetwork()
        try await user.join(network)
        let lines = try await user.run("nodes").output.split(separator: "\n")
        #expect(lines.count == 7)
        #expect(
            lines[0].split(separator: " ") == [
                "NODE", "ID", "FLAGS", "WEIGHT", "MEASURED", "ADDRESSES", "CAPABILITIES", "KEYS", "VALID", "UNTIL",
            ])
        let alpha = network["alpha"]
        #expect(lines[1].hasPrefix("alpha    \(alpha.id.hex.prefix(8))  Running,Unmeasured"))
        #expect(lines[1].contains("  100     unmeasured  127.0.0.1:\(alpha.port)"), "\(lines[1])")

        struct Node: Decodable {
            var nickname, id: String
            var hasCurrentKey, isUsable: Bool
            var capabilities: [String]
        }
        let json = try await user.run("nodes", "--json").output
        let nodes = try JSONDecoder().decode([Node].self, from: Data(json.utf8))
        #expect(nodes.map(\.nickname) == ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"])
        #expect(nodes.allSatisfy { $0.hasCurrentKey && $0.isUsable })
        #expect(nodes[4].capabilities == ["exit-mbox", "exit-smtp", "relay"])
    }

    @Test func pathsAreShown() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        #expect(
            try await user.run("path", "alpha,bravo,echo", "--to", "alice@example.org")
                == Transcript(output: "alpha,bravo,echo\n"))
        let path = try await user.run("path", "--to", "alice@example.org").output.dropLast().split(separator: ",")
        #expect(path.count == 5 && ["echo", "foxtrot"].contains(path[4]))
        struct Hop: Decodable, Equatable { var nickname: String }
        let json = try await user.run("path", "delta,echo", "--json").output
        #expect(
            try JSONDecoder().decode([Hop].self, from: Data(json.utf8)) == [
                Hop(nickname: "delta"), Hop(nickname: "echo"),
            ])
    }
}
