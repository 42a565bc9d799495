// What the writer's thread and all readers share.

internal import GRDB
internal import MixCrypto
internal import Synchronization
internal import WireFormat

/// The open spool behind its public face.
final class SpoolCore: Sendable {
    let configuration: SpoolConfiguration
    let directory: SpoolDirectory
    let seal: StorageSeal
    let pool: DatabasePool
    let state: Mutex<SharedState>
    /// One for each period that has a tag.
    let filters: Mutex<[KeyPeriod: ReplayFilter]>
    let statistics = Mutex(SpoolStatistics())

    init(
        configuration: SpoolConfiguration, directory: SpoolDirectory, seal: StorageSeal, pool: DatabasePool,
        state: sending SharedState, filters: sending [KeyPeriod: ReplayFilter]
    ) {
        self.configuration = configuration
        self.directory = directory
        self.seal = seal
        self.pool = pool
        self.state = Mutex(state)
        self.filters = Mutex(filters)
    }

    /// Reads from the database on one of the readers' connections.
    func query<R>(_ body: (Database) throws -> R) throws(SpoolError) -> R {
        do {
            return try pool.read(body)
        } catch {
            if state.withLock({ $0.isClosed }) { throw .closed }
            throw SpoolError(wrapping: error)
        }
    }

    /// Lets go of everything, so that the spool can be opened again even while references to this one are left.
    func close() {
        let capacity = configuration.cacheBytes
        state.withLock { state in
            // Which packets waited in the end may still be asked.
            let packets = state.packets
            state = SharedState(hot: HotBodies(capacity: capacity))
            state.packets = packets
            state.isClosed = true
        }
        // Fails while a reader is at work; its connection then closes with the last reference.
        try? pool.close()
        directory.release()
    }

    /// The body of a record. `unknown` if its segment is gone.
    func read(_ record: Record) throws(SpoolError) -> [UInt8] {
        let (segment, isClosed) = state.withLock { ($0.segments[record.segment], $0.isClosed) }
        guard let segment else { throw isClosed ? .closed : .unknown }
        return try segment.read(slot: Int(record.slot), length: Int(record.length))
    }
}

extension SpoolError {
    /// The spool's own errors as they are, SQLite's as text; a full disk is told apart.
    init(wrapping error: any Error) {
        switch error {
        case let own as SpoolError: self = own
        case let database as DatabaseError:
            switch database.resultCode {
            case .SQLITE_FULL: self = .system(call: "write", path: "spool.sqlite", code: DiskFull.code)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged
            default: self = .database(database.message ?? "error \(database.extendedResultCode.rawValue)")
            }
        default: self = .database(String(describing: error))
        }
    }
}
