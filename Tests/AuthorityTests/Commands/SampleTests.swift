import Daemon
import Directory
import Foundation
import MMTP
import Testing

@testable import AuthorityProgram

@Suite("Samples")
struct SampleTests {
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: repository.appendingPathComponent(path), encoding: .utf8)
    }

    @Test("the sample configuration and the manual page have every setting, and no other")
    func sample() throws {
        let keys = ConfigFile.keys { _ = AuthoritySettings.read($0) }
        let differences = ConfigAudit.differences(
            keys: keys, sample: try Self.text("etc/nightjar-authority.toml"),
            manual: try Self.text("doc/man/nightjar-authority.1"))
        #expect(differences == [])
    }

    @Test("the sample can be read as it is")
    func readable() throws {
        let file = try ConfigFile(text: Self.text("etc/nightjar-authority.toml"), name: "sample")
        let settings = AuthoritySettings.read(file.root)
        try file.finish()
        #expect(settings.name.text == "alice")
        #expect(settings.listen.port == 48_080)
    }

    @Test("doc/AUTHORITY.md explains what can stand in a draft's TOML")
    func draft() throws {
        let page = try Self.text("doc/AUTHORITY.md")
        for key in NetworkDraft.keys { #expect(page.contains("`\(key.name)`"), "\(key.path)") }
    }
}
