// A gateway while it runs: the server for mail programs, and rounds.

internal import Daemon
internal import Directory
internal import Exits
internal import Logging
internal import ServiceLifecycle
internal import Spool
internal import WireFormat

/// A listening gateway.
final class GatewayService: Service {
    private let server: SubmissionServer
    private let rounds: GatewayRounds
    private let logger: Logger
    private let lock: LockFile

    /// Time between two looks at what is new (real time).
    private static let pause = Duration.seconds(2)
    /// How many of them pass between two looks for failures, which read more.
    private static let turnsPerNotice = 5

    /// Takes the lock, makes the Maildir and begins to listen.
    init(
        _ client: Client, network: String?, keyring: Keyring?, records: RecordStore, logger: Logger
    ) async throws {
        let files = GatewayFiles(client.places)
        lock = try files.lock()
        self.logger = logger
        let maildir = GatewayMaildir(path: client.gatewayMaildir)
        try maildir.make()
        rounds = GatewayRounds(client: client, records: records, maildir: maildir)
        let password = try files.readPassword()
        let security = try files.security()
        let desk = GatewayDesk(
            client: client, network: network, keyring: KeyringSource(client: client, records: records, opened: keyring),
            records: records, login: GatewayLogin(user: password.user, hash: password.hash, mark: try files.readMark()))
        let settings = client.config.gateway
        do throws(SubmissionBindError) {
            server = try await Self.bind(settings, client, security: security, desk: desk)
        } catch {
            let reason = SystemError(number: error.code).reason
            throw CommandFailure(
                "cannot listen at \(error.address): \(reason); stop what has the port, or set another under [gateway] in "
                    + "client.toml", code: .temporary)
        }
        let places = server.addresses.map { "\($0) (STARTTLS)" } + server.implicitAddresses.map { "\($0) (TLS)" }
        logger.info("mail programs connect to \(places.joined(separator: ", "))")
    }

    private static func bind(
        _ settings: GatewaySettings, _ client: Client, security: SubmissionSecurity, desk: GatewayDesk
    ) async throws(SubmissionBindError) -> SubmissionServer {
        let limit = ((try? client.network(desk.network)).map { Int($0.parameters.messageSize) } ?? 8 << 20)
        let submission = SubmissionSettings(
            addresses: settings.listen.compactMap { LoopbackAddress($0) },
            implicitAddresses: settings.listenTLS.compactMap { LoopbackAddress($0) }, name: "localhost",
            limits: SubmissionLimits(mail: limit))
        return try await SubmissionServer.bind(submission, security: security, receiver: desk)
    }

    func run() async throws {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.look() }
            tasks.addTask { try? await gracefulShutdown() }
            await tasks.next()
            tasks.cancelAll()
        }
        await server.close()
    }

    private func look() async {
        var told = ""
        var turn = 0
        while !Task.isCancelled {
            var problem = ""
            if let failure = rounds.fill().failure { problem = CommandFailure(client: failure).message }
            if turn % Self.turnsPerNotice == 0 {
                do { try rounds.notice() } catch { problem = CommandFailure(client: error).message }
            }
            turn += 1
            if !problem.isEmpty, problem != told { logger.warning("\(problem)") }
            told = problem
            try? await Task.sleep(for: Self.pause)
        }
    }
}
