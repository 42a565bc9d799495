// The node as a daemon: hardening, log, metrics, signals, the service manager.

internal import Daemon
internal import Directory
internal import Forwarding
internal import Foundation
internal import Logging
internal import MMTP
internal import ServiceLifecycle
internal import WireFormat

/// Runs a node from its settings to its end.
struct NodeService: Sendable {
    let settings: NodeSettings
    /// The configuration file, for reading it again.
    let path: String

    func run() async throws {
        let signals = SignalSet()
        try ScaledClock.checkPlausible()
        try Hardening.apply(lockMemory: settings.locksMemory)
        let files = NodeFiles(directory: settings.dataDirectory)
        guard FileManager.default.fileExists(atPath: files.identity) else {
            throw CommandFailure("\(settings.dataDirectory) holds no node; run `nightjar-node init --config \(path)`")
        }
        let directory = try PrivateDirectory(settings.dataDirectory, creating: false)
        let lock = try LockFile(directory.file("lock"))
        defer { withExtendedLifetime(lock) {} }
        let sink = try settings.log.start()
        let logger = Logger(label: "node")
        let counters = Counters()
        let node = try Node(settings, clock: settings.clock, logger: logger, registry: counters)
        let root = node.network.current.root
        try settings.checkScale(root)
        if !root.isTest, let address = settings.addresses.first(where: { !$0.isPublic }) {
            logger.error(
                "\(address) cannot be reached from outside, so that no authority will list this node; change addresses")
        }
        let metrics = try await MetricsServer.started(
            settings.metrics, counters: counters, health: node.counters.health)
        let main = MainTask(running: files.running) { ready, stop in
            try await node.run(ready: { try await ready($0.map(\.description)) }, until: stop)
        }
        let services: [any Service] = [metrics as (any Service)?, main].compactMap(\.self)
        let actions = DaemonActions(
            reload: { try node.reload(configuration: path, sink: sink) },
            reopen: { try sink.reopen() })
        try await DaemonGroup.run(
            services, actions: actions, logger: logger, signals: signals, longestShutdown: .seconds(60),
            started: { await main.waitUntilReady() })
    }
}

extension Node {
    /// Puts what can change while the node runs into force: the log level, a newer network file; and asks for a newer
    /// consensus. Everything else is checked, so that a bad file is told now and not at the next start.
    func reload(configuration path: String, sink: LogSink) throws {
        let fresh = try NodeSettings(configuration: path)
        sink.level = fresh.log.level
        try network.takeNetworkFile()
        keeper.hurry()
        publisher.hurry()
        let restartNeeded =
            fresh.nickname != settings.nickname || fresh.dataDirectory != settings.dataDirectory
            || fresh.listen != settings.listen || fresh.strategy != settings.strategy
            || fresh.addresses != settings.addresses
        if restartNeeded {
            logger.warning("names, addresses, directories and the mixing strategy change only with a restart")
        }
    }
}
