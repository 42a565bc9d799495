// The directory that a web server shows. Each file is replaced in one step, and the index comes last, so that whoever reads it
// finds what it names. A file that is no longer made goes, but only if this pinger made it: everything else in the directory
// is somebody else's.

internal import Daemon
internal import Foundation

/// Writes the files of the output directory.
struct OutputDirectory: Sendable {
    let path: String
    /// The file that remembers which files are ours. It lies in the data directory, which nobody else can write.
    let manifest: String

    /// Most bytes of the manifest.
    private static let maximumManifest = 4 << 20
    /// Written last.
    static let index = "index.html"

    /// Replaces all files by these; names are relative, such as `nodes.csv` or `node/ada-1234abcd.html`.
    /// - Throws: `CommandFailure`; what was written by then is whole.
    func replace(with files: [(name: String, bytes: [UInt8])]) throws(CommandFailure) {
        let files = files.filter { Self.isName($0.name) }
        let names = Set(files.map(\.name))
        let old = remembered()
        if !names.isSubset(of: old) { try remember(old.union(names)) }
        try makeDirectory(path)
        for folder in Set(names.compactMap(Self.folder)).sorted() { try makeDirectory("\(path)/\(folder)") }
        for file in files where file.name != Self.index { try write(file) }
        for file in files where file.name == Self.index { try write(file) }
        let gone = old.subtracting(names)
        for name in gone.sorted() { try AtomicFile.remove("\(path)/\(name)") }
        if !gone.isEmpty { try remember(names) }
    }

    private func write(_ file: (name: String, bytes: [UInt8])) throws(CommandFailure) {
        try AtomicFile.write(file.bytes, to: "\(path)/\(file.name)", mode: 0o644)
    }

    private func makeDirectory(_ path: String) throws(CommandFailure) {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
            guard isDirectory.boolValue else {
                throw CommandFailure("\(path) is not a directory; move it away, or set another output-directory")
            }
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw CommandFailure(
                "cannot make the directory \(path); make it for the user who runs the pinger: \(error.localizedDescription)"
            )
        }
    }

    /// The names of files in this directory that we have written. Those of another directory, which was configured before,
    /// are left where they are.
    private func remembered() -> Set<String> {
        guard let bytes = try? AtomicFile.read(manifest, limit: Self.maximumManifest) else { return [] }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        guard lines.first == path else { return [] }
        return Set(lines.dropFirst().filter(Self.isName))
    }

    private func remember(_ names: Set<String>) throws(CommandFailure) {
        try AtomicFile.write(
            text: ([path] + names.sorted()).map { $0 + "\n" }.joined(), to: manifest)
    }

    /// One or two parts of letters, digits, `.`, `_` and `-`, none with a dot in front: nothing that leads elsewhere.
    static func isName(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count)
            && parts.allSatisfy { part in
                (1...120).contains(part.utf8.count) && part.first != "."
                    && part.utf8.allSatisfy {
                        (97...122).contains($0 | 32) || (48...57).contains($0) || $0 == 45 || $0 == 46 || $0 == 95
                    }
            }
    }

    private static func folder(_ name: String) -> String? {
        name.lastIndex(of: "/").map { String(name[..<$0]) }
    }
}
