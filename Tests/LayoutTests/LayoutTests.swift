import Foundation
import Testing

/// The shape of the repository. Each failure names the file and the rule.
@Suite("Layout")
struct LayoutTests {
    let tree = SourceTree()

    @Test("every import is in the table")
    func imports() throws {
        var count = 0
        for rule in ImportTable.targets {
            let allowed = rule.ours.union(rule.libraries).union(rule.system)
            for file in try tree.swiftFiles(below: "Sources/\(rule.name)") {
                for (line, module) in tree.imports(file) {
                    count += 1
                    #expect(
                        allowed.contains(module),
                        "\(file):\(line) imports \(module): \(rule.name) may import only \(allowed.sorted().joined(separator: ", "))"
                    )
                    if rule.name == "MMTP", ImportTable.certificateModules.contains(module) {
                        #expect(
                            ImportTable.certificateFiles.contains(file),
                            "\(file):\(line) imports \(module): in MMTP only files of certificates may")
                    }
                }
            }
        }
        #expect(count > 50, "the imports were found")
    }

    @Test("the table allows nothing that no file needs")
    func unused() throws {
        for rule in ImportTable.targets {
            let used = Set(
                try tree.swiftFiles(below: "Sources/\(rule.name)").flatMap { tree.imports($0).map(\.module) })
            let spare = rule.ours.union(rule.libraries).union(rule.system).subtracting(used)
            #expect(
                spare.isEmpty,
                "the table lets \(rule.name) import \(spare.sorted().joined(separator: ", ")), which it does not do")
        }
    }

    @Test("an import is found however it is written")
    func importForms() {
        let lines = [
            "import A", "public import B", "  @testable import C", "internal import struct D.E",
            "private import func F.G", "import H.I",
            "@preconcurrency public import J // why", "// import K", "let text = \"import L\"", "import M; print(1)",
        ]
        #expect(SourceTree.imports(in: lines).map(\.module) == ["A", "B", "C", "D", "F", "H", "J", "M"])
    }

    @Test("imports go downwards only")
    func downwards() {
        var above: [String: Layer] = [:]
        for rule in ImportTable.targets {
            for name in rule.ours {
                guard let layer = above[name] else {
                    Issue.record("the table lets \(rule.name) import \(name), which does not stand above it")
                    continue
                }
                #expect(layer <= rule.layer, "the table lets \(rule.name) import \(name) of a higher layer")
                #expect(layer != .executables, "the table lets \(rule.name) import the executable \(name)")
            }
            #expect(above.updateValue(rule.layer, forKey: rule.name) == nil, "\(rule.name) is in the table twice")
        }
    }

    @Test("the table, Sources and Package.swift name the same targets")
    func targets() throws {
        let table = Set(ImportTable.targets.map(\.name))
        let manifest = try #require(tree.lines("Package.swift")).joined(separator: "\n")
        for name in try tree.directories(in: "Sources") {
            #expect(
                table.contains(name),
                "Sources/\(name) is not in the table of imports (Tests/LayoutTests/ImportTable.swift)")
        }
        for name in table {
            #expect(
                FileManager.default.fileExists(atPath: tree.root.appendingPathComponent("Sources/\(name)").path),
                "Sources/\(name) is in the table but not there")
            #expect(manifest.contains("\"\(name)\""), "Package.swift does not name \(name)")
        }
    }

    @Test("names say what a file holds")
    func names() throws {
        for file in try tree.files(below: "Sources") + tree.files(below: "Tests") {
            for word in ImportTable.emptyWords {
                #expect(!file.contains(word), "\(file): no name has `\(word)` in it; name the file for its type")
            }
        }
    }

    @Test("nothing new stands at the top of the repository")
    func topLevel() throws {
        for name in try tree.topLevel() where !name.hasPrefix(".") {
            #expect(
                ImportTable.topLevel.contains(name),
                "\(name): the top level has only \(ImportTable.topLevel.sorted().joined(separator: ", "))")
        }
    }

    @Test("source files are short")
    func lengths() throws {
        for file in try tree.swiftFiles(below: "Sources") {
            // What stands behind the last line feed is no line.
            let count = (tree.lines(file)?.count ?? 1) - 1
            #expect(
                count <= ImportTable.maximumLines,
                "\(file) has \(count) lines; at most \(ImportTable.maximumLines): split it by type")
        }
    }

    @Test("no file knows the machine that it was written on")
    func machinePaths() throws {
        // In pieces, so that this file passes.
        let paths = ["/wo" + "rk/", "/tmp/ba" + "sh_jobs", "/opt/sw" + "ift-packages"]
        let directories = ["Sources", "Tests", "doc", "etc", "contrib", ".ci"]
        let files = try tree.topLevel().filter { ImportTable.topLevel.contains($0) && !directories.contains($0) }
        for file in try files + directories.flatMap({ try tree.files(below: $0) }) where file != "Package.resolved" {
            for (index, line) in (tree.lines(file) ?? []).enumerated() {
                for path in paths {
                    #expect(!line.contains(path), "\(file):\(index + 1) names the path \(path) of one machine")
                }
            }
        }
    }

    @Test("nothing in Sources is made to trap")
    func traps() throws {
        for file in try tree.swiftFiles(below: "Sources") {
            for (index, line) in (tree.lines(file) ?? []).enumerated() {
                let code = line.components(separatedBy: "//").first ?? ""
                for trap in ["try!", "fatalError(", "as!"] {
                    #expect(
                        !code.contains(trap),
                        "\(file):\(index + 1) has `\(trap)`: errors are thrown, returned or counted")
                }
            }
        }
    }
}
