import Daemon
import Directory
import DirectoryService
import Foundation
import Logging
import Measurement
import MixCrypto
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

/// A network of one authority and nodes that are nothing but descriptors, and a pinger's place on disk.
struct PublishingFixture {
    static let now = Timestamp(seconds: 1_795_242_600)
    static let packetKey: KEMPublicKey? = try? KEMPrivateKey(seed: SecretBytes.random(count: KEM.seedSize)).publicKey

    let directory: TemporaryDirectory
    let authority: SoleAuthority
    let nodes: [Descriptor]
    let key: HybridSigningKey
    let network: Network
    let settings: PingerSettings
    var files: PingerFiles { PingerFiles(directory: settings.dataDirectory) }
    var outputs: String { directory.file("public") }
    var ids: [NodeID] { nodes.map(\.id) }

    /// - Parameter published: of the consensus; it is valid for three days.
    init(
        urls: [String] = [], nodes count: Int = 6, published: Timestamp = Self.now - .minutes(30),
        authoritySince: Timestamp = Self.now - .days(10)
    ) throws {
        directory = try TemporaryDirectory("publishing")
        authority = try SoleAuthority(
            network: "testing", isTest: true, key: HybridSigningKey.generate(), published: authoritySince,
            urls: urls)
        nodes = try (0..<count).map { try Self.node("node\($0)", published: published) }
        key = try HybridSigningKey.generate()
        network = try authority.network(nodes, at: published)
        var settings = PingerSettings(
            name: try #require(Nickname("lighthouse")), dataDirectory: directory.file("data"),
            networkFile: directory.file("network"))
        settings.outputDirectory = directory.file("public")
        self.settings = settings
        _ = try PrivateDirectory(settings.dataDirectory)
        try AtomicFile.write(authority.root.bytes, to: settings.networkFile)
    }

    static func identity(_ name: String) throws -> SigningKey {
        var seed = Digest.sha256(Array(name.utf8)).bytes
        return try SigningKey(seed: SecretBytes(moving: &seed))
    }

    static func node(_ name: String, published: Timestamp = now - .hours(1)) throws -> Descriptor {
        let fields = DescriptorFields(
            network: "testing", nickname: try #require(Nickname(name)),
            addresses: [try #require(NodeAddress("127.0.0.1:4000"))], published: published - .hours(1),
            validUntil: published + .days(5), keys: [KeyPeriod(2967): try #require(packetKey)],
            capabilities: [Capability(Capability.Name.relay)], software: "test")
        return try Descriptor.make(fields, identity: identity(name))
    }

    /// What an estimator could have found: every node measured with so many probes.
    func analysis(samples: Int = 500, at now: Timestamp = Self.now) -> Analysis {
        var analysis = Analysis(made: now, first: now - .days(2), last: now - .minutes(1))
        var counts = OutcomeCounts()
        counts.arrived = samples
        counts.lost = 3
        analysis.counts = [.loop: counts]
        for (number, id) in ids.enumerated() {
            var node = NodeResult()
            node.relay = Estimate(value: 0.97, low: 0.95, high: 0.985, samples: samples + number)
            node.addedLatency = .seconds(70)
            node.handshakes = Share(good: 40, total: 41)
            analysis.nodes[id] = node
        }
        return analysis
    }
}

/// What was logged, as lines.
final class LoggedLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(lines: self) }
    }

    private func add(_ line: String) { lines.withLock { $0.append(line) } }

    private struct Handler: LogHandler {
        let lines: LoggedLines
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        init(lines: LoggedLines) { self.lines = lines }
        func log(event: LogEvent) { lines.add("\(event.level): \(event.message)") }
    }
}
