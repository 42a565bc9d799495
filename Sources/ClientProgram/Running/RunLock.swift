// Who serves a queue: one `nightjar run` for each home, and while it runs every other command leaves its networks to it.

internal import Daemon
private import Glibc
internal import WireFormat

/// Held by `nightjar run` while it is alive. The kernel drops it however the process ends.
final class RunLock: Sendable {
    private let whole: LockFile
    private let networks: [LockFile]

    /// Others look at the lock for a moment by taking a share of it; that long it is tried again.
    private static let patience = 20
    private static let pause = Duration.milliseconds(50)

    /// Takes the lock of this home, and that of every network that is to be served.
    /// - Throws: `CommandFailure` of code `temporary` if another `nightjar run` is alive.
    init(_ places: ClientPlaces, networks names: [String]) async throws {
        whole = try await Self.take(Self.path(places))
        var taken: [LockFile] = []
        for name in names { taken.append(try await Self.take(Self.path(places, network: name))) }
        networks = taken
    }

    /// Whether `nightjar run` is alive in this home.
    static func isHeld(_ places: ClientPlaces) -> Bool { isLocked(path(places)) }

    /// Whether `nightjar run` is alive and serves the network called `name`: then its queue and the inbox are not to be
    /// opened by anybody else, and what is to leave is only recorded.
    static func isHeld(_ places: ClientPlaces, network name: String) -> Bool {
        isHeld(places) && isLocked(path(places, network: name))
    }

    /// The process that holds the lock; nil if none does or it cannot be read.
    static func holder(_ places: ClientPlaces) -> Int? {
        guard isHeld(places), let text = try? AtomicFile.read(path(places), limit: 32) else { return nil }
        return Int(String(decoding: text, as: UTF8.self).filter { !$0.isWhitespace })
    }

    /// Whether this process holds the lock.
    static func isOwn(_ places: ClientPlaces) -> Bool { holder(places) == Int(getpid()) }

    private static func path(_ places: ClientPlaces) -> String { "\(places.data)/run.lock" }
    private static func path(_ places: ClientPlaces, network name: String) -> String {
        "\(places.data)/run-\(name).lock"
    }

    private static func take(_ path: String) async throws -> LockFile {
        for _ in 0..<patience {
            switch attempt(path) {
            case .success(let lock): return lock
            case .failure(let failure) where failure.code == .temporary: try await Task.sleep(for: pause)
            case .failure(let failure): throw failure
            }
        }
        throw CommandFailure(
            "`nightjar run` is running already (lock \(path)); see `nightjar status`, or stop that one first",
            code: .temporary)
    }

    private static func attempt(_ path: String) -> Result<LockFile, CommandFailure> {
        Result { () throws(CommandFailure) in try LockFile(path) }
    }

    private static func isLocked(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return false }
        defer { close(file) }
        // A share, so that two commands that look at the same time do not take each other for `nightjar run`.
        return flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}
