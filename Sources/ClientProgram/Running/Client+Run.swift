// `nightjar run` and `nightjar status`.

public import Daemon
internal import Directory
internal import Logging
internal import WireFormat

extension Client {
    /// Serves networks in the background until the process is told to stop.
    /// - Parameters:
    ///   - name: the network to serve; all that are installed without it.
    ///   - signals: the process's signals, trapped early.
    ///   - remake: reads the settings again.
    /// - Throws: an error for people; `CommandFailure` of code `temporary` if another process does this already.
    public func runInBackground(
        network name: String?, signals: SignalSet, remake: @escaping @Sendable () throws -> Client
    ) async throws {
        let names = try name.map { [$0] } ?? store.names()
        guard !names.isEmpty else { throw NetworkStoreError.none }
        let networks = try names.map { try network($0) }
        let sink = try config.log.start()
        let logger = Logger(label: "run")
        _ = try PrivateDirectory(places.data)
        let lock = try await RunLock(places, networks: names)
        defer { withExtendedLifetime(lock) {} }
        var streams: [NetworkStream] = []
        do {
            for network in networks {
                streams.append(try NetworkStream(self, network: network, queue: try await openQueue(network)))
            }
        } catch {
            for stream in streams { await stream.stop() }
            throw error
        }
        let background = BackgroundClient(self, streams: streams, logger: logger, remake: remake)
        try await DaemonGroup.run(
            [background],
            actions: DaemonActions(
                reload: { try await background.reload(sink) }, reopen: { try sink.reopen() }),
            logger: logger, signals: signals)
    }

    /// Shows how `nightjar run` stands.
    /// - Throws: `CommandFailure` of code `failed` if it does not run.
    public func showRunStatus(json: Bool) throws {
        struct Answer: Encodable {
            var isRunning: Bool
            var status: RunStatus?
        }
        let isRunning = RunLock.isHeld(places)
        let status = RunStatus.read(places)
        if json {
            try terminal.print(JSONText.encode(Answer(isRunning: isRunning, status: status)))
        } else if let status {
            for line in status.lines() { try terminal.print(Printable.line(line)) }
        } else if isRunning {
            try terminal.print("`nightjar run` is starting or stopping")
        }
        guard isRunning else {
            throw CommandFailure("`nightjar run` is not running; start it, or: systemctl --user start nightjar")
        }
    }
}
