import Daemon
import Directory
import DirectoryService
import Foundation
import MixCrypto
import TestSupport
import WireFormat

@testable import NymserverProgram

/// The real program, with its directory, started and killed as often as the test likes.
final class NymserverProcess {
    static let domain = "nym.example"

    let directory: TemporaryDirectory
    let port: Int
    let key: KEMPublicKey
    private var process: Process?
    /// How often it was started.
    private(set) var starts = 0

    var configuration: String { directory.file("nymserver.toml") }

    /// Makes everything that it needs: keys, a directory with the network's consensus.
    /// - Parameter scale: how fast its clock runs, from `origin` on.
    init(_ network: MixNetwork, smtp: Int, scale: Double, origin: Timestamp) throws {
        directory = try TemporaryDirectory("nightjar-nymserver")
        port = Int(try MixNetwork.freePorts(1)[0])
        try Data(network.authority.root.bytes).write(to: URL(fileURLWithPath: directory.file("network")))
        let text = """
            domain = "\(Self.domain)"
            operator = "you@example.org"
            data-directory = "data"
            network-file = "network"
            lmtp = "127.0.0.1:\(port)"
            retry-pause = "1m"
            [smtp]
            hello = "test"
            host = "127.0.0.1"
            port = \(smtp)
            security = "none"
            timeout = "5s"
            [limits]
            proof-of-work = 4
            [log]
            level = "warning"
            [test]
            time-scale = \(scale)
            time-origin = \(origin.milliseconds)
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.file("nymserver.toml")))
        try NymserverCommands(terminal: .standard).initialize(directory.file("nymserver.toml"), NewNymserver())
        let files = NymserverFiles(directory: directory.file("data"))
        let cache = DirectoryCache(directory: files.directoryCache)
        _ = try cache.install(root: network.authority.root.bytes)
        guard let consensus = network.file.consensus else { throw MixNetwork.Lost() }
        try cache.install(
            consensus: consensus.bytes, descriptors: network.file.nodes.map(\.bytes),
            now: ScaledClock(origin: origin, scale: scale).now())
        key = try files.loadKeys().request.publicKey
    }

    var isRunning: Bool { process?.isRunning ?? false }

    /// Starts it; returns when it takes mail, or is dead already.
    func start(killedAt point: String? = nil) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(BuiltProgram.folder)/nightjar-nymserver")
        process.arguments = ["run", "--config", configuration]
        var environment = ProcessInfo.processInfo.environment
        environment["NIGHTJAR_KILL_AT"] = point
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        try process.run()
        self.process = process
        starts += 1
        for _ in 0..<600 {
            if !process.isRunning || (try? LMTPCaller(port: port)) != nil { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw MixNetwork.Lost()
    }

    func kill() {
        guard let process else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Ends it in order; the exit code.
    func stop() -> Int32 {
        guard let process else { return -1 }
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit { kill() }
}
