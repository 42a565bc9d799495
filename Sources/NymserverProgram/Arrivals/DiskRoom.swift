// Room on the disk that mail may not take: without it no slot could be spent when the disk is full, and packets would stop
// leaving because mail came.

private import Glibc

/// Looks at the room that is left.
struct DiskRoom: Sendable {
    let path: String
    /// Bytes that are left free.
    let reserve: Int

    /// Whether there is more than the reserve. A file system that does not say counts as having room.
    var isThere: Bool {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return true }
        return UInt64(info.f_bavail) &* UInt64(info.f_frsize) > UInt64(reserve)
    }
}
