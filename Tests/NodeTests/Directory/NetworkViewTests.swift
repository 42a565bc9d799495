import Directory
import DirectoryService
import Foundation
import MMTP
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

@Suite("Network view")
struct NetworkViewTests {
    private static let now = DirectoryFixture.now

    private struct Bench {
        let directory: TemporaryDirectory
        let fixture: DirectoryFixture
        var settings: NodeSettings
        var files: NodeFiles { NodeFiles(directory: settings.dataDirectory) }
        var cache: DirectoryCache { DirectoryCache(directory: files.directoryCache) }

        init() throws {
            directory = try TemporaryDirectory("view")
            fixture = try DirectoryFixture()
            settings = try DirectoryFixture.settings(directory.file("node"), networkFile: directory.file("network"))
            try files.create()
            try put(fixture.root.bytes)
        }

        func put(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: directory.file("network"))) }
        func view(at now: Timestamp = NetworkViewTests.now) throws -> NetworkView {
            try NetworkView(settings, files: files, now: now)
        }
        @discardableResult
        func install(_ nodes: [Descriptor], at now: Timestamp = NetworkViewTests.now) throws -> CertifiedConsensus {
            let consensus = try fixture.authority.certify(nodes, at: now)
            try cache.install(consensus: consensus.bytes, descriptors: nodes.map(\.bytes), now: now)
            return consensus
        }
    }

    private func refused(_ bench: Bench, _ words: String) {
        #expect { try bench.view() } throws: { "\($0)".contains(words) }
    }

    @Test("the network file alone is enough to start")
    func start() throws {
        var bench = try Bench()
        bench.settings.networkDigest = bench.fixture.root.digest
        let view = try bench.view()
        #expect(view.current.consensus == nil && view.problem == nil)
        #expect(view.current.root == bench.fixture.root)
        #expect(try view.reload(now: Self.now) == nil)
        // From now on the file need not be there.
        try FileManager.default.removeItem(atPath: bench.settings.networkFile)
        #expect(try bench.view().current.root == bench.fixture.root)
    }

    @Test("no file, another file, another digest, another network: each is told")
    func wrongFiles() throws {
        var bench = try Bench()
        bench.settings.networkDigest = .sha256([1])
        refused(bench, "the network file has the fingerprint \(bench.fixture.root.digest.hex), not")
        bench.settings.networkDigest = nil
        try bench.put(Array("hello\n".utf8))
        refused(bench, "is not a network file")
        try FileManager.default.removeItem(atPath: bench.settings.networkFile)
        refused(bench, "cannot read the network file")
        try bench.put(bench.fixture.root.bytes)
        _ = try bench.view()
        let other = try SoleAuthority(
            network: "other", isTest: true, key: HybridSigningKey.generate(), published: Self.now)
        try bench.put(other.root.bytes)
        refused(bench, "names the network other, but this node belongs to testing")
        // One of the same name and version that somebody else made.
        try bench.put(DirectoryFixture().root.bytes)
        refused(bench, "two different network files of version 1")
        try bench.put(bench.fixture.root.bytes)
        #expect(throws: Never.self) { try bench.view() }
    }

    @Test("what is put on the disk is taken; what is damaged leaves the old one in force")
    func disk() throws {
        let bench = try Bench()
        let view = try bench.view()
        let (ada, ben) = (try DirectoryFixture.node("ada"), try DirectoryFixture.node("ben", "127.0.0.2:9"))
        let first = try bench.install([ada])
        let change = try #require(try view.reload(now: Self.now))
        #expect(change.isNewConsensus && change.addresses == [ada.id] && !change.isNewRoot)
        #expect(view.current.consensus?.link == first.link)
        #expect(view.addresses(of: ada.id).map(\.description) == ["127.0.0.1:4000"])
        #expect(view.addresses(of: ben.id).isEmpty)
        let later = Self.now + .hours(1)
        try bench.install([ben], at: later)
        #expect(try #require(try view.reload(now: later)).addresses == [ben.id])
        // The one that is gone is still reached, also after a restart.
        #expect(!view.addresses(of: ada.id).isEmpty)
        #expect(try !bench.view(at: later).addresses(of: ada.id).isEmpty)
        #expect(try bench.view(at: Self.now + .days(30)).addresses(of: ada.id).isEmpty)
        try Data("garbage".utf8).write(to: URL(fileURLWithPath: bench.files.directoryCache + "/consensus"))
        #expect(try #require(try view.reload(now: later)).isNewConsensus == false)
        #expect(view.problem != nil && view.current.node(ben.id) != nil)
    }

    @Test("an expired consensus is used: the node has packets; one of the future is not")
    func ages() throws {
        let bench = try Bench()
        _ = try bench.view()
        let ada = try DirectoryFixture.node("ada")
        try bench.install([ada])
        let late = try bench.view(at: Self.now + .days(30))
        #expect(late.current.node(ada.id) != nil && late.problem == nil)
        #expect(!late.addresses(of: ada.id).isEmpty)
        let early = try bench.view(at: Self.now - .days(1))
        #expect(early.current.consensus == nil)
        #expect(early.problem?.contains("in the future") == true)
    }

    @Test("a clock that was wrong when the node started and is set right needs no new consensus")
    func wrongClock() throws {
        let bench = try Bench()
        _ = try bench.view()
        let ada = try DirectoryFixture.node("ada")
        let installed = try bench.install([ada])
        let view = try bench.view(at: Self.now - .days(1))
        #expect(view.problem != nil)
        // Nothing has changed: that is not told again and again.
        #expect(try view.reload(now: Self.now - .hours(20)) == nil)
        #expect(view.problem != nil)
        let change = try #require(try view.reload(now: Self.now))
        #expect(change.isNewConsensus && view.problem == nil)
        #expect(view.current.consensus?.link == installed.link)
        #expect(try view.reload(now: Self.now) == nil)
    }

    @Test("a consensus that cannot be used takes no node out of the address book")
    func bookStays() throws {
        let bench = try Bench()
        _ = try bench.view()
        let ada = try DirectoryFixture.node("ada")
        try bench.install([ada])
        let expired = Self.now + .days(30)
        // In force for as long as the node has nothing newer, however old.
        let view = try bench.view(at: expired)
        try Data("garbage".utf8).write(to: URL(fileURLWithPath: bench.files.directoryCache + "/consensus"))
        #expect(try view.reload(now: expired) != nil)
        #expect(view.problem != nil && view.isKnown(ada.id))
    }
}
