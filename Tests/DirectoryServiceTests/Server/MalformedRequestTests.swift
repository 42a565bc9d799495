// Bytes that are not HTTP, or hardly: whatever comes, the server goes on.

import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

@Suite(.serialized) struct MalformedRequestTests {
    private func impatient() -> DirectoryServerLimits {
        var limits = DirectoryServerLimits()
        limits.firstHead = .seconds(3)
        limits.nextHead = .seconds(3)
        limits.exchange = .seconds(3)
        limits.tick = .milliseconds(50)
        return limits
    }

    @Test(arguments: [
        "\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n",
        "G\u{0}T / HTTP/1.1\r\n\r\n",
        "POST /votes HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "POST /votes HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /votes HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        "POST /votes HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /votes HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n\r\n",
        "POST /votes HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n",
        "GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nx: " + String(repeating: "a", count: 100_000) + "\r\n\r\n",
        "GET / HTTP/1.1\r\n" + String(repeating: "x: y\r\n", count: 5000) + "\r\n",
    ])
    func itIsAnsweredOrClosed(_ text: String) async throws {
        let backend = MemoryBackend([.network: ServedDocument([65])])
        let server = try await RunningServer(backend, limits: impatient())
        defer { server.stop() }
        let answer = try await RawConnection(port: server.port).exchange([text])
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1."), "\(answer)")
        #expect(!answer.hasPrefix("HTTP/1.1 200"), "\(text.prefix(100).debugDescription): \(answer)")
        try await eventually { server.server.connections == 0 }
        #expect(backend.posted.isEmpty)
        #expect(try await DirectoryHTTPClient().get(server.url + "/network", limit: 1) == .document([65]))
    }

    @Test func randomBytesDoNoHarm() async throws {
        var random = SeededRandom(name: "randomBytesDoNoHarm")
        let server = try await RunningServer(MemoryBackend([.network: ServedDocument([65])]), limits: impatient())
        defer { server.stop() }
        let whole = Array(
            "POST /descriptors HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nconnection: close\r\n\r\n0123456789".utf8)
        for round in 0..<300 {
            var bytes = whole
            if round % 3 == 0 {
                bytes = (0..<Int.random(in: 1..<2000, using: &random)).map { _ in
                    .random(in: .min ... .max, using: &random)
                }
            } else {
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: .min ... .max, using: &random)
                }
            }
            let peer = try SilentReader(port: server.port)
            peer.send(bytes)
            peer.close()
        }
        try await eventually { server.server.connections == 0 }
        #expect(try await DirectoryHTTPClient().get(server.url + "/network", limit: 1) == .document([65]))
    }
}
