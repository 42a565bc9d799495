import Daemon
import Foundation
import TestSupport
import Testing

@Suite struct FilesTests {
    func message(_ body: () throws -> Void) -> String {
        #expect(throws: CommandFailure.self, performing: body)?.message ?? ""
    }

    func mode(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? -1
    }

    @Test func directoriesAreMadePrivate() throws {
        let temporary = try TemporaryDirectory()
        let old = umask(0o277)
        defer { umask(old) }
        umask(0o022)
        let directory = try PrivateDirectory(temporary.file("a/b/c/"))
        #expect(directory.path == temporary.file("a/b/c"))
        #expect(try mode(directory.path) == 0o700)
        #expect(try mode(temporary.file("a")) == 0o755)
        #expect(try directory.directory("keys").path == directory.file("keys"))
        #expect(try PrivateDirectory(directory.path) == directory, "once more changes nothing")
    }

    @Test func whatIsNotPrivateIsRefusedWithTheRemedy() throws {
        let temporary = try TemporaryDirectory()
        let directory = try PrivateDirectory(temporary.file("data"))
        chmod(directory.path, 0o750)
        #expect(
            message { _ = try PrivateDirectory(directory.path) }
                == "others may use the directory \(directory.path); take that away with: chmod 700 \(directory.path)")
        chmod(directory.path, 0o700)
        #expect(try directory.checkFile("key") == false)
        try AtomicFile.write([1], to: directory.file("key"))
        #expect(try directory.checkFile("key"))
        chmod(directory.file("key"), 0o644)
        #expect(message { try directory.checkFile("key") }.hasSuffix("chmod 600 \(directory.file("key"))"))
        #expect(message { _ = try PrivateDirectory(directory.file("key")) }.contains("is not a directory"))
        symlink(directory.path, temporary.file("link"))
        #expect(message { _ = try PrivateDirectory(temporary.file("link")) }.contains("is a symbolic link"))
        #expect(
            message { _ = try PrivateDirectory(temporary.file("none"), creating: false) }
                == "there is no directory \(temporary.file("none")); make it with: mkdir -m 700 \(temporary.file("none"))"
        )
        #expect(message { _ = try PrivateDirectory("") }.contains("empty"))
        #expect(message { _ = try PrivateDirectory("/proc/nightjar") }.hasPrefix("cannot make the directory"))
        if geteuid() == 0 {
            chown(directory.path, 1, 1)
            #expect(
                message { _ = try PrivateDirectory(directory.path) }.contains("belongs to user 1 and not to user 0"))
        } else {
            #expect(message { _ = try PrivateDirectory("/root") }.contains("belongs to user 0"))
        }
    }

    @Test func filesAreReplacedWhole() throws {
        let temporary = try TemporaryDirectory()
        let path = temporary.file("state")
        try AtomicFile.write(text: "one", to: path)
        #expect(try mode(path) == 0o600)
        try AtomicFile.write(text: "two", to: path)
        #expect(try AtomicFile.read(path, limit: 3) == Array("two".utf8))
        #expect(message { _ = try AtomicFile.read(path, limit: 2) }.contains("longer than the 2 bytes"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path) == ["state"])
        try AtomicFile.remove(path)
        try AtomicFile.remove(path)
        #expect(message { _ = try AtomicFile.read(path, limit: 2) } == "cannot read \(path): no such file or directory")
    }

    @Test func aFailedWriteLeavesTheOldFileAlone() throws {
        let full = #expect(throws: CommandFailure.self) { try AtomicFile.write([1], to: "/dev/full/x") }
        #expect(full?.message == "cannot write /dev/full/x: not a directory")
        let temporary = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: temporary.file("taken"), withIntermediateDirectories: false)
        #expect(message { try AtomicFile.write([1], to: temporary.file("taken")) }.contains("is a directory"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path) == ["taken"])
    }

    @Test func aLockIsHeldByOneAndNamesIt() throws {
        let temporary = try TemporaryDirectory()
        let path = temporary.file("lock")
        do {
            let lock = try LockFile(path)
            #expect(lock.path == path)
            let failure = #expect(throws: CommandFailure.self) { try LockFile(path) }
            #expect(failure?.code == .temporary)
            #expect(failure?.message.hasPrefix("process \(getpid()) is using this directory") == true)
            withExtendedLifetime(lock) {}
        }
        _ = try LockFile(path)
        #expect(message { _ = try LockFile(temporary.file("none/lock")) }.contains("no such file or directory"))
    }
}
