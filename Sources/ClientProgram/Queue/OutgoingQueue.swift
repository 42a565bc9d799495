// The packets that wait to be handed to their first nodes: a spool of the client's own, one for each network. Whatever
// `store` has returned survives a crash; what the first node has acknowledged is removed.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import Spool
internal import WireFormat

/// An open queue; no other process has it at the same time.
struct OutgoingQueue {
    /// The store.
    let spool: Spool
    /// What waited when the queue was opened, past deadlines left out.
    private(set) var waiting: [WaitingPacket]
    /// What was found damaged.
    let damage: SpoolDamage
    /// How many packets were too old and removed.
    let expired: Int
    private let limit: Int
    /// When it was opened, and when what waited then was made.
    private let opened: Timestamp
    private let inherited: [PacketRowID: Timestamp]

    /// Packets that are written in one go: a megabyte.
    static let batch = 32
    /// How long another nightjar process is waited for.
    static let patience = Interval.seconds(30)
    private static let pause = Duration.milliseconds(100)
    /// A packet may have been made a little before the queue was opened that it was put into.
    private static let clockSlack = Interval.minutes(1)

    /// Opens the queue of `network`, or makes it.
    /// - Parameters:
    ///   - limit: most packets that may wait.
    ///   - patience: how long to wait for another process that uses it.
    static func open(
        _ places: ClientPlaces, network: String, limit: Int, now: Timestamp, patience: Interval, terminal: Terminal
    ) async throws -> OutgoingQueue {
        _ = try PrivateDirectory(places.data)
        _ = try PrivateDirectory(places.queues)
        let directory = try PrivateDirectory(places.queue(of: network)).path
        let key = try storageKey(places)
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(patience.milliseconds))
        var hasSaidSo = false
        while true {
            switch attempt(directory, key: key, limit: limit, now: now) {
            case .success(let queue): return queue
            case .failure(.inUse) where isServed(places, network):
                throw CommandFailure(
                    "`nightjar run` has this queue and sends what waits in it at its own times; see `nightjar status`, or "
                        + "stop it first", code: .temporary)
            case .failure(.inUse) where ContinuousClock.now < deadline:
                if !hasSaidSo {
                    terminal.message(
                        "another nightjar process is using the queue; waiting for it for up to \(patience.milliseconds / 1000) s"
                    )
                    hasSaidSo = true
                }
                try await Task.sleep(for: pause)
            case .failure(.inUse):
                throw CommandFailure(
                    "another nightjar process is still using the queue (\(directory)); try again when it is done",
                    code: .temporary)
            case .failure(.wrongStorageKey):
                throw CommandFailure(
                    "the key \(places.storageKey) does not open the queue in \(directory); put back the key it was made with, "
                        + "or move \(directory) away (what waits in it is then lost)")
            case .failure(let error): throw error
            }
        }
    }

    /// Whether a `nightjar run` other than this process has the queue.
    private static func isServed(_ places: ClientPlaces, _ network: String) -> Bool {
        RunLock.isHeld(places, network: network) && !RunLock.isOwn(places)
    }

    private static func attempt(
        _ directory: String, key: SymmetricSecret, limit: Int, now: Timestamp
    ) -> Result<OutgoingQueue, SpoolError> {
        Result { () throws(SpoolError) in
            let opened = try Spool.open(
                directory: directory, storageKey: key, configuration: configuration(limit), now: now)
            return try OutgoingQueue(opened.spool, opened.recovery, limit: limit, now: now)
        }
    }

    private init(_ spool: Spool, _ recovery: SpoolRecovery, limit: Int, now: Timestamp) throws(SpoolError) {
        self.spool = spool
        self.limit = limit
        damage = recovery.damage
        // What a `nightjar run` that was killed had ready to send when nothing waits.
        let cover = recovery.packets.filter { $0.release == NetworkStream.coverMark }.map(\.id)
        let results = try spool.performAndWait([.removePackets(cover), .expire(now: now)])
        var gone: Set<PacketRowID> = []
        if case .expired(let expiry) = results.last { gone = Set(expiry.packets) }
        expired = gone.count
        waiting = recovery.packets.filter { !gone.contains($0.id) && $0.release != NetworkStream.coverMark }
        opened = now
        inherited = Dictionary(waiting.map { ($0.id, $0.release) }, uniquingKeysWith: { first, _ in first })
    }

    private static func configuration(_ limit: Int) -> SpoolConfiguration {
        var configuration = SpoolConfiguration()
        configuration.maxPackets = limit
        configuration.maxQueuedBodies = 2 * batch
        // Packets leave soon after they came, but a mail of hundreds must not stay in memory for that.
        configuration.cacheBytes = 4 << 20
        configuration.databaseCacheBytes = 2 << 20
        configuration.segmentBytes = 16 << 20
        configuration.replayFilterBytes = 4096
        configuration.readers = 1
        return configuration
    }

    private static func storageKey(_ places: ClientPlaces) throws -> SymmetricSecret {
        if !ClientPlaces.isThere(places.storageKey) {
            do {
                try SecretFile.create(places.storageKey, .random(count: 32))
            } catch SecretFileError.exists {
                // Another process was first; its key is as good.
            }
        }
        return SymmetricSecret(try SecretFile.read(places.storageKey, count: 32))
    }

    /// How many packets can be added.
    var room: Int { max(0, limit - spool.statistics.packets) }

    /// Stores packets, durably.
    /// - Throws: `SendError.diskFull` or `SpoolError`; then none of them is stored.
    func store(_ packets: [OutgoingPacket]) throws -> [WaitingPacket] {
        let results = try spool.performAndWait(
            packets.map {
                .enqueuePacket(destination: $0.first, release: $0.made, deadline: $0.deadline, body: $0.body)
            })
        var stored: [WaitingPacket] = []
        var failure: (any Error)?
        for (packet, result) in zip(packets, results) {
            switch result {
            case .stored(let id):
                stored.append(
                    WaitingPacket(id: id, destination: packet.first, release: packet.made, deadline: packet.deadline))
            case .full: failure = SendError.diskFull
            case .failed(let error): failure = error
            default: failure = SpoolError.malformed
            }
        }
        guard let failure else { return stored }
        remove(stored.map(\.id))
        throw failure
    }

    /// Forgets packets; whether the disk knows it.
    @discardableResult
    func remove(_ ids: [PacketRowID]) -> Bool {
        guard !ids.isEmpty else { return true }
        // A row that stays is sent once more later, and known there by its replay tag.
        guard let results = try? spool.performAndWait([.removePackets(ids)]), case .removed = results.first else {
            return false
        }
        return true
    }

    /// Gives up packets that waited when the queue was opened.
    mutating func giveUp(_ packets: [WaitingPacket]) {
        let ids = Set(packets.map(\.id))
        guard remove(Array(ids)) else { return }
        waiting.removeAll { ids.contains($0.id) }
    }

    /// Counts packets that were stored just now among those that waited.
    mutating func adopt(_ packets: [WaitingPacket]) { waiting += packets }

    /// How many of `ids` still wait; those that could not be read among them.
    func stillWaiting(_ ids: [PacketRowID]) -> Int { ids.count { spool.holds($0) } }

    /// Whether a packet still waits, also one that was stored by a process before. Numbers of rows come back with the next
    /// process, so that the time at which the packet was made has to fit.
    func waits(_ row: QueuedRow) -> Bool {
        if let made = inherited[row.row] { return made == row.made && spool.holds(row.row) }
        return row.made + Self.clockSlack >= opened && spool.holds(row.row)
    }

    /// Finishes what was asked for and lets the queue go.
    func close() { spool.close() }
}
