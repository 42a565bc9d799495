internal import Daemon
private import Foundation
private import Glibc

/// Names in a directory.
enum DirectoryListing {
    /// Whether `path` is a directory, or leads to one.
    static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// All names but `.` and `..`, in no order.
    static func names(in path: String) throws(CommandFailure) -> [String] {
        guard let directory = opendir(path) else {
            throw CommandFailure("cannot read \(path): \(SystemError(number: errno).reason)")
        }
        defer { closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw CommandFailure("cannot read \(path): \(SystemError(number: errno).reason)") }
        return names
    }
}
