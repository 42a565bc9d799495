import Foundation

/// The files of this package, as paths below its top.
struct SourceTree {
    let root: URL

    /// The tree that this file stands in.
    init() {
        root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    /// Names in the top directory.
    func topLevel() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() }

    /// Names of the directories in `directory`.
    func directories(in directory: String) throws -> [String] {
        let path = root.appendingPathComponent(directory).path
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { isDirectory("\(directory)/\($0)") }
            .sorted()
    }

    /// All files below `directory` without what a build leaves: names that start with a dot.
    func files(below directory: String) throws -> [String] {
        guard isDirectory(directory) else { return [] }
        let names = try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(directory).path)
            .sorted()
        return try names.filter { !$0.hasPrefix(".") }.flatMap { name in
            isDirectory("\(directory)/\(name)") ? try files(below: "\(directory)/\(name)") : ["\(directory)/\(name)"]
        }
    }

    func swiftFiles(below directory: String) throws -> [String] {
        try files(below: directory).filter { $0.hasSuffix(".swift") }
    }

    /// The lines of a file; nil if it is not text, or has gone since it was listed.
    func lines(_ path: String) -> [String]? {
        guard let data = try? Data(contentsOf: root.appendingPathComponent(path)),
            let text = String(data: data, encoding: .utf8)
        else { return nil }
        return text.components(separatedBy: "\n")
    }

    /// The modules that a source file imports, each with its line. Declarations (`import struct A.B`) and submodules count as
    /// their module.
    func imports(_ path: String) -> [(line: Int, module: String)] { Self.imports(in: lines(path) ?? []) }

    static func imports(in lines: [String]) -> [(line: Int, module: String)] {
        var found: [(line: Int, module: String)] = []
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        for (index, line) in lines.enumerated() {
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })[...]
            while let first = words.first,
                first.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(first)
            {
                words = words.dropFirst()
            }
            guard words.first == "import", let next = words.dropFirst().first else { continue }
            guard let name = kinds.contains(next) ? words.dropFirst(2).first : next else { continue }
            found.append((index + 1, String(name.prefix { $0.isLetter || $0.isNumber || $0 == "_" })))
        }
        return found
    }

    private func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }
}
