import Daemon
import Directory
import Foundation
import Glibc
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

/// A pinger's directory of its own, and what its commands print.
struct PingerPlace: ~Copyable {
    let directory: TemporaryDirectory
    var config: String { directory.file("pinger.toml") }
    var data: String { directory.file("data") }
    var files: PingerFiles { PingerFiles(directory: data) }

    init() throws { directory = try TemporaryDirectory("nightjar-pinger") }

    /// Runs a command; what it printed.
    func run<Result>(_ body: (PingerCommands) throws -> Result) throws -> (
        result: Result, output: String, messages: String
    ) {
        let (output, messages) = (directory.file("output"), directory.file("messages"))
        let files = [output, messages].map { (path: String) in open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600) }
        defer { for file in files { close(file) } }
        let result = try body(PingerCommands(terminal: Terminal(output: files[0], errors: files[1])))
        func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
        return (result, try text(output), try text(messages))
    }

    /// A network file for tests at `network`.
    func makeNetwork(urls: [String] = []) throws -> SoleAuthority {
        let authority = try SoleAuthority(
            network: "lab", isTest: true, parameters: NetworkParameters(), rootParameters: RootParameters(),
            key: HybridSigningKey.generate(), published: Timestamp(seconds: ScaledClock.systemTime().seconds),
            urls: urls)
        try Data(authority.root.bytes).write(to: URL(fileURLWithPath: directory.file("network")))
        return authority
    }

    func initialize(_ name: String? = "owl") throws -> (result: Digest, output: String, messages: String) {
        try run {
            try $0.initialize(
                config,
                NewPinger(name: name, network: directory.file("network"), dataDirectory: data))
        }
    }
}

@Suite("nightjar-pinger init and check-config")
struct PingerInitTests {
    @Test("makes everything, private, and says what authorities need")
    func makes() throws {
        let place = try PingerPlace()
        let made = try place.initialize()
        #expect(made.output == "pinger owl\nkey \(made.result.hex)\n")
        #expect(made.messages.contains("[pingers]\nowl = \"\(made.result.hex)\""))
        let secrets = try [place.files.key, place.files.identity].map { path in
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(path)")
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(bytes.count == 64)
            return Hex.encode(bytes)
        }
        #expect(try FileManager.default.attributesOfItem(atPath: place.data)[.posixPermissions] as? Int == 0o700)
        let config = try String(contentsOfFile: place.config, encoding: .utf8)
        for secret in secrets {
            for part in [secret.prefix(32), secret.suffix(32)] {
                #expect(!config.contains(part) && !made.output.contains(part) && !made.messages.contains(part))
            }
        }
        let settings = try PingerSettings(configuration: place.config)
        #expect(settings.name.text == "owl" && settings.dataDirectory == place.data)
        #expect(try place.files.loadKey().verificationKey.digest == made.result)
    }

    @Test("a second time changes nothing, and refuses what differs")
    func again() throws {
        let place = try PingerPlace()
        let first = try place.initialize().result
        let before = try Data(contentsOf: URL(fileURLWithPath: place.files.identity))
        #expect(try place.run { try $0.initialize(place.config, NewPinger()) }.result == first)
        #expect(try Data(contentsOf: URL(fileURLWithPath: place.files.identity)) == before)
        let path = place.config
        #expect(throws: CommandFailure.self) { try PingerCommands().initialize(path, NewPinger(name: "other")) }
        #expect(throws: CommandFailure.self) { try PingerCommands().initialize(path, NewPinger(network: "x")) }
    }

    @Test("check-config says what is missing, one thing after another, and in the end that all is well")
    func checks() throws {
        let place = try PingerPlace()
        func complaint() throws -> String {
            do { return try place.run { try $0.checkConfig(place.config) }.output } catch { return "\(error)" }
        }
        #expect(try complaint().contains("pinger.toml"))
        _ = try place.initialize()
        #expect(try complaint().contains("network file"))
        _ = try place.makeNetwork()
        #expect(try complaint() == "\(place.config) is good\n")
        try FileManager.default.removeItem(atPath: place.files.key)
        #expect(try complaint().contains("key is not there"))
        #expect(!FileManager.default.fileExists(atPath: place.files.directoryCache), "it must not write anything")
    }

    @Test("mailboxes and tokens follow from the identity, and differ from node to node")
    func identity() throws {
        let place = try PingerPlace()
        _ = try place.initialize()
        let (one, other) = (try place.files.loadIdentity(), try place.files.loadIdentity())
        var random = SeededRandom(name: #function)
        let nodes = [NodeID.random(using: &random), NodeID.random(using: &random)]
        let keys = try nodes.map { try one.mailboxKey(at: $0).verificationKey }
        #expect(keys[0] != keys[1])
        #expect(try other.mailboxKey(at: nodes[0]).verificationKey == keys[0])
        #expect(one.replyToken(at: nodes[0]) != one.replyToken(at: nodes[1]))
        #expect(one.replyToken(at: nodes[0]) == other.replyToken(at: nodes[0]))
        #expect(one.replyToken(at: nodes[0]) != MailboxToken())
    }
}
