// The durable store of a node or client. What `submit` reports as done survives any crash; what it does not report as
// done may have happened or not, and a sender's second try is then known by its replay tag.
//
// Relied on: fdatasync and fsync that tell the truth, SQLite's write-ahead log. Not protected against: whoever reads
// the process's memory, and copies of overwritten blocks that a file system or drive keeps.

internal import Dispatch
internal import Foundation
internal import GRDB
private import Glibc
public import MixCrypto
internal import Synchronization
public import WireFormat

/// An open spool. All methods may be called from any thread; those that read wait for the disk.
public final class Spool: Sendable {
    let core: SpoolCore
    private let queue: SubmissionQueue
    private let finished = DispatchSemaphore(value: 0)
    private let isClosed = Mutex(false)
    private let writerThread = Mutex<pthread_t?>(nil)

    /// Opens the spool in `directory`, or makes one, and begins to write. `storageKey` (32 bytes) seals the keys of
    /// everything in it. Throws a message for people when the directory is not a spool of ours, is used by another
    /// process, or does not belong to the key; damage does not throw, it is reported.
    public static func open(
        directory: String, storageKey: SymmetricSecret, configuration: SpoolConfiguration = SpoolConfiguration(),
        now: Timestamp
    ) throws(SpoolError) -> (spool: Spool, recovery: SpoolRecovery) {
        let opened = try SpoolOpening.open(
            directory: directory, seal: StorageSeal(storageKey), configuration: configuration, now: now)
        let writer = SpoolWriter(core: opened.core, ledger: opened.ledger, erasing: opened.erasing, now: now)
        return (Spool(core: opened.core, writer: writer), opened.recovery)
    }

    private init(core: SpoolCore, writer: SpoolWriter) {
        self.core = core
        queue = SubmissionQueue(maxBodies: core.configuration.maxQueuedBodies)
        let thread = Thread { [queue, finished, weak self] in
            self?.noteThread()
            writer.run(queue)
            finished.signal()
        }
        thread.name = "spool-writer"
        thread.stackSize = 1 << 20
        thread.start()
    }

    deinit { close() }

    private func noteThread() { writerThread.withLock { $0 = pthread_self() } }

    /// Finishes what was submitted and gives the directory back. From now on everything throws `closed`.
    public func close() {
        let isFirst = isClosed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        queue.close()
        // The last reference may go in a completion, on the writer's own thread, which cannot wait for itself.
        let isOwnThread = writerThread.withLock { $0 == pthread_self() }
        if isFirst, !isOwnThread { finished.wait() }
    }

    // MARK: Writing

    /// Hands operations to the writer. `completion` is called on the writer's thread, after the commit, with one
    /// result for each operation in order; it must be short. All operations of a submission are committed together.
    /// Throws `busy` if bodies were submitted and too many wait already, `closed` after `close`; then nothing is done
    /// and `completion` is not called.
    public func submit(
        _ operations: [SpoolOperation], completion: @escaping @Sendable ([SpoolResult]) -> Void
    ) throws(SpoolError) {
        guard !operations.isEmpty else { return completion([]) }
        try queue.push(Submission(operations: operations, completion: completion))
    }

    /// `submit` for callers that await the results.
    public func perform(_ operations: [SpoolOperation]) async throws(SpoolError) -> [SpoolResult] {
        let result: Result<[SpoolResult], SpoolError> = await withCheckedContinuation { continuation in
            do throws(SpoolError) {
                try submit(operations) { continuation.resume(returning: .success($0)) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// `submit` for callers that may block; never on an event loop or in a completion.
    public func performAndWait(_ operations: [SpoolOperation]) throws(SpoolError) -> [SpoolResult] {
        let done = DispatchSemaphore(value: 0)
        let box = ResultBox()
        try submit(operations) { results in
            box.results.withLock { $0 = results }
            done.signal()
        }
        done.wait()
        return box.results.withLock { $0 }
    }

    // MARK: Reading

    /// Whether the tag is remembered. A false answer is not final (the writer may be about to remember it); the
    /// operation's result is. Nearly always answered from memory.
    public func isKnown(_ tag: ReplayTag, period: KeyPeriod) throws(SpoolError) -> Bool {
        let key = ReplayKey(tag)
        guard core.filters.withLock({ $0[period]?.mayContain(key) ?? false }) else { return false }
        return try core.query { database in
            guard try database.tableExists(Schema.replayTable(period)) else { return false }
            let statement = try database.cachedStatement(
                sql: "SELECT 1 FROM \(Schema.replayTable(period)) WHERE tag = ?")
            return try Int.fetchOne(statement, arguments: [key.blob]) != nil
        }
    }

    /// The body of a waiting packet. `unknown` if it was removed, `damaged` if its record does not open.
    public func readPacket(_ id: PacketRowID) throws(SpoolError) -> [UInt8] {
        enum Place {
            case memory([UInt8])
            case disk(Segment, Record)
            case none(isClosed: Bool)
        }
        let place: Place = core.state.withLock { state in
            if let body = state.hot.body(of: id.number) { return .memory(body) }
            guard let record = state.packets[id.number], let segment = state.segments[record.segment] else {
                return .none(isClosed: state.isClosed)
            }
            return .disk(segment, record)
        }
        switch place {
        case .memory(let body): return body
        case .disk(let segment, let record): return try segment.read(slot: Int(record.slot), length: Int(record.length))
        case .none(let isClosed): throw isClosed ? .closed : .unknown
        }
    }

    /// Whether the packet waits, as of the last commit. Also after `close`, when it tells how things stood then.
    public func holds(_ id: PacketRowID) -> Bool { core.state.withLock { $0.packets[id.number] != nil } }

    /// The bodies of several packets, each with its own result, in the order given.
    public func readPackets(_ ids: [PacketRowID]) -> [Result<[UInt8], SpoolError>] {
        ids.map { id in Result { () throws(SpoolError) in try readPacket(id) } }
    }

    /// The body of an item.
    public func readItem(_ id: ItemRowID) throws(SpoolError) -> [UInt8] {
        let found = try readRecords {
            try Row.fetchAll($0, sql: "SELECT segment, slot, length FROM item WHERE id = ?", arguments: [id.number])
        }
        guard let item = found.first else { throw .unknown }
        return item.bytes
    }

    /// How far a message has come; nil if none of its parts is held.
    public func readMessage(_ id: MessageID) throws(SpoolError) -> PartialMessage? {
        try core.query { database in
            guard
                let found = try Row.fetchOne(
                    database, sql: "SELECT length, groups, whole FROM message WHERE id = ? AND state = 0",
                    arguments: [id.blob])
            else { return nil }
            var groups: [Int: PartialMessage.Group] = [:]
            for group in try Row.fetchAll(
                database, sql: "SELECT number, k, n, held, sharelength FROM sharegroup WHERE message = ?",
                arguments: [id.blob])
            {
                groups[group[0]] = PartialMessage.Group(k: group[1], n: group[2], held: group[3], shareLength: group[4])
            }
            return PartialMessage(
                message: id, length: found[0], groupCount: found[1], groups: groups,
                isComplete: (found[1] as Int) == (found[2] as Int))
        }
    }

    /// The shares held of one group of a message, in order of their numbers: at most 255, so at most 8 MiB. `damaged`
    /// if one of them does not open.
    public func readShares(message: MessageID, group: Int) throws(SpoolError) -> [StoredShare] {
        try readRecords {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT segment, slot, length, position FROM share WHERE message = ? AND number = ? ORDER BY position
                    """,
                arguments: [message.blob, group])
        }.map { StoredShare(index: $0.row[3], bytes: $0.bytes) }
    }

    /// Which shares of an unfinished message are held: the numbers of each group's shares in order, by the group's
    /// number, without groups of which none is held. Empty if the message is unknown or finished.
    public func heldShares(of message: MessageID) throws(SpoolError) -> [Int: [Int]] {
        let rows = try core.query { database in
            try Row.fetchAll(
                database, sql: "SELECT number, position FROM share WHERE message = ? ORDER BY number, position",
                arguments: [message.blob])
        }
        var held: [Int: [Int]] = [:]
        for row in rows { held[row[0], default: []].append(row[1]) }
        return held
    }

    /// Finds rows whose first three columns are a record, and reads the records. Once more if one was copied on and
    /// its old segment deleted between the two.
    func readRecords(_ find: (Database) throws -> [Row]) throws(SpoolError) -> [(row: Row, bytes: [UInt8])] {
        for _ in 0..<8 {
            let rows = try core.query(find)
            do throws(SpoolError) {
                var found: [(row: Row, bytes: [UInt8])] = []
                for row in rows { found.append((row, try core.read(try Record(row, at: 0)))) }
                return found
            } catch .unknown {
                continue
            }
        }
        throw .unknown
    }

    // MARK: Files

    /// A new file for a reassembled message.
    public func makeFile() throws(SpoolError) -> SealedFileWriter { try SealedFileWriter(directory: core.directory) }

    /// The content of a delivery's file.
    public func openFile(_ name: SealedFileName) throws(SpoolError) -> SealedFileReader {
        let found: (key: Data, length: Int)? = try core.query { database in
            try Row.fetchOne(database, sql: "SELECT key, length FROM file WHERE name = ?", arguments: [name.blob])
                .map { ($0[0], $0[1]) }
        }
        guard let found else { throw .unknown }
        do {
            let key = try core.seal.openSecret(Array(found.key), as: name.place)
            return SealedFileReader(
                file: try PosixFile.openForReading(core.directory.file(name)), key: key, length: found.length)
        } catch let error as SpoolError {
            throw error
        } catch { throw .damaged }
    }

    /// The content of a finished file to which no delivery refers yet.
    public func openFile(_ file: FinishedFile) throws(SpoolError) -> SealedFileReader {
        SealedFileReader(
            file: try PosixFile.openForReading(core.directory.file(file.name)), key: file.key, length: file.length)
    }

    /// Deletes a finished file that no delivery will refer to.
    public func discard(_ file: FinishedFile) throws(SpoolError) {
        let isHeld = try core.query { database in
            try Row.fetchOne(database, sql: "SELECT 1 FROM file WHERE name = ?", arguments: [file.name.blob]) != nil
        }
        if !isHeld { try PosixDirectory.remove(core.directory.file(file.name)) }
    }

    /// Counts for metrics.
    public var statistics: SpoolStatistics { core.statistics.withLock { $0 } }
}
