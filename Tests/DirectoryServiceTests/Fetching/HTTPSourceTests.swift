// The source that clients and nodes use, against our server and against a mirror that is any web server.

import Directory
import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

@Suite struct HTTPSourceTests {
    /// Texts that begin as descriptors do.
    private let descriptors = (0..<100).map { Array("\(DocumentKind.descriptor.rawValue) 1\nnumber \($0)\n".utf8) }
    private var digests: [Digest] { descriptors.map(Digest.sha256) }
    private var documents: [DirectoryRoute: ServedDocument] {
        var documents: [DirectoryRoute: ServedDocument] = [
            .descriptors: ServedDocument(Array(descriptors.joined())), .consensus: ServedDocument(prose(5000)),
            .network: ServedDocument(Array("network\n".utf8)),
            .networkVersion(3): ServedDocument(Array("third\n".utf8)),
        ]
        for (digest, bytes) in zip(digests, descriptors) {
            documents[.document(digest)] = ServedDocument(bytes, tag: digest)
        }
        return documents
    }

    private func check(_ source: HTTPSource) async throws {
        #expect(try await source.consensus(newerThan: nil) == prose(5000))
        #expect(try await source.networkFile(nil) == Array("network\n".utf8))
        #expect(try await source.networkFile(3) == Array("third\n".utf8))
        await #expect(throws: FetchError.notFound) { try await source.networkFile(2) }
        #expect(try await source.document(digests[7]) == descriptors[7])
        // A few: singly, and those that are not there are left out.
        let few = try await source.descriptors(digests.prefix(20) + [Digest()], outOf: 100)
        #expect(Set(few) == Set(descriptors.prefix(20)))
        // Many: all in one piece.
        #expect(try await source.descriptors(Array(digests.prefix(26)), outOf: 100) == descriptors)
        #expect(try await source.descriptors([], outOf: 100) == [])
        await #expect(throws: FetchError.notFound) { try await source.descriptors([Digest()], outOf: 100) }
    }

    @Test func anAuthority() async throws {
        let server = try await RunningServer(MemoryBackend(documents))
        defer { server.stop() }
        let source = try HTTPSource(url: server.url, client: DirectoryHTTPClient())
        try await check(source)
        #expect(source.name == server.url)
        #expect(server.server.connections <= HTTPSource.fetchedAtOnce)
    }

    @Test func whatTheBundleLacksComesSingly() async throws {
        // Cut off by its largest size, or of another slot.
        for lacking in [0, 1, 60, 100] {
            var documents = documents
            documents[.descriptors] = ServedDocument(Array(descriptors.dropLast(lacking).joined()))
            documents[.document(digests[99])] = nil
            let server = try await RunningServer(MemoryBackend(documents))
            defer { server.stop() }
            let source = try HTTPSource(url: server.url, client: DirectoryHTTPClient())
            let found = try await source.descriptors(digests, outOf: 100)
            #expect(Set(found) == Set(lacking == 0 ? descriptors : descriptors.dropLast()), "\(lacking)")
            #expect(found.count == Set(found).count)
        }
    }

    @Test func withoutABundleAllComeSingly() async throws {
        var documents = documents
        documents[.descriptors] = nil
        let server = try await RunningServer(MemoryBackend(documents))
        defer { server.stop() }
        let source = try HTTPSource(url: server.url, client: DirectoryHTTPClient())
        #expect(Set(try await source.descriptors(digests, outOf: 100)) == Set(descriptors))
        documents[.descriptors] = ServedDocument([UInt8](repeating: 65, count: DescriptorBundle.maximumSize + 1))
        let other = try await RunningServer(MemoryBackend(documents))
        defer { other.stop() }
        let second = try HTTPSource(url: other.url, client: DirectoryHTTPClient())
        #expect(Set(try await second.descriptors(digests, outOf: 100)) == Set(descriptors))
    }

    @Test func descriptorsAreRecognisedWithoutTheirSignatures() {
        let body = Array("nightjar-descriptor 1\ncontact a signature\n".utf8)
        #expect(HTTPSource.digest(body + Array("signature\n-----BEGIN\n".utf8)) == .sha256(body))
        #expect(HTTPSource.digest(body) == .sha256(body))
        #expect(HTTPSource.digest([]) == .sha256([UInt8]()))
    }

    @Test func whatIsKnownIsNotFetchedAgain() async throws {
        let digest = Digest.sha256("known")
        let server = try await RunningServer(MemoryBackend([.consensus: ServedDocument(prose(5000), tag: digest)]))
        defer { server.stop() }
        let source = try HTTPSource(url: server.url, client: DirectoryHTTPClient())
        #expect(try await source.consensus(newerThan: ConsensusLink(slot: Slot(1), digest: digest)) == nil)
        #expect(try await source.consensus(newerThan: ConsensusLink(slot: Slot(1), digest: Digest())) == prose(5000))
    }

    @Test func aServerThatGoesAwayEndsTheSearch() async throws {
        let server = try await ScriptedServer { _ in }
        defer { server.stop() }
        let source = try HTTPSource(url: "http://127.0.0.1:\(server.port)", client: DirectoryHTTPClient())
        await #expect(throws: FetchError.closed) { try await source.descriptors(Array(digests.prefix(20)), outOf: 100) }
    }

    @Test func filesOnAnyWebServer() async throws {
        let directory = try TemporaryDirectory("nightjar-mirror")
        for (route, document) in documents {
            let file = URL(fileURLWithPath: directory.file(route.name))
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(document.bytes).write(to: file)
        }
        let (python, port) = try await PythonPeer.files(directory.path)
        defer { python.stop() }
        let client = DirectoryHTTPClient()
        try await check(HTTPSource(url: "http://127.0.0.1:\(port)/", client: client))
        // Our own server of files does the same.
        let server = try await RunningServer(FileBackend(directory: directory.path))
        defer { server.stop() }
        try await check(HTTPSource(url: server.url, client: client))
        #expect(try await client.post([1], to: server.url + "/votes").status == 403)
        for path in ["/../etc/passwd", "/documents", "/documents/../network", "/.hidden", "//network"] {
            await #expect(throws: FetchError.notFound) { try await client.get(server.url + path, limit: 1000) }
        }
        // A file that changes is served anew.
        try Data("changed\n".utf8).write(to: URL(fileURLWithPath: directory.file("network")))
        #expect(try await client.get(server.url + "/network", limit: 100) == .document(Array("changed\n".utf8)))
    }

    @Test func theBundleIsForThoseWhoMissMuch() {
        #expect(!HTTPSource.wantsBundle(missing: 1, total: 2))
        #expect(HTTPSource.wantsBundle(missing: 2, total: 2))
        #expect(!HTTPSource.wantsBundle(missing: 500, total: 2000))
        #expect(HTTPSource.wantsBundle(missing: 501, total: 2000))
        #expect(!HTTPSource.wantsBundle(missing: 0, total: 0))
    }
}
