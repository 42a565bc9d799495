// Hands mail to one mail server. Opens connections, keeps a few for the next mail, and never throws: whatever happens
// to a mail is one of its outcomes.

internal import NIOCore
public import NIOPosix

/// A client for one mail server. Mails may be delivered at the same time, each over a connection of its own; how many
/// is the caller's bound.
public actor SMTPClient {
    private let settings: SMTPSettings
    private let security: SMTPSecurity
    private let group: MultiThreadedEventLoopGroup
    private let threadPool: NIOThreadPool
    private let count: @Sendable (ExitEvent) -> Void
    private var idle: [Connection] = []
    private var isClosing = false

    private struct Connection: Sendable {
        let channel: any Channel
        let handler: NIOLoopBound<SMTPClientHandler>
    }

    /// Checks the settings and reads the certificates.
    ///
    /// - Parameters:
    ///   - threadPool: where bodies are read.
    ///   - count: told of connections; outcomes are the caller's to count (`ExitOutcome.event`).
    public init(
        settings: SMTPSettings, group: MultiThreadedEventLoopGroup = .singleton, threadPool: NIOThreadPool = .singleton,
        count: @escaping @Sendable (ExitEvent) -> Void = { _ in }
    ) throws(SMTPSettingsError) {
        try settings.check()
        self.settings = settings
        security = try SMTPSecurity(settings)
        self.group = group
        self.threadPool = threadPool
        self.count = count
    }

    /// One attempt: an outcome for each recipient, in the envelope's order. Cancelling the task defers the mail.
    public func deliver(_ mail: SMTPMail) async -> [ExitOutcome] {
        while let connection = idle.popLast() {
            guard connection.channel.isActive else { continue }
            let attempt = await again(mail, over: connection)
            if !attempt.isStale {
                count(.connectionReused)
                return settle(attempt, connection)
            }
        }
        guard !isClosing else { return mail.envelope.recipients.map { _ in .deferred(.shutdown) } }
        let connection: Connection
        do {
            connection = try await connect(mail)
        } catch {
            return mail.envelope.recipients.map { _ in .deferred(.unreachable) }
        }
        count(.connectionOpened)
        let handler = connection.handler
        let attempt = await outcome(
            connection, of: connection.channel.eventLoop.submit { handler.value.first }.flatMap { $0 })
        return settle(attempt ?? Self.unknown(mail), connection)
    }

    /// Takes leave of all idle connections. Mails under way go on; those that come later are deferred.
    public func close() async {
        isClosing = true
        for connection in idle { await leave(connection) }
        idle = []
    }

    private func connect(_ mail: SMTPMail) async throws -> Connection {
        let (settings, security, threadPool) = (settings, security, threadPool)
        let bootstrap = ClientBootstrap(group: group).connectTimeout(settings.timeouts.connect.timeAmount)
        let prepare: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
            channel.eventLoop.makeCompletedFuture {
                if settings.security == .implicit {
                    try channel.pipeline.syncOperations.addHandler(security.handler())
                }
                let handler = SMTPClientHandler(
                    settings: settings, security: security, threadPool: threadPool, mail: mail,
                    eventLoop: channel.eventLoop)
                try channel.pipeline.syncOperations.addHandler(handler)
                return Connection(channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
            }
        }
        if let socket = settings.socket {
            return try await bootstrap.connect(unixDomainSocketPath: socket, channelInitializer: prepare)
        }
        // Small steps back and forth: nothing to gain from waiting for more bytes.
        return try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: settings.host, port: settings.port, channelInitializer: prepare)
    }

    private func again(_ mail: SMTPMail, over connection: Connection) async -> SMTPAttempt {
        let handler = connection.handler
        let loop = connection.channel.eventLoop
        let attempt = await outcome(connection, of: loop.flatSubmit { handler.value.send(mail, on: loop) })
        return attempt ?? Self.unknown(mail)
    }

    /// Waits for an attempt; nil for an error that no handler makes.
    private func outcome(_ connection: Connection, of future: EventLoopFuture<SMTPAttempt>) async -> SMTPAttempt? {
        let handler = connection.handler
        let loop = connection.channel.eventLoop
        return await withTaskCancellationHandler {
            try? await future.get()
        } onCancel: {
            loop.execute { handler.value.fail(.shutdown) }
        }
    }

    private static func unknown(_ mail: SMTPMail) -> SMTPAttempt {
        SMTPAttempt(outcomes: mail.envelope.recipients.map { _ in .deferred(.unknown) })
    }

    /// Keeps the connection for the next mail if there is room, else ends it.
    private func settle(_ attempt: SMTPAttempt, _ connection: Connection) -> [ExitOutcome] {
        if attempt.isReusable, !isClosing, idle.count < settings.maximumIdle {
            idle.removeAll { !$0.channel.isActive }
            idle.append(connection)
        } else if attempt.isReusable {
            let handler = connection.handler
            connection.channel.eventLoop.execute { handler.value.quit() }
        }
        return attempt.outcomes
    }

    private func leave(_ connection: Connection) async {
        let handler = connection.handler
        // An event loop that is gone has no connection to take leave of.
        try? await connection.channel.eventLoop.submit { handler.value.quit() }.get()
    }
}
