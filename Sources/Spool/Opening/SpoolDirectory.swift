// The directory of a spool and the names in it:
//
//     spool.lock        marks the directory as a spool, says its format, and is locked by the process that uses it
//     spool.sqlite      everything but bodies, with -wal and -shm beside it
//     spool.reserve     room kept back for a full disk
//     segments/N        bodies
//     files/HEX         reassembled messages
//
// What is damaged is renamed to NAME.damaged-TIME and never touched again.

internal import WireFormat

/// An exclusively held spool directory.
struct SpoolDirectory: Sendable {
    let path: String
    private let lock: PosixFile
    /// Whether the mark names an older format.
    private let isOlder: Bool

    var reserve: String { path + "/spool.reserve" }
    var database: String { path + "/spool.sqlite" }
    var segments: String { path + "/segments" }
    var files: String { path + "/files" }
    func segment(_ id: UInt32) -> String { "\(segments)/\(id)" }
    func file(_ name: SealedFileName) -> String { "\(files)/\(name.hex)" }

    private static let mark = "nightjar spool "
    private static let damagedMark = ".damaged-"

    /// Makes or takes the directory.
    init(taking path: String) throws(SpoolError) {
        try PosixDirectory.prepare(path)
        let names = try PosixDirectory.names(in: path)
        guard names.isEmpty || names.contains("spool.lock") else { throw .notASpool(directory: path) }
        lock = try PosixFile.openOrCreate(path + "/spool.lock")
        guard try lock.lock() else { throw .inUse(directory: path) }
        self.path = path
        let text = String(decoding: try lock.read(64, at: 0), as: UTF8.self)
        if text.isEmpty {
            // New, or a crash came before the mark was written; then nothing else can be there.
            guard names.allSatisfy({ $0 == "spool.lock" }) else { throw .notASpool(directory: path) }
            try Self.writeMark(lock)
            isOlder = false
        } else {
            guard text.hasPrefix(Self.mark), text.hasSuffix("\n"),
                let version = Int(text.dropFirst(Self.mark.count).dropLast())
            else { throw .notASpool(directory: path) }
            guard (Schema.oldestVersion...Schema.version).contains(version) else {
                throw .otherVersion(directory: path, found: version, wanted: Schema.version)
            }
            isOlder = version < Schema.version
        }
        try PosixDirectory.prepare(segments)
        try PosixDirectory.prepare(files)
        try PosixDirectory.flush(path)
    }

    /// Names the format of this program, after everything in the directory has been brought up to it.
    func mark() throws(SpoolError) {
        if isOlder { try Self.writeMark(lock) }
    }

    /// Overwrites a mark of the same length: the numbers of all formats so far have one digit.
    private static func writeMark(_ lock: PosixFile) throws(SpoolError) {
        let mark = Array("\(mark)\(Schema.version)\n".utf8)
        let result: Result<Void, SpoolError> = mark.withUnsafeBytes { bytes in
            Result { () throws(SpoolError) in try lock.write(bytes, at: 0) }
        }
        try result.get()
        try lock.flush()
    }

    /// Lets another process, or this one, open the spool again.
    func release() { lock.unlock() }

    /// Renames a damaged file so that nothing uses it again; returns its new name. One that is gone already is left.
    @discardableResult
    func setAside(_ file: String, now: Timestamp) throws(SpoolError) -> String? {
        guard PosixDirectory.size(of: file) != nil else { return nil }
        var name = "\(file)\(Self.damagedMark)\(now.seconds)"
        var count = 1
        while PosixDirectory.size(of: name) != nil {
            count += 1
            name = "\(file)\(Self.damagedMark)\(now.seconds)-\(count)"
        }
        try PosixDirectory.rename(file, to: name)
        return name
    }

    /// Names in one of the subdirectories that are not set aside.
    func names(in subdirectory: String) throws(SpoolError) -> [String] {
        try PosixDirectory.names(in: subdirectory).filter { !$0.contains(Self.damagedMark) }
    }
}
