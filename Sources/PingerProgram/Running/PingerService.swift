// The pinger as a daemon: hardening, log, metrics, signals, the service manager.

internal import Daemon
internal import DirectoryService
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import WireFormat

/// Runs a pinger from its settings to its end.
struct PingerService: Sendable {
    let settings: PingerSettings
    /// The configuration file, for reading it again.
    let path: String

    func run() async throws {
        let signals = SignalSet()
        try ScaledClock.checkPlausible()
        try Hardening.apply(lockMemory: settings.locksMemory)
        let files = PingerFiles(directory: settings.dataDirectory)
        guard FileManager.default.fileExists(atPath: files.identity) else {
            throw CommandFailure(
                "\(settings.dataDirectory) holds no pinger; run `nightjar-pinger init --config \(path)`")
        }
        _ = try PrivateDirectory(settings.dataDirectory, creating: false)
        let lock = try LockFile(files.lock)
        defer { withExtendedLifetime(lock) {} }
        let sink = try settings.log.start()
        let logger = Logger(label: "pinger")
        let counters = Counters()
        let pinger = try RunningPinger(settings, clock: settings.clock, logger: logger, registry: counters)
        let metrics = try await MetricsServer.started(
            settings.metrics, counters: counters, health: pinger.parts.counters.health)
        let main = MainTask(running: files.running) { ready, stop in
            try await pinger.run(ready: { try await ready([]) }, until: stop)
        }
        let services: [any Service] = [metrics as (any Service)?, main].compactMap(\.self)
        let actions = DaemonActions(
            reload: {
                let fresh = try PingerSettings(configuration: path)
                try pinger.reload(fresh)
                sink.level = fresh.log.level
            },
            reopen: { try sink.reopen() })
        try await DaemonGroup.run(
            services, actions: actions, logger: logger, signals: signals, longestShutdown: .seconds(30),
            started: { await main.waitUntilReady() })
    }
}

extension RunningPinger {
    /// Puts what can change while it runs into force: a newer network file; and asks for a newer consensus. Everything else is
    /// checked, so that a bad file is told now and not at the next start.
    func reload(_ fresh: PingerSettings) throws {
        try keeper.takeNetworkFile()
        keeper.hurry()
        let settings = parts.settings
        let restartNeeded =
            fresh.name != settings.name || fresh.dataDirectory != settings.dataDirectory
            || fresh.outputDirectory != settings.outputDirectory || fresh.probesPerHour != settings.probesPerHour
            || fresh.deadline != settings.deadline || fresh.mailboxes != settings.mailboxes
            || fresh.pollInterval != settings.pollInterval || fresh.handshakesPerHour != settings.handshakesPerHour
            || fresh.deliveries != settings.deliveries || fresh.directory != settings.directory
            || fresh.publishesReports != settings.publishesReports || fresh.reportInterval != settings.reportInterval
            || fresh.keepProbes != settings.keepProbes || fresh.keepDays != settings.keepDays
            || fresh.connectTimeout != settings.connectTimeout || fresh.metrics != settings.metrics
        if restartNeeded {
            parts.logger.warning("only the log's level changes while the pinger runs; restart it for the rest")
        }
    }
}

extension PingerCommands {
    /// `run`: until SIGTERM or SIGINT.
    public func run(configuration path: String) async throws {
        try await PingerService(settings: PingerSettings(configuration: path), path: path).run()
    }
}
