// Authorities in this process, over real HTTP on the loopback, with real databases and keys, in slots of a second or two.

import Daemon
import Directory
import DirectoryService
import Foundation
import Logging
import MMTP
import MixCrypto
import NIOCore
import NIOPosix
import Spool
import Synchronization
import TestSupport
import WireFormat

@testable import AuthorityProgram

/// A test network's authorities.
final class AuthorityFleet: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ text: String) { description = text }
    }

    let directory: TemporaryDirectory
    let network: NetworkFile
    let names: [Nickname]
    let signers: [AuthoritySigner]
    let identities: [HybridSigningKey]
    let ports: [Int]
    private(set) var settings: [AuthoritySettings] = []
    private(set) var running: [Int: (authority: RunningAuthority, task: Task<Void, any Error>)] = [:]
    let client = DirectoryHTTPClient()

    init(
        _ count: Int, slotLength: Interval = .seconds(2),
        configure: (Int, inout AuthoritySettings) -> Void = { _, _ in }
    ) throws {
        directory = try TemporaryDirectory("nightjar-authorities")
        ports = try Self.freePorts(count)
        let now = ScaledClock.systemTime()
        let identities = try (0..<count).map { _ in try HybridSigningKey.generate() }
        let names = try (0..<count).map { try Self.require(Nickname("authority\($0)")) }
        self.names = names
        self.identities = identities
        var parameters = RootParameters()
        parameters.slotLength = slotLength
        var draft = try NetworkFile.draft(
            name: "fleet", version: 1, isTest: true, published: Timestamp(seconds: now.seconds),
            authorities: zip(names, zip(identities, ports)).map { name, rest in
                Authority(name: name, identity: rest.0.verificationKey, urls: ["http://127.0.0.1:\(rest.1)"])
            }, parameters: parameters)
        for identity in identities { draft = try draft.signed(by: identity) }
        network = try draft.verify()
        var signers: [AuthoritySigner] = []
        for index in 0..<count {
            let home = directory.file("authority\(index)")
            _ = try PrivateDirectory(home)
            let files = AuthorityFiles(directory: home)
            try SecretFile.create(files.signingKey, .random(count: HybridSigningKey.seedSize))
            let key = try AuthorityFiles.loadSigningKey(files.signingKey)
            let certificate = try AuthorityCertificate.make(
                network: "fleet", name: names[index], identity: identities[index], key: key.verificationKey,
                published: Timestamp(seconds: now.seconds), validUntil: Timestamp(seconds: now.seconds) + .days(30))
            try AtomicFile.write(certificate, to: files.certificate)
            signers.append(
                try AuthoritySigner(
                    certificate: UnverifiedCertificate(certificate).verify(in: network, at: now), key: key))
        }
        self.signers = signers
        try AtomicFile.write(network.bytes, to: directory.file("network"))
        for index in 0..<count {
            let home = directory.file("authority\(index)")
            let files = AuthorityFiles(directory: home)
            var one = AuthoritySettings(
                name: names[index], dataDirectory: home, networkFile: directory.file("network"),
                listen: .init(host: "127.0.0.1", port: ports[index]), signingKey: files.signingKey,
                certificate: files.certificate)
            one.checksReachability = false
            configure(index, &one)
            settings.append(one)
        }
    }

    func url(_ index: Int) -> String { "http://127.0.0.1:\(ports[index])" }

    /// Starts authorities; returns when they listen.
    func start(_ indices: some Sequence<Int>) async throws {
        for index in indices {
            let authority = try RunningAuthority(
                settings[index], clock: .real, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                defer { continuation.finish() }
                try await authority.run(ready: { _ in continuation.yield() }, until: { await Self.cancelled() })
            }
            var iterator = stream.makeAsyncIterator()
            if await iterator.next() == nil {
                try await task.value
                throw Failure("authority \(index) ended before it listened")
            }
            running[index] = (authority, task)
        }
    }

    func stop(_ index: Int) async throws {
        guard let (_, task) = running.removeValue(forKey: index) else { return }
        task.cancel()
        try await task.value
    }

    func stopAll() async throws { for index in running.keys.sorted() { try await stop(index) } }

    func authority(_ index: Int) throws -> RunningAuthority { try Self.require(running[index]?.authority) }

    /// A descriptor of a node of the test network.
    func node(_ name: String, address: String = "127.0.0.1:4000", change: (inout DescriptorFields) -> Void = { _ in })
        throws -> Descriptor
    {
        let now = Timestamp(seconds: ScaledClock.systemTime().seconds)
        let key = try KEMPrivateKey(seed: .random(count: 32)).publicKey
        let calendar = NetworkParameters(root: network.parameters).calendar
        var fields = DescriptorFields(
            network: "fleet", nickname: try Self.require(Nickname(name)),
            addresses: [try Self.require(NodeAddress(address))], published: now, validUntil: now + .days(6),
            keys: [try Self.require(calendar.period(at: now)): key], capabilities: [Capability(Capability.Name.relay)],
            software: "test")
        change(&fields)
        return try Descriptor.make(fields, identity: SigningKey.generate())
    }

    /// Posts a document to an authority.
    func post(_ bytes: [UInt8], as kind: DirectoryUpload, to index: Int) async throws -> PostAnswer {
        try await client.post(bytes, to: url(index) + kind.path)
    }

    func get(_ route: DirectoryRoute, from index: Int) async throws -> [UInt8] {
        try await HTTPSource(url: url(index), client: client).bytes(route, limit: DirectoryLimits.documentSize)
    }

    /// The newest consensus that an authority serves, verified.
    func consensus(of index: Int) async throws -> CertifiedConsensus? {
        guard let bytes = try? await get(.consensus, from: index) else { return nil }
        return try UnverifiedConsensus(bytes).verify(in: network)
    }

    /// Waits until every one of these authorities serves a consensus that will do.
    @discardableResult
    func waitForConsensus(
        _ indices: some Sequence<Int>, seconds: Double = 30,
        where isWanted: (CertifiedConsensus) -> Bool = { _ in true }
    ) async throws -> [CertifiedConsensus] {
        let end = Date().addingTimeInterval(seconds)
        var found: [CertifiedConsensus] = []
        for index in indices {
            while true {
                if let consensus = try await consensus(of: index), isWanted(consensus) {
                    found.append(consensus)
                    break
                }
                guard Date() < end else { throw Failure("authority \(index) has no such consensus") }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        return found
    }

    /// Waits for something to be so.
    func wait(_ what: String, seconds: Double = 30, until condition: () async throws -> Bool) async throws {
        let end = Date().addingTimeInterval(seconds)
        while try await !condition() {
            guard Date() < end else { throw Failure("it did not come about that \(what)") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    static func require<T>(_ value: T?) throws -> T {
        guard let value else { throw Failure("nothing where something must be") }
        return value
    }

    private static func cancelled() async {
        let (stream, _) = AsyncStream.makeStream(of: Never.self)
        for await _ in stream {}
    }

    /// Ports that nobody listens on. They are below those that the system gives out by itself, and no two calls of this process
    /// get the same, so that tests side by side do not take each other's.
    static func freePorts(_ count: Int) throws -> [Int] {
        var ports: [Int] = []
        while ports.count < count {
            let port = nextPort.withLock { next in
                next = next >= 32_000 ? 20_000 : next + 1
                return next
            }
            let socket = try? ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: "127.0.0.1", port: port).wait()
            guard let socket else { continue }
            try socket.close().wait()
            ports.append(port)
        }
        return ports
    }

    private static let nextPort = Mutex(Int.random(in: 20_000..<32_000))
}
