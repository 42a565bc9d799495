import Foundation
import Spool
import TestSupport
import Testing

/// A disk without room, as a limit on the size of files and as a small file system.
@Suite struct SpoolFullDiskTests {
    /// Whether this user may mount a file system of its own.
    static let canMount =
        (try? CrashProgram.start("/bin/sh", ["-c", "unshare -rm mount -t tmpfs none /mnt 2>/dev/null"]).status) == 0

    private func check(_ lines: [String]) {
        #expect(lines.count == 6, "\(lines)")
        guard lines.count == 6 else { return }
        #expect(lines[0].hasPrefix("stored "))
        #expect(lines[1] == "then full")
        #expect(lines[2] == "all are there")
        #expect(lines[3] == "removed all")
        #expect(lines[4] == "the refused one is stored")
        #expect(lines[5] == "after a restart 1")
    }

    @Test func filesMayGrowNoLonger() throws {
        let directory = try TemporaryDirectory("nightjar-full")
        let (lines, _) = try CrashProgram.run(["full", directory.file("spool"), "1000000"])
        check(lines)
        #expect(lines.first == "stored 30")
    }

    @Test(.enabled(if: canMount, "needs unshare(1) and the right to mount"))
    func theFileSystemIsFull() throws {
        let directory = try TemporaryDirectory("nightjar-full")
        let script =
            "mount -t tmpfs -o size=4m none \(directory.path)"
            + " && exec \(CrashProgram.path) full \(directory.path)/spool 0"
        let (lines, reason, status) = try CrashProgram.start("/bin/sh", ["-c", "exec unshare -rm sh -c '\(script)'"])
        #expect(reason == .exit && status == 0)
        check(lines)
    }
}
