// `nightjar packet` and `nightjar testvectors` on real files, and the frame of all commands: help, version, completions.

import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite(.timeLimit(.minutes(5)))
struct PacketCommandTests {
    @Test func aPacketIsMadeLookedAtAndUnwrappedHopByHop() async throws {
        let user = try User()
        var random = SeededRandom(name: "aPacketIsMade")
        let nodes = (0..<3).map { _ in NodeID.random(using: &random) }
        var seeds: [String] = []
        var path = "# three hops\n"
        for (index, node) in nodes.enumerated() {
            let seed = random.bytes(KEM.seedSize)
            var copy = seed
            let key = try KEMPrivateKey(seed: SecretBytes(moving: &copy))
            seeds.append(try user.file("seed\(index)", seed))
            path += "\(node) 2967 \(index * 1000) \(try user.file("key\(index)", key.publicKey.bytes))\n"
        }
        let packet = user.directory.file("packet0")
        let wrapped = try await user.run(
            "packet", "wrap", user.file("content", "Hello\n"), "--path", user.file("path", path), "-o", packet)
        #expect(wrapped == Transcript())
        let seen = try await user.run("packet", "inspect", packet).output.split(separator: "\n")
        #expect(seen.prefix(4) == ["kind packet", "size 32768", "suite 1", "key-period 2967"])
        #expect(seen.last == "form well-formed")
        for (index, node) in nodes.enumerated() {
            let run = try await user.run(
                "packet", "unwrap", user.directory.file("packet\(index)"), "--seed", seeds[index], "--node", node.hex,
                "-o",
                user.directory.file("packet\(index + 1)"))
            let facts = Dictionary(
                uniqueKeysWithValues: run.output.split(separator: "\n").map { line in
                    let words = line.split(separator: " ", maxSplits: 1)
                    return (String(words[0]), String(words[1]))
                })
            #expect(facts["key-period"] == "2967" && facts["delay-ms"] == "\(index * 1000)", "\(run)")
            #expect(facts["outcome"] == (index < 2 ? "forward" : "deliver"))
            #expect(facts["next"] == (index < 2 ? nodes[index + 1].hex : nil))
        }
        let content = try #require(FileManager.default.contents(atPath: user.directory.file("packet3")))
        #expect(
            content.count == 25_620 && content.prefix(6) == Data("Hello\n".utf8)
                && content.dropFirst(6).allSatisfy { $0 == 0 })
        // The wrong node's key opens nothing.
        #expect(
            try await user.run("packet", "unwrap", packet, "--seed", seeds[1], "--node", nodes[0].hex)
                == .failure(1, "the node would drop this packet: badMAC"))
    }

    @Test func badPacketFilesAreExplained() async throws {
        let user = try User()
        let text = try user.file("text", "Hello\n")
        #expect(
            try await user.run("packet", "inspect", text)
                == .failure(
                    1,
                    "this is neither a packet (32768 bytes) nor a reply block (7224 bytes or armor), but 6 bytes of something else"
                ))
        #expect(
            try await user.run("packet", "wrap", text, "--path", text, "-o", "/dev/null")
                == .failure(1, "line 1 of the path is not `node-id period delay-ms public-key-file`"))
        #expect(
            try await user.run("packet", "unwrap", text, "--seed", text, "--node", "12")
                == .failure(1, "a node id is 64 hexadecimal digits"))
        let id = String(repeating: "ab", count: 32)
        #expect(
            try await user.run("packet", "unwrap", text, "--seed", text, "--node", id)
                == .failure(1, "a key seed has 32 bytes"))
        #expect(
            try await user.run(
                "packet", "wrap", text, "--path", user.file("path", "\(id) 1 1 \(text)\n"), "-o", "/dev/null")
                == .failure(1, "\(text) is not a public key of 1216 bytes (malformed)").inDirectory(of: user))
    }

    @Test func vectorsAreMadeAndChecked() async throws {
        let user = try User()
        let made = try await user.run("testvectors")
        #expect(made.code == 0)
        let file = try user.file("vectors.json", made.output)
        let checked = try await user.run("testvectors", "--check", file)
        #expect(checked.code == 0 && checked.output.split(separator: "\n").count == 10)
        #expect(checked.output.hasPrefix("good 1 forward, 1 hop\ngood 2 forward, 2 hops\n"))

        var list = try #require(try JSONSerialization.jsonObject(with: Data(made.output.utf8)) as? [[String: Any]])
        // Another packet than the one that the vector describes.
        for (key, value) in list[3] {
            if let text = value as? String, text.count > 10_000 { list[3][key] = String(text.reversed()) }
        }
        let damaged = try user.file("damaged.json", Array(JSONSerialization.data(withJSONObject: list)))
        let bad = try await user.run("testvectors", "--check", damaged)
        #expect(bad.code == 1 && bad.messages == "1 of 10 vectors do not verify\n", "\(bad.messages)")
        #expect(bad.output.contains("BAD  4 forward, 4 hops: "))
        #expect(
            try await user.run("testvectors", "--check", user.file("text", "Hello\n"))
                == .failure(1, "this file is not a list of packet vectors in JSON"))
        #expect(
            try await user.run("testvectors", "--check", user.file("empty", "[]"))
                == .failure(1, "DIR/empty holds no vectors"))
    }

    @Test func theGoldenVectorsVerify() async throws {
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("SphinxTests/Vectors/packet-v1.json").path
        let run = try await User().run("testvectors", "--check", golden)
        #expect(run.code == 0 && !run.output.contains("BAD"))
    }

    @Test func helpVersionAndCompletions() async throws {
        let user = try User()
        #expect(try await user.run("--version") == Transcript(output: "nightjar 0.1.0\n"))
        let commands = [
            ["send"], ["nodes"], ["path"], ["queue"], ["queue", "list"], ["queue", "flush"], ["queue", "clean"],
            ["network"],
            ["network", "add"], ["network", "list"], ["network", "show"], ["network", "update"],
            ["network", "evidence"], ["network", "remove"],
            ["packet"],
            ["packet", "inspect"], ["packet", "unwrap"], ["packet", "wrap"], ["testvectors"],
        ]
        for command in commands {
            let run = try await user.run(command + ["--help"])
            #expect(
                run.code == 0 && run.output.contains("Example")
                    && run.output.contains("  nightjar \(command.joined(separator: " "))"), "\(run)")
        }
        for shell in ["bash", "zsh", "fish"] {
            let run = try await user.run("--generate-completion-script", shell)
            #expect(run.code == 0 && run.output.contains("nightjar"), "\(shell)")
        }
    }
}

extension Transcript {
    fileprivate func inDirectory(of user: User) -> Transcript {
        var copy = self
        copy.messages = messages.replacing(user.directory.path, with: "DIR")
        return copy
    }
}
