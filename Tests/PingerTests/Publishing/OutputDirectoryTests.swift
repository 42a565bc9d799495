import Daemon
import Foundation
import TestSupport
import Testing

@testable import PingerProgram

@Suite("Output directory")
struct OutputDirectoryTests {
    private let place: TemporaryDirectory
    private var output: OutputDirectory {
        OutputDirectory(path: place.file("public"), manifest: place.file("outputs"))
    }

    init() throws { place = try TemporaryDirectory("outputs") }

    private func names(_ folder: String = "public") -> Set<String> {
        let all = FileManager.default.subpaths(atPath: place.file(folder)) ?? []
        return Set(all.filter { !FileManager.default.isDirectory("\(place.file(folder))/\($0)") })
    }

    private func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: place.file("public/\(name)")).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func files(_ names: [String], _ text: String = "x") -> [(name: String, bytes: [UInt8])] {
        names.map { ($0, Array("\($0) \(text)".utf8)) }
    }

    @Test("writes, replaces, and removes what is no longer made, but nothing that is somebody else's")
    func replace() throws {
        try output.replace(with: Self.files(["index.html", "node/a-1.html", "node/b-2.html", "nodes.csv"]))
        #expect(names() == ["index.html", "node/a-1.html", "node/b-2.html", "nodes.csv"])
        // A reader must be let in, whatever the umask.
        let mode = try FileManager.default.attributesOfItem(atPath: place.file("public/node/a-1.html"))
        #expect(mode[.posixPermissions] as? Int == 0o644)
        for name in ["robots.txt", "node/mine.html"] {
            try Data("mine".utf8).write(to: URL(fileURLWithPath: place.file("public/\(name)")))
        }
        try output.replace(with: Self.files(["index.html", "node/b-2.html"], "new"))
        #expect(names() == ["index.html", "node/b-2.html", "robots.txt", "node/mine.html"])
        #expect(text("index.html") == "index.html new" && text("robots.txt") == "mine")
        // A file of another's stays even if it has a name that we make and give up.
        try output.replace(with: [])
        #expect(names() == ["robots.txt", "node/mine.html"])
    }

    @Test("another directory begins anew: what lies in the one before stays")
    func moved() throws {
        try output.replace(with: Self.files(["index.html", "old.csv"]))
        let other = OutputDirectory(path: place.file("elsewhere"), manifest: place.file("outputs"))
        try other.replace(with: Self.files(["index.html"]))
        #expect(names() == ["index.html", "old.csv"] && names("elsewhere") == ["index.html"])
    }

    @Test("no name leads out of the directory, and a manifest that was tampered with removes nothing else")
    func names_() throws {
        for name in ["../x", "/etc/x", "a/../b", "a/b/c", ".x", "a/.b", "", "a//b", "a b", "x\n", "é"] {
            #expect(!OutputDirectory.isName(name), "\(name)")
        }
        try Data("mine".utf8).write(to: URL(fileURLWithPath: place.file("precious")))
        try AtomicFile.write(text: "\(place.file("public"))\n../precious\nindex.html\n", to: place.file("outputs"))
        try output.replace(with: Self.files(["nodes.csv", "../precious"]))
        #expect(FileManager.default.contents(atPath: place.file("precious")) == Data("mine".utf8))
        #expect(names() == ["nodes.csv"])
    }

    @Test("a directory that cannot be made, or is a file, is said by name")
    func refused() throws {
        try Data().write(to: URL(fileURLWithPath: place.file("public")))
        let failure = #expect(throws: CommandFailure.self) { try output.replace(with: Self.files(["index.html"])) }
        #expect(failure?.message.contains("is not a directory") == true)
    }

    @Test("a reader sees each file whole, and never an index that names what is not there, while all are replaced")
    func reader() async throws {
        // Each generation has pages of its own, which its index names.
        @Sendable func generation(_ number: Int) -> [(name: String, bytes: [UInt8])] {
            let pages = (0..<4).map { "node/p\($0)-\(number).html" }
            let body = String(repeating: "\(number) ", count: 3000)
            return Self.files(pages + ["node/q\(number + 1).html"], body)
                + [("index.html", Array((["generation"] + pages).joined(separator: "\n").utf8))]
        }
        // What an index names must stay until the next index is there.
        let output = self.output
        try output.replace(with: generation(0))
        let writer = Task.detached {
            var number = 1
            while !Task.isCancelled {
                try output.replace(with: generation(number))
                number += 1
            }
        }
        defer { writer.cancel() }
        let path = place.file("public")
        var seen: Set<Data> = []
        var faults: [String] = []
        let limit = ContinuousClock.now + .seconds(120)
        while seen.count < 15, ContinuousClock.now < limit {
            guard let index = FileManager.default.contents(atPath: path + "/index.html") else {
                faults.append("no index")
                continue
            }
            seen.insert(index)
            let lines = String(decoding: index, as: UTF8.self).split(separator: "\n")
            if lines.first != "generation" || lines.count != 5 { faults.append("a part of an index") }
            for name in lines.dropFirst() {
                guard let page = FileManager.default.contents(atPath: "\(path)/\(name)") else {
                    // Gone is allowed only if a newer index is there by now.
                    if FileManager.default.contents(atPath: path + "/index.html") == index { faults.append("\(name)") }
                    continue
                }
                if page.count < 6000 { faults.append("a part of \(name)") }
            }
        }
        writer.cancel()
        try await writer.value
        #expect(faults.isEmpty && seen.count >= 15)
    }
}

extension FileManager {
    fileprivate func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }
}
