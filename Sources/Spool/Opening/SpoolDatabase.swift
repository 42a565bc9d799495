// Opening the database file, or setting it aside and making a new one.

internal import GRDB
internal import MixCrypto
internal import WireFormat

enum SpoolDatabase {
    /// What proves that the storage key is the right one.
    private static let proof = "nightjar spool"

    /// The database of the spool, of this program's format and opened by this storage key. `damaged` if it is, or is
    /// gone while what it describes is there.
    static func open(
        _ directory: SpoolDirectory, seal: StorageSeal, configuration: SpoolConfiguration
    ) throws(SpoolError) -> DatabasePool {
        if PosixDirectory.size(of: directory.database) == nil, try hasBodies(directory) { throw .damaged }
        return try connect(directory, seal: seal, configuration: configuration)
    }

    private static func hasBodies(_ directory: SpoolDirectory) throws(SpoolError) -> Bool {
        let bodies = try directory.names(in: directory.segments) + directory.names(in: directory.files)
        return !bodies.isEmpty
    }

    private static func connect(
        _ directory: SpoolDirectory, seal: StorageSeal, configuration: SpoolConfiguration
    ) throws(SpoolError) -> DatabasePool {
        // Made here so that it, and the files that SQLite puts beside it, are for the owner alone.
        _ = try PosixFile.openOrCreate(directory.database)
        try PosixDirectory.flush(directory.path)
        do {
            var options = Configuration()
            options.label = "spool"
            options.maximumReaderCount = max(1, configuration.readers)
            options.busyMode = .timeout(1)
            let pool = try DatabasePool(path: directory.database, configuration: options)
            try pool.writeWithoutTransaction { database in
                try checkFormat(database, directory)
                var tables = Schema.checkedTables
                if PosixDirectory.size(of: directory.database) ?? 0 <= configuration.checkedDatabaseBytes {
                    tables += try Schema.periods("replay_", in: database).map(Schema.replayTable)
                }
                for table in tables {
                    let findings = try String.fetchAll(database, sql: "PRAGMA quick_check(\(table))")
                    guard findings == ["ok"] else { throw SpoolError.damaged }
                }
                try checkKey(database, seal, directory)
            }
            return pool
        } catch { throw SpoolError(wrapping: error) }
    }

    private static let tableNames = "SELECT name FROM sqlite_master WHERE type = 'table'"

    private static func checkFormat(_ database: Database, _ directory: SpoolDirectory) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if application == 0, version == 0, try String.fetchAll(database, sql: Self.tableNames).isEmpty {
            try database.execute(sql: "PRAGMA synchronous = FULL")
            return try database.inTransaction(.immediate) {
                try Schema.create(in: database)
                return .commit
            }
        }
        guard application == Schema.applicationID else { throw SpoolError.notASpool(directory: directory.path) }
        guard (Schema.oldestVersion...Schema.version).contains(version) else {
            throw SpoolError.otherVersion(directory: directory.path, found: version, wanted: Schema.version)
        }
        if version < Schema.version {
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.inTransaction(.immediate) {
                try Schema.migrate(from: version, in: database)
                return .commit
            }
        }
        let present = Set(try String.fetchAll(database, sql: Self.tableNames))
        guard present.isSuperset(of: Schema.checkedTables) else { throw SpoolError.damaged }
    }

    private static func checkKey(_ database: Database, _ seal: StorageSeal, _ directory: SpoolDirectory) throws {
        let sealed = try Row.fetchOne(database, sql: "SELECT value FROM property WHERE name = 'proof'")
        if let sealed {
            let blob = try [UInt8](blob: sealed[0])
            guard (try? seal.open(blob, as: "proof")) == Array(proof.utf8) else {
                throw SpoolError.wrongStorageKey(directory: directory.path)
            }
        } else {
            let value = try seal.seal(text: proof, as: "proof")
            try database.execute(
                sql: "INSERT INTO property VALUES ('proof', ?)", arguments: [Blob.data(value)])
        }
    }

    /// Sets a damaged database aside, with all segments and files, whose keys were in it.
    static func setAside(_ directory: SpoolDirectory, now: Timestamp, damage: inout SpoolDamage) throws(SpoolError) {
        damage.lostReplayTags = true
        for suffix in ["", "-wal", "-shm"] {
            if let name = try directory.setAside(directory.database + suffix, now: now) { damage.setAside.append(name) }
        }
        for name in try directory.names(in: directory.segments) {
            let path = "\(directory.segments)/\(name)"
            damage.packets += (PosixDirectory.size(of: path) ?? 0) / Record.sealedSize
            if let name = try directory.setAside(path, now: now) { damage.setAside.append(name) }
        }
        for name in try directory.names(in: directory.files) {
            damage.deliveries += 1
            if let name = try directory.setAside("\(directory.files)/\(name)", now: now) {
                damage.setAside.append(name)
            }
        }
    }
}
