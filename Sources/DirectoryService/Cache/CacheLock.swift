// Several processes share one cache: whoever changes it holds its lock.

internal import Daemon
internal import Foundation

/// Changes of a cache, one at a time.
enum CacheLock {
    /// A change takes far less; whoever stops within one is not waited for for ever.
    static let patience = 500
    private static let pause = 0.02

    /// Runs `body` while no other process changes the cache.
    /// - Throws: `CommandFailure` of code `temporary` if the lock is not to be had within ten seconds.
    static func hold<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        let lock = try take(path)
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    private static func take(_ path: String) throws(CommandFailure) -> LockFile {
        for _ in 1..<patience {
            do throws(CommandFailure) {
                return try LockFile(path)
            } catch {
                guard error.code == .temporary else { throw error }
                Thread.sleep(forTimeInterval: pause)
            }
        }
        return try LockFile(path)
    }
}
