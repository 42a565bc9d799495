// The nymserver as a daemon: hardening, log, metrics, signals, the service manager.

internal import Daemon
internal import DirectoryService
internal import Foundation
internal import Logging
internal import ServiceLifecycle

/// Runs a nymserver from its settings to its end.
struct NymserverService: Sendable {
    let settings: NymserverSettings
    /// The configuration file, for reading it again.
    let path: String

    func run() async throws {
        let signals = SignalSet()
        try ScaledClock.checkPlausible()
        try Hardening.apply(lockMemory: settings.locksMemory)
        let files = settings.files
        guard FileManager.default.fileExists(atPath: files.key) else {
            throw CommandFailure(
                "\(settings.dataDirectory) holds no nymserver; run `nightjar-nymserver init --config \(path)`")
        }
        _ = try PrivateDirectory(settings.dataDirectory, creating: false)
        let lock = try LockFile(files.lock)
        defer { withExtendedLifetime(lock) {} }
        let text = Self.text(path)
        let sink = try settings.log.start()
        let logger = Logger(label: "nymserver")
        let counters = Counters()
        let server = try RunningNymserver(settings, clock: settings.clock, logger: logger, registry: counters)
        let metrics = try await MetricsServer.started(
            settings.metrics, counters: counters, health: server.parts.counters.health)
        let main = MainTask(running: files.running) { ready, stop in
            try await server.run(ready: ready, until: stop)
        }
        let services: [any Service] = [metrics as (any Service)?, main].compactMap(\.self)
        let actions = DaemonActions(
            reload: {
                let fresh = try NymserverSettings(configuration: path)
                try server.reload(restartNeeded: Self.text(path) != text)
                sink.level = fresh.log.level
            },
            reopen: { try sink.reopen() })
        try await DaemonGroup.run(
            services, actions: actions, logger: logger, signals: signals, longestShutdown: .seconds(30),
            started: { await main.waitUntilReady() })
    }

    /// The configuration without what can change while the server runs.
    private static func text(_ path: String) -> [Substring] {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self).split(separator: "\n")
            .filter { !$0.hasPrefix("#") && !$0.hasPrefix("level") }
    }
}

extension RunningNymserver {
    /// Puts what can change while it runs into force: a newer network file; and asks for a newer consensus. Everything else is
    /// checked, so that a bad file is told now and not at the next start.
    /// - Parameter restartNeeded: whether the file differs from that of the start by more.
    func reload(restartNeeded: Bool) throws {
        try keeper.takeNetworkFile()
        keeper.hurry()
        if restartNeeded {
            parts.logger.warning("only the log's level changes while the server runs; restart it for the rest")
        }
    }
}
