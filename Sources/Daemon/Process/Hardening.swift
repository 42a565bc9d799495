// What a process does at its start so that its memory does not reach the disk and its sockets do not run out.

internal import Glibc

/// Settings of the process, made once at the start of `main`.
public enum Hardening {
    /// Turns core dumps off, keeps other processes of this user from attaching, and raises the number of files that may be
    /// open to what the system allows.
    /// - Parameter lockMemory: also keep all memory from being swapped out (needs a high enough `memlock` limit).
    public static func apply(lockMemory: Bool = false) throws(CommandFailure) {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        guard setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0 else {
            throw CommandFailure("cannot turn core dumps off: \(SystemError.current.reason)")
        }
        try makeUndumpable()
        try raiseOpenFiles()
        if lockMemory, mlockall(MCL_CURRENT | MCL_FUTURE) != 0 {
            throw CommandFailure(
                """
                cannot lock memory: \(SystemError.current.reason); raise the limit (LimitMEMLOCK=infinity in the unit \
                file, or ulimit -l unlimited) or turn lock-memory off
                """)
        }
    }

    /// The number of files that may be open now.
    public static var openFileLimit: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }

    private static func raiseOpenFiles() throws(CommandFailure) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        guard limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw CommandFailure("cannot raise the limit of open files: \(SystemError.current.reason)")
        }
    }

    /// prctl(2) is declared with variable arguments, which Swift does not import; on every Linux that Swift runs on such a
    /// function takes integers in the same registers as one that names them.
    private typealias ProcessControl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32

    /// PR_GET_DUMPABLE and PR_SET_DUMPABLE of linux/prctl.h, which the Glibc module does not hold.
    private static let getDumpable: Int32 = 3
    private static let setDumpable: Int32 = 4

    private static func makeUndumpable() throws(CommandFailure) {
        guard let symbol = dlsym(nil, "prctl") else { throw CommandFailure("this system has no prctl") }
        let processControl = unsafeBitCast(symbol, to: ProcessControl.self)
        guard processControl(setDumpable, 0, 0, 0, 0) == 0 else {
            throw CommandFailure("cannot keep memory from being dumped: \(SystemError.current.reason)")
        }
    }

    /// Whether the process's memory can be dumped or read by others of this user.
    public static var isDumpable: Bool {
        guard let symbol = dlsym(nil, "prctl") else { return true }
        return unsafeBitCast(symbol, to: ProcessControl.self)(getDumpable, 0, 0, 0, 0) != 0
    }
}
