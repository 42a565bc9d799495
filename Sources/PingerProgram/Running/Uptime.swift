internal import Glibc

/// Time that nobody can set.
enum Uptime {
    /// Seconds since the machine started, those included in which it slept.
    static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
