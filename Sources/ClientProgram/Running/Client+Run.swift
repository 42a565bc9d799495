// `nightjar run` and `nightjar status`.

public import Daemon
internal import Directory
internal import Logging
internal import ServiceLifecycle
internal import Spool
internal import WireFormat

extension Client {
    /// Serves networks in the background until the process is told to stop.
    /// - Parameters:
    ///   - name: the network to serve; all that are installed without it.
    ///   - passphrase: where the keyring's passphrase comes from; it is asked for once.
    ///   - signals: the process's signals, trapped early.
    ///   - remake: reads the settings again.
    /// - Throws: an error for people; `CommandFailure` of code `temporary` if another process does this already.
    public func runInBackground(
        network name: String?, passphrase: PassphraseSource, signals: SignalSet,
        remake: @escaping @Sendable () throws -> Client
    ) async throws {
        try await runInBackground(network: name, passphrase: passphrase, signals: signals, remake: remake) { _, _ in [] }
    }

    /// The same with services beside it, which stop first.
    /// - Parameter beside: starts them, with the keyring and the records that are open.
    func runInBackground(
        network name: String?, passphrase: PassphraseSource, signals: SignalSet?,
        remake: @escaping @Sendable () throws -> Client,
        beside: (Keyring, RecordStore) async throws -> [any Service]
    ) async throws {
        let names = try name.map { [$0] } ?? store.names()
        guard !names.isEmpty else { throw NetworkStoreError.none }
        // One without a consensus that can be used is served as well: it is fetched while this runs.
        let networks = try names.map { try store.loadAnyway(store.resolve($0), allowStale: allowsStale) }
        let sink = try config.log.start()
        let logger = Logger(label: "run")
        _ = try PrivateDirectory(places.data)
        let lock = try await RunLock(places, networks: names)
        defer { withExtendedLifetime(lock) {} }
        let keyring = try backgroundKeyring(passphrase)
        let records = try records()
        defer { records.close() }
        let others = try await beside(keyring, records)
        var streams: [NetworkStream] = []
        do {
            for network in networks {
                streams.append(try NetworkStream(self, network: network, queue: try await openQueue(network)))
            }
        } catch {
            for stream in streams { await stream.stop() }
            throw error
        }
        let background = BackgroundClient(
            BackgroundWork(client: self, records: records, keyring: keyring), streams: streams, logger: logger,
            remake: remake)
        try await DaemonGroup.run(
            [background] + others,
            actions: DaemonActions(
                reload: { try await background.reload(sink) }, reopen: { try sink.reopen() }),
            logger: logger, signals: signals)
    }

    /// The keyring, opened for as long as the process lives.
    func backgroundKeyring(_ passphrase: PassphraseSource) throws -> Keyring {
        do {
            return try Keyring.open(self, passphrase: passphrase)
        } catch KeyringError.needsPassphrase(let path) {
            throw CommandFailure(
                "\(KeyringError.needsPassphrase(path)); a service cannot ask: it needs the option, or a keyring without "
                    + "passphrase (nightjar keyring passphrase --remove)", code: .usage)
        }
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

    /// Shows what waits in a queue that `nightjar run` has: its own figures, which are rounded up.
    func listServedQueue(_ network: String, json: Bool) throws {
        guard let status = RunStatus.read(places)?.networks.first(where: { $0.name == network }) else {
            throw CommandFailure("`nightjar run` is starting or stopping; try again in a minute", code: .temporary)
        }
        if json { return try terminal.print(JSONText.encode(status.waiting)) }
        guard !status.waiting.isEmpty else { return try terminal.print("no packets wait") }
        var table = TextTable(["NODE", "PACKETS, UP TO"])
        for line in status.waiting { table.add([line.node, String(line.packets)]) }
        for line in table.lines { try terminal.print(Printable.line(line)) }
        note("`nightjar run` sends them at its own times; its figures are rounded up")
    }
}
