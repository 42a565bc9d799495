import Daemon
import Directory
import DirectoryService
import Foundation
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

@Suite("Configuration of a node")
struct ConfigurationTests {
    private static func text(_ path: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    @Test("the sample and the manual page have every setting and no other")
    func sample() throws {
        let keys = ConfigFile.keys { _ = NodeSettings.read($0) }
        let differences = ConfigAudit.differences(
            keys: keys, sample: try Self.text("etc/nightjar-node.toml"),
            manual: try Self.text("doc/man/nightjar-node.toml.5"))
        #expect(differences.isEmpty, "\(differences)")
    }

    @Test("the manual page has every command")
    func commands() throws {
        let page = try Self.text("doc/man/nightjar-node.8")
        for command in ["init", "run", "check-config", "status", "withdraw", "keys", "descriptor"] {
            #expect(page.contains(".Cm \(command)\n"))
            #expect(page.contains(".It Cm \(command)\n"))
        }
    }

    private func settings(_ more: String) throws -> NodeSettings {
        let directory = try TemporaryDirectory("node-config")
        let path = directory.file("node.toml")
        let text = "nickname = \"alpha\"\naddresses = [\"mix.example.org:48099\"]\n" + more
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return try NodeSettings(configuration: path)
    }

    @Test("the configuration that init writes can be read, and is that of a node which only mixes")
    func new() throws {
        let directory = try TemporaryDirectory("node-config")
        let path = directory.file("node.toml")
        let text = NodeCommands.newConfiguration(nickname: "alpha", address: "mix.example.org:48099")
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        let settings = try NodeSettings(configuration: path)
        #expect(settings.nickname.text == "alpha")
        #expect(settings.addresses.map(\.description) == ["mix.example.org:48099"])
        #expect(settings.exit == nil && settings.mailboxes == nil)
        #expect(text.contains("\n#deliver-to = \"listed\"\n"))
    }

    @Test("how the directory is fetched and the node made known")
    func directory() throws {
        let plain = try settings("")
        #expect(plain.directory.publishes && plain.directory.sources.isEmpty && plain.directory.proxy == nil)
        #expect(plain.networkDigest == nil)
        let hex = String(repeating: "ab", count: 32)
        let full = try settings(
            """
            network-digest = "\(hex)"
            [directory]
            sources = ["https://mirror.example.org/nightjar"]
            proxy = "socks5://user:secret@127.0.0.1:9050"
            publish = false
            """)
        #expect(full.networkDigest == Digest(hex: hex))
        #expect(full.directory.sources == ["https://mirror.example.org/nightjar"])
        #expect(full.directory.proxy?.description == "socks5://127.0.0.1:9050")
        #expect(!full.directory.publishes)
    }

    @Test(
        "what makes no sense is refused, and a password is not repeated",
        arguments: [
            ("network-digest = \"abc\"\n", "64 hexadecimal digits"),
            (
                "[directory]\nsources = [\"ftp://x\"]\n",
                "'ftp://x' is not an address such as https://mirror.example.org"
            ),
            ("[directory]\nproxy = \"ftp://u:hunter2@h:1\"\n", "write http://host:port or socks5://host:port"),
            ("network-signer = \"ab\"\n", "there is no setting 'network-signer'"),
        ])
    func wrong(text: String, words: String) {
        #expect { try settings(text) } throws: {
            let told = "\($0)"
            return told.contains(words) && !told.contains("hunter2")
        }
    }
}
