// Places where a test may kill the process, to prove that nothing is lost or doubled by a crash there. Nothing of it
// is in a release build.

private import Glibc
private import Synchronization

/// A named place in the program. `NIGHTJAR_KILL_AT=name:count` in the environment of a debug build kills the process
/// with SIGKILL when it is passed for the count-th time.
public struct CrashPoint: Sendable {
    let name: StaticString
    public init(_ name: StaticString) { self.name = name }

    /// Bodies are written to a segment but not flushed.
    public static let segmentWritten = CrashPoint("segment-written")
    /// Bodies are flushed, the transaction is open.
    public static let segmentFlushed = CrashPoint("segment-flushed")
    /// Everything is ready to be committed.
    public static let beforeCommit = CrashPoint("before-commit")
    /// Committed, nobody told.
    public static let afterCommit = CrashPoint("after-commit")
    /// Records of an old segment are copied on, not committed.
    public static let recordsCopied = CrashPoint("records-copied")
    /// Records of an old segment are copied on and committed.
    public static let copyCommitted = CrashPoint("copy-committed")
    /// A segment's key is erased, its file still there.
    public static let segmentErased = CrashPoint("segment-erased")
    /// A message's deliveries are inserted, not committed.
    public static let messageCompleting = CrashPoint("message-completing")
    /// A message's deliveries are committed.
    public static let messageCompleted = CrashPoint("message-completed")
    /// A sealed file is finished, nothing refers to it.
    public static let fileFinished = CrashPoint("file-finished")
    /// The last delivery of a file is gone, the file still there.
    public static let deliveryFinished = CrashPoint("delivery-finished")

    #if DEBUG
        private static let target: (name: String, count: Int)? = {
            guard let text = getenv("NIGHTJAR_KILL_AT") else { return nil }
            let fields = String(cString: text).split(separator: ":")
            guard fields.count == 2, let count = Int(fields[1]), count > 0 else { return nil }
            return (String(fields[0]), count)
        }()
        private static let passages = Mutex(0)
    #endif

    /// Passes the place.
    public static func reached(_ point: CrashPoint) {
        #if DEBUG
            pass(point)
        #endif
    }

    #if DEBUG
        private static func pass(_ point: CrashPoint) {
            guard let target, target.name == point.name.description else { return }
            let passed = passages.withLock { count in
                count += 1
                return count
            }
            if passed == target.count { kill(getpid(), SIGKILL) }
        }
    #endif
}
