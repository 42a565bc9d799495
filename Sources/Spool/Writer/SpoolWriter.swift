// The one thread that writes. A group of operations becomes one transaction:
//
//     BEGIN; rows, while bodies are appended to a segment; flush the segment; COMMIT; tell the submitters
//
// so that a commit never points at bytes that are not on the disk, and nobody is told before the commit. Operations
// change `staged` (a copy of the ledger) and `effects`; both are dropped when the transaction fails. Between groups the
// thread does what can wait, in bounded steps: copies records on, erases tags, moves the log into the database.

internal import GRDB
internal import Synchronization
internal import WireFormat

/// Carries out operations; every method runs on the writer's thread, which alone holds the instance after `start`.
final class SpoolWriter: @unchecked Sendable {
    let core: SpoolCore
    var ledger: Ledger
    var staged: Ledger
    var effects = GroupEffects()
    var appender = SegmentAppender()
    var statements: SpoolStatements?
    /// The time as last told.
    var now: Timestamp
    /// Set while the disk is full: whatever would store a body is refused.
    var storesNothing = false
    /// Room for that group.
    var reserve: DiskReserve

    /// The segment being emptied.
    var copying: SegmentCopy?
    /// Periods whose tags are still being erased.
    var erasing: [KeyPeriod]
    /// Set when background work failed, until the next time is told.
    var isPaused = false
    /// Keys erased since the log was last emptied, and whether emptying it may be tried.
    var erasures = 0
    var mayTruncate = false

    init(core: SpoolCore, ledger: Ledger, erasing: [KeyPeriod], now: Timestamp) {
        self.core = core
        self.ledger = ledger
        self.erasing = erasing
        self.now = now
        staged = ledger
        reserve = DiskReserve(path: core.directory.reserve, bytes: core.configuration.reserveBytes)
        takeReserve()
        updateStatistics { _ in }
    }

    var configuration: SpoolConfiguration { core.configuration }

    /// Serves the queue until it is closed and empty.
    func run(_ queue: SubmissionQueue) {
        while true {
            let isBusy = hasBackgroundWork || (erasures > 0 && mayTruncate)
            guard
                let group = queue.next(
                    limit: configuration.groupSize, settle: configuration.groupWaitMilliseconds, wait: !isBusy)
            else { break }
            if !group.isEmpty { commit(group) }
            if hasBackgroundWork { backgroundStep() }
            moveLog(isIdle: group.isEmpty)
        }
        finish()
    }

    /// One transaction for all of `group`; then its submitters are told.
    func commit(_ group: [Submission]) {
        var results = attempt(group)
        if case .failure(let error) = results, error.isDiskFull {
            // What makes room must still be possible: without new bodies, and if need be with the reserve.
            storesNothing = true
            results = attempt(group)
            if case .failure(let error) = results, error.isDiskFull, giveReserve() { results = attempt(group) }
            storesNothing = !reserve.isHeld && configuration.reserveBytes > 0
        }
        updateStatistics {
            $0.groups += 1
            $0.operations += group.reduce(0) { $0 + $1.operations.count }
        }
        switch results {
        case .success(let results): for (submission, result) in zip(group, results) { submission.completion(result) }
        case .failure(let error):
            for (submission, result) in zip(group, Self.failures(group, error)) { submission.completion(result) }
        }
        let hasRoomAgain = !effects.erasedSegments.isEmpty
        deleteFiles()
        if hasRoomAgain { takeReserve() }
    }

    private func attempt(_ group: [Submission]) -> Result<[[SpoolResult]], SpoolError> {
        Result { () throws(SpoolError) in
            try transaction { try group.map { try $0.operations.map { try apply($0) } } }
        }
    }

    /// Takes the reserve if it is not held; without it nothing is stored.
    func takeReserve() {
        do { storesNothing = try !reserve.take() } catch {
            // A reserve that cannot be made for another reason than room is no reason to refuse packets.
            storesNothing = false
        }
    }

    private func giveReserve() -> Bool {
        do { return try reserve.give() } catch { return false }
    }

    private static func failures(_ group: [Submission], _ error: SpoolError) -> [[SpoolResult]] {
        group.map { $0.operations.map { error.isDiskFull && $0.bodyCount > 0 ? .full : .failed(error) } }
    }

    /// Runs `body` in one transaction and, after its commit, makes its effects visible.
    func transaction<R>(_ body: () throws -> R) throws(SpoolError) -> R {
        staged = ledger
        effects = GroupEffects()
        do {
            let result = try core.pool.writeWithoutTransaction { database in
                if statements == nil { statements = try SpoolStatements(database) }
                try database.beginTransaction(.immediate)
                do {
                    let result = try body()
                    try flushSegments()
                    try eraseEmptySegments()
                    CrashPoint.reached(.beforeCommit)
                    try database.commit()
                    return result
                } catch {
                    // SQLite may have rolled back on its own; GRDB knows.
                    try database.rollback()
                    throw error
                }
            }
            CrashPoint.reached(.afterCommit)
            if effects.completesMessage { CrashPoint.reached(.messageCompleted) }
            publish()
            return result
        } catch {
            abandon()
            throw SpoolError(wrapping: error)
        }
    }

    private func flushSegments() throws {
        CrashPoint.reached(.segmentWritten)
        if !appender.begun.isEmpty { try PosixDirectory.flush(core.directory.segments) }
        if try appender.flush() { CrashPoint.reached(.segmentFlushed) }
    }

    private func eraseEmptySegments() throws {
        for id in staged.empty(except: appender.current?.id) {
            try run("DELETE FROM segment WHERE id = ?", [id])
            staged.segments[id] = nil
            effects.erasedSegments.append(id)
        }
    }

    private func publish() {
        ledger = staged
        let begun = appender.begun
        appender.committed()
        core.state.withLock { state in
            for segment in begun { state.segments[segment.id] = segment }
            for (id, from, to) in effects.moved where state.packets[id]?.segment == from { state.packets[id] = to }
            for (id, record, release, body) in effects.stored {
                state.packets[id] = record
                state.hot.insert(body, id: id, release: release)
            }
            for id in effects.removed {
                state.packets[id] = nil
                state.hot.remove(id)
            }
            for id in effects.erasedSegments { state.segments[id] = nil }
        }
        if !effects.tags.isEmpty || !effects.forgotten.isEmpty {
            core.filters.withLock { filters in
                for (period, key) in effects.tags {
                    filters[period, default: ReplayFilter(bytes: configuration.replayFilterBytes)].insert(key)
                }
                for period in effects.forgotten { filters[period] = nil }
            }
        }
        for period in effects.erasable where !erasing.contains(period) { erasing.append(period) }
        erasing.removeAll { effects.erasedPeriods.contains($0) }
        erasures += effects.erasedSegments.count + effects.erasedPeriods.count
        if erasures > 0 { mayTruncate = true }
    }

    /// Undoes what a failed transaction did outside the database.
    private func abandon() {
        ledger.nextSegment = max(ledger.nextSegment, staged.nextSegment)
        for period in effects.newPeriods { statements?.forget(period) }
        // The slots written may not be written again, so the segment ends where the last commit left it. That the
        // room cannot be given back is no harm: the rest of the file is never read.
        for segment in appender.abandon() { try? PosixDirectory.remove(segment.path) }
        effects = GroupEffects()
        updateStatistics { $0.failedGroups += 1 }
    }

    /// Deletes the files that the last commit left without a row. One that cannot be deleted now is deleted at the
    /// next start.
    private func deleteFiles() {
        if !effects.erasedSegments.isEmpty { CrashPoint.reached(.segmentErased) }
        for id in effects.erasedSegments { try? PosixDirectory.remove(core.directory.segment(id)) }
        if !effects.deletedFiles.isEmpty { CrashPoint.reached(.deliveryFinished) }
        for name in effects.deletedFiles { try? PosixDirectory.remove(core.directory.file(name)) }
        effects = GroupEffects()
    }

    // MARK: Work between groups

    var hasBackgroundWork: Bool {
        guard !isPaused else { return false }
        if copying != nil || !erasing.isEmpty { return true }
        return ledger.nextToCopy(except: appender.current?.id, now: now, configuration: configuration) != nil
    }

    private func backgroundStep() {
        do {
            if let period = erasing.first {
                try transaction { try eraseStep(period) }
            } else {
                try copyStep()
            }
            let copied = effects.copiedRecords
            let damaged = effects.damagedRecords
            updateStatistics {
                $0.copiedRecords += copied
                $0.damagedRecords += damaged
            }
            deleteFiles()
        } catch {
            isPaused = true
        }
    }

    /// Moves the write-ahead log into the database when it is long, and empties it when it still holds erased keys.
    private func moveLog(isIdle: Bool) {
        let length = PosixDirectory.size(of: core.directory.database + "-wal") ?? 0
        let empties = mayTruncate && (isIdle || erasures >= 8)
        guard empties || length >= configuration.checkpointBytes else { return }
        do {
            try core.pool.writeWithoutTransaction { _ = try $0.checkpoint(empties ? .truncate : .passive) }
            if empties { erasures = 0 }
        } catch {
            // A reader was in the way or the disk is full: the log stays, the next group tries again.
        }
        mayTruncate = mayTruncate && !empties
    }

    private func finish() {
        statements = nil
        do { try core.pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } } catch {
            // The log is complete; the next start reads it.
        }
        core.close()
    }

    func updateStatistics(_ change: (inout SpoolStatistics) -> Void) {
        core.statistics.withLock { statistics in
            change(&statistics)
            statistics.packets = ledger.packets
            statistics.items = ledger.items
            statistics.shares = ledger.shares
            statistics.shareBytes = ledger.shareBytes
            statistics.messages = ledger.openMessages
            statistics.deliveries = ledger.deliveries
            statistics.mailboxes = ledger.mailboxes
            statistics.mailBlocks = ledger.mailBlocks
            statistics.segments = ledger.segments.count
            statistics.liveBytes = ledger.records * Record.sealedSize
            statistics.deadBytes = ledger.deadRecords * Record.sealedSize
            statistics.isNearlyFull = ledger.isNearlyFull(configuration)
        }
    }

    // MARK: Statements

    /// The statements; they exist whenever a transaction is open.
    func prepared() throws(SpoolError) -> SpoolStatements {
        guard let statements else { throw .closed }
        return statements
    }

    @discardableResult
    func run(_ sql: String, _ arguments: StatementArguments) throws -> Int { try prepared().run(sql, arguments) }
    func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? { try prepared().row(sql, arguments) }
    func rows(_ sql: String, _ arguments: StatementArguments) throws -> [Row] { try prepared().rows(sql, arguments) }
}
