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
        try await user.run(["network", "add", user.file("file", network.file.bytes)] + options)
    }

    @Test func theFirstTimeTheSignerIsShown() async throws {
        let user = try User()
        let network = try TestNetwork()
        let key = Hex.encode(network.signer.verificationKey.bytes)
        #expect(
            try await add(user, network)
                == Transcript(
                    messages: """
                        network testing version 1 with 6 nodes added
                        it is signed by \(key); compare this key with one from another source: whoever holds it decides which \
                        nodes you use

                        """))
        let other = try User()
        #expect(
            try await add(other, network, "--signer", key)
                == Transcript(messages: "network testing version 1 with 6 nodes added\n"))
        #expect(
            try await add(other, network)
                == Transcript(messages: "network testing version 1 with 6 nodes was installed already\n"))
        let list = try await user.run("network", "list").output.split(separator: "\n")
        #expect(list.count == 2 && list[1].hasPrefix("testing  1        6      20"), "\(list)")
        let shown = try await user.run("network", "show").output
        #expect(
            shown.hasPrefix("network      testing (test network)\nversion      1\n")
                && shown.contains("signer       \(key)\n"))
        #expect(shown.contains("parameter    mean-delay 2m\n"))
    }

    @Test func onlyTheSameSignerReplacesIt() async throws {
        let user = try User()
        let network = try TestNetwork { $0.version = 2 }
        _ = try await add(user, network)
        #expect(
            try await add(user, try TestNetwork { $0.version = 3 })
                == .failure(
                    4, "the network file is signed by another key than the one trusted for this network; do not use it")
        )
        #expect(
            try await add(user, try TestNetwork { $0.signer = network.signer })
                == .failure(4, "the network file is version 1, older than version 2 that is installed"))
        #expect(
            try await add(
                user,
                try TestNetwork {
                    $0.signer = network.signer
                    $0.version = 3
                })
                == Transcript(messages: "network testing version 3 with 6 nodes updated\n"))
        #expect(
            try await add(try User(), network, "--signer", String(repeating: "ab", count: 32))
                == .failure(
                    4, "the network file is signed by another key than the one trusted for this network; do not use it")
        )
        #expect(
            try await add(user, network, "--signer", "abc")
                == .failure(2, "--signer takes a key of 64 hexadecimal digits"))
    }

    @Test func filesThatAreNotNetworksAreRefused() async throws {
        let user = try User()
        #expect(
            try await user.run("network", "add", user.directory.file("nothing"))
                == .failure(1, "cannot read DIR/nothing: no such file or directory"))
        let text = try await user.run("network", "add", user.file("text", "Hello\n"))
        #expect(text.code == 1 && text.messages.hasPrefix("DIR/text is not a network file: "), "\(text)")
        // One letter of the signed part changed.
        var forged = String(decoding: try TestNetwork().file.bytes, as: UTF8.self)
        forged = forged.replacing("version 1\n", with: "version 9\n", maxReplacements: 1)
        #expect(
            try await user.run("network", "add", user.file("forged", forged))
                == .failure(4, "the network file's signature is wrong: it was damaged or forged; fetch it again"))
    }

    @Test func datesAreChecked() async throws {
        let user = try User()
        let old = try TestNetwork {
            $0.published = ScaledClock.systemTime() - .days(3)
            $0.validFor = .days(2)
        }
        let expired = try await add(user, old)
        #expect(
            expired
                == .failure(
                    3, "the network file expired on \(old.file.validUntil); get a newer one from the network's operator"
                ))
        // As a clock that is slow by two days shows it.
        let coming = try TestNetwork { $0.published = ScaledClock.systemTime() + .days(2) }
        #expect(
            try await add(user, coming)
                == .failure(
                    3,
                    "the network file was made on \(coming.file.published), which is in the future here; set this machine's clock"
                ))
        #expect(
            try await add(
                user,
                try TestNetwork {
                    $0.isTest = false
                    $0.change = { $0.addresses = [NodeAddress("8.8.8.8")!] }
                }
            ).code == 0)
    }

    @Test func aNetworkThatExpiresStopsSending() async throws {
        let user = try User()
        let network = try TestNetwork { $0.validFor = .days(2) }
        try await user.join(network)
        let late = [
            "NIGHTJAR_TIME_SCALE": "2",
            "NIGHTJAR_TIME_ORIGIN": "\(ScaledClock.systemTime().milliseconds - 3 * 86_400_000)",
        ]
        let message =
            "the network file expired on \(network.file.validUntil); get a newer one from the network's operator"
        #expect(try await user.run(["send", "--to", "alice@example.org"], environment: late) == .failure(3, message))
        let list = try await user.run(["network", "list"], environment: late)
        #expect(list.code == 0 && list.output.contains(message))
    }

    @Test func nodesAreShown() async throws {
        let user = try User()
        let network = try TestNetwork()
        try await user.join(network)
        let lines = try await user.run("nodes").output.split(separator: "\n")
        #expect(lines.count == 7)
        #expect(
            lines[0].split(separator: " ") == ["NODE", "ID", "ADDRESSES", "CAPABILITIES", "KEYS", "VALID", "UNTIL"])
        let alpha = network["alpha"]
        #expect(lines[1].hasPrefix("alpha    \(alpha.id.hex.prefix(8))  127.0.0.1:\(alpha.port)"))

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

    @Test func aNetworkIsMadeAndUsed() async throws {
        let user = try User()
        let source = try TestNetwork { $0.name = "made" }
        let key = user.directory.file("network.key")
        let made = try await user.run("network", "new-key", key)
        #expect(made.code == 0 && made.output.count == 65)
        #expect(
            try await user.run("network", "new-key", key)
                == .failure(1, "DIR/network.key exists already; move it away if you really want a new key"))
        let descriptors = try source.file.nodes.map { try user.file("\($0.fields.nickname.text).descriptor", $0.bytes) }
        func sign(_ options: [String]) async throws -> Transcript {
            try await user.run(
                ["network", "sign", "--key", key, "--name", "made", "--version", "1"] + options + descriptors
                    + ["-o", user.directory.file("made.network")])
        }
        #expect(
            try await sign([])
                == .failure(
                    4,
                    "node \(source.file.nodes[0].fields.nickname.text) has the address "
                        + "\(source.file.nodes[0].fields.addresses[0]), which cannot be reached from outside; only a test network may list it"
                ))
        #expect(
            try await sign([
                "--test-network", "--valid-days", "3", "--parameter", "mean-delay=90s", "--parameter", "hops=3",
            ])
                == Transcript(messages: "network made version 1 with 6 nodes written to DIR/made.network\n"))
        _ = try await user.run(
            "network", "add", user.directory.file("made.network"), "--signer", String(made.output.dropLast()))
        let shown = try await user.run("network", "show", "made").output
        #expect(shown.contains("parameter    mean-delay 90s\n") && shown.contains("parameter    hops 3\n"), "\(shown)")
        #expect(try await user.run("path").output.split(separator: ",").count == 3)

        let bad = try await sign(["--test-network", "--parameter", "mean-dealy=90s"])
        #expect(
            bad.code == 2 && bad.messages.hasPrefix("mean-dealy=90s is not a parameter with a value that is allowed"))
        let long = try await sign(["--test-network", "--parameter", "retry-deadline=7d"])
        #expect(long.code == 4 && long.messages.hasPrefix("a packet can be under way for "), "\(long)")
        let short = try await sign(["--test-network", "--valid-days", "30"])
        #expect(short.code == 0 && short.messages.hasPrefix("the descriptor of "), "\(short)")
        let foreign = try await user.run(
            ["network", "sign", "--key", key, "--name", "other", "--version", "1", "--test-network", "-o", "/dev/null"]
                + descriptors)
        #expect(
            foreign.code == 1 && foreign.messages.contains(" is not a descriptor for the network other: "), "\(foreign)"
        )
    }
}
