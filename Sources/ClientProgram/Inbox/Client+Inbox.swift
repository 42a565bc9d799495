// The inbox of a client: opened for as long as something is taken in, and no longer.

internal import Daemon
internal import Directory
internal import Messages
internal import MixCrypto
internal import Spool
internal import WireFormat

extension Client {
    /// How long another process that takes something in is waited for.
    private static let inboxPatience = Interval.seconds(30)
    private static let inboxPause = Duration.milliseconds(50)

    /// What was received.
    func received(_ records: RecordStore) -> ReceivedStore {
        ReceivedStore(records: records, directory: places.received)
    }

    /// Opens the inbox, makes it the first time, and waits for another process that has it. Close it soon.
    /// - Parameter parameters: of the network that what is taken in came from, if there is one.
    func openInbox(_ records: RecordStore, parameters: NetworkParameters? = nil) async throws -> Inbox {
        let key = try StorageKey.load(places).derive(salt: [], info: "nightjar/1 client inbox", count: 32)
        let directory = try PrivateDirectory(places.inbox).path
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(Self.inboxPatience.milliseconds))
        while true {
            switch attempt(directory, key) {
            case .success(let opened):
                return try inbox(opened.0, opened.1, records, parameters ?? NetworkParameters())
            case .failure(.inUse) where ContinuousClock.now < deadline:
                try await Task.sleep(for: Self.inboxPause)
            case .failure(.inUse):
                throw CommandFailure(
                    "another nightjar process is still using the inbox (\(directory)); try again when it is done",
                    code: .temporary)
            case .failure(.wrongStorageKey):
                throw CommandFailure(
                    "the key \(places.storageKey) does not open the inbox in \(directory); put back the key it was made "
                        + "with, or move \(directory) away (what is incomplete in it is then lost)")
            case .failure(let error): throw error
            }
        }
    }

    private func attempt(
        _ directory: String, _ key: SymmetricSecret
    ) -> Result<(Spool, SpoolRecovery), SpoolError> {
        Result { () throws(SpoolError) in
            let opened = try Spool.open(
                directory: directory, storageKey: key, configuration: Self.inboxConfiguration, now: time.clock.now())
            return (opened.spool, opened.recovery)
        }
    }

    private func inbox(
        _ spool: Spool, _ recovery: SpoolRecovery, _ records: RecordStore, _ parameters: NetworkParameters
    ) throws -> Inbox {
        if recovery.damage.shares > 0 || recovery.damage.lostReplayTags {
            terminal.message(
                "the inbox was damaged: \(Count.text(recovery.damage.shares, "part")) of incomplete messages lost")
        }
        do {
            return try Inbox(
                spool: spool, records: records, store: received(records), completed: recovery.completeMessages,
                clock: { [clock = time.clock] in clock.now() },
                receipts: { receipt, surb, now in
                    try SentLog(records).apply(receipt, surb: surb, at: now, parameters: parameters)
                })
        } catch {
            spool.close()
            throw error
        }
    }

    private static var inboxConfiguration: SpoolConfiguration {
        var configuration = SpoolConfiguration()
        configuration.maxPackets = 1
        let limits = CollectingLimits()
        configuration.maxMessages = limits.messages
        configuration.maxShareBytes = limits.shareBytes
        configuration.maxBytes = 1 << 30
        // Parts come slowly and are read once; nothing is worth memory.
        configuration.maxQueuedBodies = 64
        configuration.cacheBytes = 0
        configuration.databaseCacheBytes = 2 << 20
        configuration.segmentBytes = 16 << 20
        configuration.replayFilterBytes = 64 << 10
        configuration.readers = 1
        return configuration
    }
}

extension ClientPlaces {
    /// Sealed files of messages that were received.
    var received: String { "\(data)/received" }
}
