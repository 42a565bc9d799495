// Room on the disk that mail may not take: without it no slot could be spent when the disk is full, and packets would stop
// leaving because mail came.

private import Glibc

/// Looks at the room that is left.
struct DiskRoom: Sendable {
    let path: String
    /// Bytes that are left free.
    let reserve: Int

    /// Whether mail may take room. A file system that does not say counts as having some.
    var isThere: Bool { isFree(reserve) }

    /// Whether requests may: they are what makes room, and brings the blocks that packets leave through.
    var isThereForRequests: Bool { isFree(reserve / 2) }

    private func isFree(_ count: Int) -> Bool {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return true }
        return UInt64(info.f_bavail) &* UInt64(info.f_frsize) >= UInt64(max(0, count))
    }
}
