// What the server answers: a real one, asked by the real client, and on a bare connection where the exact answer matters.

import Logging
import MixCrypto
import ServiceLifecycle
import Testing
import WireFormat

@testable import DirectoryService

@Suite struct DirectoryServerTests {
    private let client = DirectoryHTTPClient()
    private let text = prose(300_000)

    private func get(_ server: RunningServer, _ path: String, _ fields: String = "", method: String = "GET")
        async throws -> String
    {
        try await RawConnection(port: server.port).exchange([
            "\(method) \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\(fields)\r\n"
        ])
    }

    @Test func documentsComeAsTheyAre() async throws {
        let digest = Digest.sha256("any")
        let server = try await RunningServer(
            MemoryBackend([
                .consensus: ServedDocument(text, tag: digest), .descriptors: ServedDocument([]),
                .document(digest): ServedDocument([0, 255, 10], lifetime: .forever),
            ]))
        defer { server.stop() }
        #expect(try await client.get(server.url + "/consensus", limit: 1 << 20) == .document(text))
        #expect(try await client.get(server.url + "/descriptors", limit: 0) == .document([]))
        #expect(try await client.get(server.url + "/documents/\(digest.hex)", limit: 3) == .document([0, 255, 10]))
        #expect(try await client.get(server.url + "/consensus", limit: 1 << 20, unless: digest) == .unchanged)
        #expect(
            try await client.get(server.url + "/consensus", limit: 1 << 20, unless: .sha256("other")) == .document(text)
        )
        for path in ["/network", "/documents/\(Digest().hex)", "/no/such/page", "/documents/x", "/.."] {
            await #expect(throws: FetchError.notFound) { try await client.get(server.url + path, limit: 10) }
        }
    }

    @Test func fieldsSayWhatItIsAndNotWhatServes() async throws {
        let digest = Digest.sha256("any")
        let page = Array("<!doctype html><p>slots</p>".utf8)
        let server = try await RunningServer(
            MemoryBackend([
                .consensus: ServedDocument(Array("text".utf8), tag: digest),
                .document(digest): ServedDocument(Array("text".utf8), tag: digest, lifetime: .forever),
                .page("health"): ServedDocument(page, .html, lifetime: .none),
            ]))
        defer { server.stop() }
        let consensus = try await get(server, "/consensus").lowercased()
        #expect(consensus.hasPrefix("http/1.1 200 ok\r\n"))
        #expect(consensus.contains("\r\ncontent-type: text/plain; charset=utf-8\r\n"))
        #expect(consensus.contains("\r\netag: w/\"\(digest.hex)\"\r\n"))
        #expect(consensus.contains("\r\nx-content-type-options: nosniff\r\n"))
        #expect(consensus.contains("\r\ncache-control: public, max-age=60\r\n"))
        #expect(consensus.contains("\r\ncontent-length: 4\r\n"))
        #expect(consensus.contains(" gmt\r\n"))
        #expect(!consensus.contains("server:") && !consensus.contains("hummingbird"))
        #expect(consensus.hasSuffix("\r\n\r\ntext"))
        #expect(try await get(server, "/documents/\(digest.hex)").contains("max-age=31536000, immutable"))
        let health = try await get(server, "/health").lowercased()
        #expect(health.contains("\r\ncontent-type: text/html; charset=utf-8\r\n"))
        #expect(health.contains("\r\ncontent-security-policy: default-src 'none';"))
        #expect(health.contains("\r\ncache-control: no-cache\r\n"))
    }

    @Test func headIsGetWithoutTheBody() async throws {
        let server = try await RunningServer(MemoryBackend([.consensus: ServedDocument(text)]))
        defer { server.stop() }
        let head = try await get(server, "/consensus", method: "HEAD")
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(head.lowercased().contains("\r\ncontent-length: 300000\r\n"))
        #expect(head.hasSuffix("\r\n\r\n"))
        let missing = try await get(server, "/network", method: "HEAD")
        #expect(missing.hasPrefix("HTTP/1.1 404") && missing.hasSuffix("\r\n\r\n"))
    }

    @Test func unchangedHasNoBody() async throws {
        let digest = Digest.sha256("any")
        let server = try await RunningServer(MemoryBackend([.consensus: ServedDocument(text, tag: digest)]))
        defer { server.stop() }
        let answer = try await get(server, "/consensus", "if-none-match: \"\(digest.hex)\"\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 304"))
        #expect(answer.hasSuffix("\r\n\r\n"))
    }

    @Test func compressedOnlyForThoseWhoSaySo() async throws {
        let server = try await RunningServer(
            MemoryBackend([.consensus: ServedDocument(text), .network: ServedDocument(Array("short".utf8))]))
        defer { server.stop() }
        let plain = try await get(server, "/consensus").lowercased()
        #expect(!plain.contains("content-encoding") && plain.contains("vary: accept-encoding"))
        let packed = try await get(server, "/consensus", "accept-encoding: br, gzip\r\n")
        #expect(packed.lowercased().contains("\r\ncontent-encoding: gzip\r\n"))
        #expect(packed.utf8.count < 300_000 / 2)
        #expect(
            !(try await get(server, "/network", "accept-encoding: gzip\r\n")).lowercased().contains("content-encoding"))
        // By the client, which unpacks it: many at once, and again from the cache.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let answer = try await client.get(server.url + "/consensus", limit: 300_000)
                    #expect(answer == .document(text))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func postedDocumentsGetTheirAnswer() async throws {
        let verdicts: [(UploadVerdict, Int, String, PeerOutcome)] = [
            (.stored, 200, "stored", .accepted), (.known, 202, "known already", .accepted),
            (.malformed("no descriptor"), 400, "no descriptor", .refused("no descriptor")),
            (.refused("too old"), 403, "too old", .refused("too old")),
            (.conflict("the nickname is taken"), 409, "the nickname is taken", .refused("the nickname is taken")),
            (.busy(retryAfter: .milliseconds(1500)), 503, "busy; try again later", .busy(retryAfter: .seconds(2))),
        ]
        for (verdict, status, words, outcome) in verdicts {
            let backend = MemoryBackend(verdict: { _ in verdict })
            let server = try await RunningServer(backend)
            defer { server.stop() }
            let document = prose(20_000)
            let answer = try await client.post(document, to: server.url + "/descriptors")
            #expect(answer.status == status)
            #expect(answer.words == words)
            #expect(backend.posted == [MemoryBackend.Posted(bytes: document, kind: .descriptor)])
            let sender = PeerSender(client: client)
            #expect(await sender.post(document, as: .vote, to: [server.url]) == outcome)
            #expect(backend.posted.last?.kind == .vote)
        }
    }

    @Test func aLargeVoteIsTaken() async throws {
        let backend = MemoryBackend()
        let server = try await RunningServer(backend)
        defer { server.stop() }
        let vote = prose(DirectoryUpload.vote.mostBytes)
        #expect(try await client.post(vote, to: server.url + "/votes").status == 200)
        #expect(backend.posted.first?.bytes == vote)
    }

    @Test func errorsAreOneLineOfWords() async throws {
        let server = try await RunningServer(MemoryBackend())
        defer { server.stop() }
        for (method, path, status) in [
            ("GET", "/broken", 500), ("GET", "/nothing", 404), ("POST", "/nothing", 404), ("POST", "/consensus", 404),
            ("PUT", "/descriptors", 405), ("DELETE", "/consensus", 405), ("OPTIONS", "*", 405),
            ("CONNECT", "example.org:80", 405), ("GET", "http://example.org/", 404),
        ] {
            let answer = try await get(server, path, method: method)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(method) \(path): \(answer)")
            let body = answer.split(separator: "\r\n\r\n", maxSplits: 1).last ?? ""
            #expect(body.hasSuffix("\n") && body.filter(\.isNewline).count == 1, "\(answer)")
        }
    }

    @Test func manyRequestsShareAConnection() async throws {
        let server = try await RunningServer(MemoryBackend([.network: ServedDocument(Array("one".utf8))]))
        defer { server.stop() }
        let request = "GET /network HTTP/1.1\r\nhost: x\r\n\r\n"
        let post = "POST /votes HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nvote"
        let last = "GET /network HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        let answer = try await RawConnection(port: server.port).exchange([request + request + post + request + last])
        #expect(answer.split(separator: "HTTP/1.1 200 OK", omittingEmptySubsequences: false).count - 1 == 5)
    }

    @Test func itStopsWithoutWaitingForIdlePeers() async throws {
        let server = DirectoryServer(
            listen: [ListenAddress(host: "127.0.0.1", port: 0), ListenAddress(host: "127.0.0.1", port: 0)],
            backend: MemoryBackend([.network: ServedDocument([1])]))
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        let addresses = try await server.addresses()
        #expect(Set(addresses.map(\.port)).count == 2)
        let idle = Task { try await RawConnection(port: addresses[0].port).exchange([]) }
        let half = Task { try await RawConnection(port: addresses[1].port).exchange(["GET /network HT"]) }
        try await eventually { server.connections == 2 }
        let began = ContinuousClock.now
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(ContinuousClock.now - began < .seconds(15))
        #expect(try await idle.value.isEmpty)
        #expect(try await half.value.isEmpty)
        await #expect(throws: FetchError.self) {
            try await client.get("http://127.0.0.1:\(addresses[0].port)/network", limit: 9)
        }
    }

    @Test func aTakenPortIsToldInWords() async throws {
        let server = try await RunningServer(MemoryBackend())
        defer { server.stop() }
        let second = DirectoryServer(
            listen: [ListenAddress(host: "127.0.0.1", port: server.port)], backend: MemoryBackend())
        do {
            try await second.run()
            Issue.record("two servers on one port")
        } catch {
            #expect("\(error)".contains("cannot serve the directory on 127.0.0.1:\(server.port): "), "\(error)")
        }
    }
}
