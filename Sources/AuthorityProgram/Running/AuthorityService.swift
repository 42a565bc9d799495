// The authority as a daemon: hardening, log, metrics, signals, the service manager.

internal import Daemon
internal import DirectoryService
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import WireFormat

/// Runs an authority from its settings to its end.
struct AuthorityService: Sendable {
    let settings: AuthoritySettings
    /// The configuration file, for reading it again.
    let path: String

    func run() async throws {
        let signals = SignalSet()
        try ScaledClock.checkPlausible()
        try Hardening.apply(lockMemory: settings.locksMemory)
        let files = AuthorityFiles(directory: settings.dataDirectory)
        guard FileManager.default.fileExists(atPath: settings.dataDirectory) else {
            throw CommandFailure(
                "\(settings.dataDirectory) is not there; run `nightjar-authority init --config \(path)`")
        }
        _ = try PrivateDirectory(settings.dataDirectory, creating: false)
        let lock = try LockFile(files.lock)
        defer { withExtendedLifetime(lock) {} }
        let sink = try settings.log.start()
        let logger = Logger(label: "authority")
        let counters = Counters()
        let authority = try RunningAuthority(settings, clock: settings.clock, logger: logger, registry: counters)
        let metrics = try await MetricsServer.started(
            settings.metrics, counters: counters, health: authority.parts.counters.health)
        let main = MainTask(running: files.running) { ready, stop in
            try await authority.run(ready: { try await ready($0.map(\.description)) }, until: stop)
        }
        let services: [any Service] = [metrics as (any Service)?, main].compactMap(\.self)
        let actions = DaemonActions(
            reload: {
                let fresh = try AuthoritySettings(configuration: path)
                try await authority.reload(fresh)
                sink.level = fresh.log.level
            },
            reopen: { try sink.reopen() })
        try await DaemonGroup.run(
            services, actions: actions, logger: logger, signals: signals, longestShutdown: .seconds(60),
            started: { await main.waitUntilReady() })
    }
}
