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
        var services: [any Service] = []
        if let metrics = settings.metrics {
            services.append(
                try MetricsServer(metrics, counters: counters, health: authority.parts.counters.health))
        }
        let ready = ReadyFlag()
        services.append(AuthorityTask(authority: authority, files: files, ready: ready))
        let actions = DaemonActions(
            reload: {
                let fresh = try AuthoritySettings(configuration: path)
                try await authority.reload(fresh)
                sink.level = fresh.log.level
            },
            reopen: { try sink.reopen() })
        try await DaemonGroup.run(
            services, actions: actions, logger: logger, signals: signals, longestShutdown: .seconds(60),
            started: { await ready.wait() })
    }
}

/// The authority among other services.
private struct AuthorityTask: Service {
    let authority: RunningAuthority
    let files: AuthorityFiles
    let ready: ReadyFlag

    func run() async throws {
        defer { try? FileManager.default.removeItem(atPath: files.running) }
        try await authority.run(
            ready: { addresses in
                let lines = ["\(ProcessInfo.processInfo.processIdentifier)"] + addresses.map(\.description)
                try AtomicFile.write(text: lines.joined(separator: "\n") + "\n", to: files.running)
                await ready.set()
            },
            until: { try? await gracefulShutdown() })
    }
}

/// Set once, waited for by many.
private actor ReadyFlag {
    private var isSet = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func set() {
        isSet = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    func wait() async {
        guard !isSet else { return }
        await withCheckedContinuation { waiters.append($0) }
    }
}
