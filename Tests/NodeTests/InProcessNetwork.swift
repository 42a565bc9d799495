import Daemon
import Directory
import DirectoryService
import Exits
import Foundation
import Logging
import MMTP
import Messages
import MixCrypto
import Mixing
import NIOCore
import NIOPosix
import Sphinx
import Spool
import TestSupport
import WireFormat

@testable import NodeProgram

/// Nodes in this process, with real sockets, spools and keys. Their time runs fast, so that delays of minutes pass in
/// moments.
final class InProcessNetwork: @unchecked Sendable {
    static let scale = 200.0

    let directory: TemporaryDirectory
    let clock: ScaledTime
    let authority: SoleAuthority
    var parameters: NetworkParameters
    private(set) var file: Network!
    private(set) var settings: [NodeSettings] = []
    private(set) var running: [Int: Task<Void, any Error>] = [:]
    private(set) var nodes: [Int: Node] = [:]

    /// - Parameters:
    ///   - urls: where the authority is reached; without any the directory is what lies on the disk.
    ///   - parameters: what the authority votes for.
    ///   - isInstalled: whether the nodes find a consensus on their disks.
    ///   - ahead: how far their time is ahead of real time at the start.
    init(
        nodes count: Int, urls: [String] = [], parameters: NetworkParameters = NetworkParameters(),
        isInstalled: Bool = true, ahead: Interval = .zero,
        configure: (Int, inout NodeSettings) throws -> Void = { _, _ in }
    ) async throws {
        self.parameters = parameters
        directory = try TemporaryDirectory("nightjar-nodes")
        clock = ScaledTime(
            origin: ScaledTime.systemTime() - Interval.seconds(fraction: ahead.inSeconds / (Self.scale - 1)),
            scale: Self.scale)
        var lengths = RootParameters()
        lengths.validFor = .days(30)
        authority = try SoleAuthority(
            network: "lab", isTest: true, parameters: parameters, rootParameters: lengths,
            key: HybridSigningKey.generate(), published: Timestamp(seconds: clock.now().seconds),
            urls: urls)
        try Data(authority.root.bytes).write(to: URL(fileURLWithPath: directory.file("network")))
        var descriptors: [Descriptor] = []
        let ports = try Self.freePorts(count)
        for index in 0..<count {
            let address = try Self.require(NodeAddress(host: "127.0.0.1", port: UInt16(ports[index])))
            var node = NodeSettings(
                nickname: try Self.require(Nickname("node\(index)")), dataDirectory: directory.file("node\(index)"),
                networkFile: directory.file("network"), listen: [LinkAddress(host: "127.0.0.1", port: ports[index])],
                addresses: [address])
            node.loopsPerMinute = 0
            node.listener.limits = .singleBlock
            node.queues = QueueSettings().scaled(by: Int64(Self.scale))
            try configure(index, &node)
            settings.append(node)
            let files = NodeFiles(directory: node.dataDirectory)
            try files.create()
            let keys = KeyRing(directory: files.packetKeys, calendar: parameters.calendar)
            _ = try keys.maintain(at: clock.now())
            let period = try Self.require(parameters.calendar.period(at: clock.now()))
            descriptors.append(
                try files.writeDescriptor(
                    DescriptorMaker(settings: node, root: authority.root),
                    keys: keys.current.published(from: period), identity: files.loadIdentity(), now: clock.now()))
        }
        if isInstalled { try install(descriptors) }
    }

    /// Certifies these nodes, and puts the consensus where every node of the network looks for it.
    /// - Parameter indices: of the nodes that get it; nil for all.
    func install(_ descriptors: [Descriptor], at indices: [Int]? = nil) throws {
        let now = clock.now()
        let consensus = try certify(descriptors).bytes
        for index in indices ?? Array(settings.indices) {
            let node = settings[index]
            let cache = DirectoryCache(directory: NodeFiles(directory: node.dataDirectory).directoryCache)
            try cache.install(root: authority.root.bytes)
            try cache.install(consensus: consensus, descriptors: descriptors.map(\.bytes), now: now)
        }
    }

    /// Certifies these nodes; `file` is the network of them from now on.
    @discardableResult
    func certify(_ descriptors: [Descriptor]) throws -> CertifiedConsensus {
        let consensus = try authority.certify(descriptors, at: clock.now(), previous: file?.consensus?.link)
        file = Network(root: authority.root, consensus: consensus, descriptors: descriptors)
        return consensus
    }

    /// Waits until `isTrue`, for real time; false after `seconds`.
    func wait(_ seconds: Double = 60, until isTrue: () throws -> Bool) async throws -> Bool {
        let end = Date().addingTimeInterval(seconds)
        while try !isTrue() {
            guard Date() < end else { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    /// Starts a node; returns when it listens.
    func start(_ index: Int) async throws {
        let node = try Node(
            settings[index], clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        nodes[index] = node
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let once = Once(continuation)
            running[index] = Task {
                do {
                    try await node.run(ready: { _ in once.resume(nil) }, until: { await Self.cancelled() })
                } catch {
                    once.resume(error)
                    throw error
                }
            }
        }
    }

    func stop(_ index: Int) async throws {
        running[index]?.cancel()
        try await running[index]?.value
        running[index] = nil
        nodes[index] = nil
    }

    func stopAll() async throws {
        for index in running.keys.sorted() { try await stop(index) }
    }

    func descriptor(_ index: Int) -> Descriptor { file.node(named: "node\(index)")! }

    /// The packets of a message along one path, made now.
    func packets(
        body: [UInt8], to recipient: String, path: [Int], delay: UInt32 = 0,
        using generator: inout some RandomNumberGenerator
    ) throws -> [[UInt8]] {
        let mail = try OutgoingMail(body, options: OutgoingMail.Options(subject: "Test"))
        let encoded = try MessageEncoder.encode(mail.envelope(to: [Address(recipient)]), body: mail.body)
        let selector = PathSelector(network: file, at: clock.now())
        var packets: [[UInt8]] = []
        for part in try MessageEncoder.parts(of: encoded, using: &generator).joined() {
            let hops = try selector.hops(path.map(descriptor), delays: path.map { _ in delay }, at: clock.now())
            packets.append(
                try PacketBuilder().build(content: PayloadContent.part(part).encoded(), path: hops, using: &generator))
        }
        return packets
    }

    /// Gives packets to a node over a real link; the outcomes.
    func send(_ packets: [[UInt8]], to index: Int) async throws -> [FrameOutcome] {
        let dialer = try MMTPDialer(group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledTime.systemTime() })
        let connection = try await dialer.connect(to: descriptor(index).id, at: settings[index].listen)
        var outcomes: [FrameOutcome] = []
        for start in stride(from: 0, to: packets.count, by: 64) {
            outcomes += await connection.send(Array(packets[start..<min(start + 64, packets.count)]))
        }
        connection.close()
        return outcomes
    }

    /// Mails in a Maildir, once `count` are there; fails after `seconds` of real time.
    func mails(in path: String, count: Int, seconds: Double = 60) async throws -> [Data] {
        let end = Date().addingTimeInterval(seconds)
        while true {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/new")) ?? []
            if names.count >= count {
                return try names.sorted().map { try Data(contentsOf: URL(fileURLWithPath: "\(path)/new/\($0)")) }
            }
            guard Date() < end else { throw TimedOut(found: names.count) }
            // The arrival of a file is watched for, not waited out.
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Returns when the task is cancelled.
    private static func cancelled() async {
        let (stream, _) = AsyncStream.makeStream(of: Never.self)
        for await _ in stream {}
    }

    struct TimedOut: Error { let found: Int }
    struct Missing: Error {}

    private static func require<T>(_ value: T?) throws -> T {
        guard let value else { throw Missing() }
        return value
    }

    /// Ports that were free a moment ago.
    static func freePorts(_ count: Int) throws -> [Int] {
        let sockets = try (0..<count).map { _ in
            try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).wait()
        }
        defer { for socket in sockets { try? socket.close().wait() } }
        return sockets.map { $0.localAddress?.port ?? 0 }
    }
}

private final class Once: @unchecked Sendable {
    private let lock = NSLock()
    private var continuation: CheckedContinuation<Void, any Error>?

    init(_ continuation: CheckedContinuation<Void, any Error>) { self.continuation = continuation }

    func resume(_ error: (any Error)?) {
        let taken = lock.withLock {
            defer { continuation = nil }
            return continuation
        }
        if let error { taken?.resume(throwing: error) } else { taken?.resume() }
    }
}
