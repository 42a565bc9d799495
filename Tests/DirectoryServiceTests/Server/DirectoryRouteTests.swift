import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

@Suite struct DirectoryRouteTests {
    private let digest = Digest.random(using: &Self.generator)
    nonisolated(unsafe) private static var generator = SeededRandom(seed: 4)

    @Test func everyRouteReadsWhatItWrites() throws {
        let routes: [DirectoryRoute] = [
            .consensus, .consensusAt(0), .consensusAt(.max), .descriptors, .document(digest), .network,
            .networkVersion(.max), .votes(7), .signatures(7), .slots, .evidence, .reports, .page(""),
            .page("health"), .page("health.json"), .page("a/b/c.svg"),
        ]
        for route in routes { #expect(DirectoryRoute(path: route.path) == route) }
        for upload in DirectoryUpload.allCases { #expect(DirectoryUpload(path: upload.path) == upload) }
    }

    @Test(arguments: [
        "", "consensus", "//", "/a//b", "/../etc/passwd", "/.git/config", "/a/./b", "/a/..", "/documents/..",
        "/documents/00", "/consensuses/01", "/consensuses/-1", "/consensuses/18446744073709551616",
        "/networks/4294967296", "/votes/x", "/a%2e", "/a\\b", "/a b", "/é", "/a\u{0}", "/a/",
        "/" + String(repeating: "a", count: 128),
    ])
    func otherPathsAreNone(_ path: String) { #expect(DirectoryRoute(path: path) == nil) }

    @Test func queriesAreIgnored() { #expect(DirectoryRoute(path: "/consensus?x=/../y") == .consensus) }

    /// A mirror of files must be possible: no route is a folder of another.
    @Test func noNameIsAFolderToo() {
        let files: [DirectoryRoute] = [.consensus, .descriptors, .network, .slots, .evidence, .reports]
        let inFolders: [DirectoryRoute] = [
            .consensusAt(1), .document(digest), .networkVersion(1), .votes(1), .signatures(1),
        ]
        for file in files {
            for other in inFolders { #expect(!other.name.hasPrefix(file.name + "/")) }
        }
    }
}
