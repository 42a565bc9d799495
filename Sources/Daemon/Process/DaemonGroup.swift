// A daemon from start to stop: its services in one group, signals, the service manager, reloads.

public import Logging
public import ServiceLifecycle

/// What a program does when its operator signals.
public struct DaemonActions: Sendable {
    /// Reads the configuration again and puts it into force, or throws and leaves everything as it was.
    public var reload: @Sendable () async throws -> Void
    /// Opens log files anew and writes statistics out.
    public var reopen: @Sendable () async throws -> Void

    public init(
        reload: @escaping @Sendable () async throws -> Void = {},
        reopen: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.reload = reload
        self.reopen = reopen
    }
}

/// Runs services until one ends or a signal comes.
public enum DaemonGroup {
    /// Runs `services`, the first of which is the one that others rely on and that stops last.
    /// - Parameters:
    ///   - longestShutdown: services that take longer to stop are cancelled.
    ///   - signals: the process's signals; made by the caller early in `main`. Nil traps none, for tests in process.
    ///   - started: resolves when all services serve; `READY=1` is told then.
    public static func run(
        _ services: [any Service], actions: DaemonActions = DaemonActions(), logger: Logger,
        signals: SignalSet?, notify: Notify = .fromEnvironment, longestShutdown: Duration = .seconds(30),
        started: @escaping @Sendable () async throws -> Void = {}
    ) async throws {
        var quiet = logger
        // The group narrates its own life at info; ours is told below.
        quiet.logLevel = max(logger.logLevel, .warning)
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            }, logger: quiet)
        configuration.maximumGracefulShutdownDuration = longestShutdown
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                try await group.run()
                return true
            }
            tasks.addTask {
                try await started()
                notify.tell(.ready)
                logger.info("started")
                return false
            }
            if let signals {
                tasks.addTask {
                    await follow(signals, group: group, actions: actions, notify: notify, logger: logger)
                }
            }
            // Ends with the group's end, with the first error, or at the second signal to stop.
            while let isOver = try await tasks.next(), !isOver {}
            tasks.cancelAll()
        }
        logger.info("stopped")
    }

    /// Returns true when the operator is tired of waiting: at the second signal to stop.
    private static func follow(
        _ signals: SignalSet, group: ServiceGroup, actions: DaemonActions, notify: Notify, logger: Logger
    ) async -> Bool {
        var isStopping = false
        for await event in signals.events {
            switch event {
            case .shutdown:
                if isStopping {
                    logger.warning("stopping at once")
                    return true
                }
                isStopping = true
                notify.tell(.stopping)
                logger.info("stopping")
                await group.triggerGracefulShutdown()
            case .reload:
                notify.tell(.reloading)
                do {
                    try await actions.reload()
                    logger.info("configuration read again")
                } catch {
                    logger.error("the configuration stays as it was: \(error)")
                }
                notify.tell(.ready)
            case .reopen:
                do {
                    try await actions.reopen()
                    logger.info("logs opened anew")
                } catch {
                    logger.error("logs stay as they were: \(error)")
                }
            }
        }
        return false
    }
}
