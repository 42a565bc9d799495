// Peers that want to use the server up: too much, too slow, too many, and not HTTP at all.

import MMTP
import Testing
import WireFormat

@testable import DirectoryService

@Suite(.serialized) struct ServerLimitsTests {
    private let client = DirectoryHTTPClient()

    /// Times of a test: short, but not so short that a loaded machine breaks them for honest peers.
    private func impatient() -> DirectoryServerLimits {
        var limits = DirectoryServerLimits()
        limits.firstHead = .seconds(2)
        limits.nextHead = .seconds(2)
        limits.bodySilence = .seconds(2)
        limits.bodyWindow = .seconds(2)
        limits.exchange = .seconds(2)
        limits.silence = .seconds(2)
        limits.parting = .milliseconds(300)
        limits.slowestRate = 1 << 30
        limits.tick = .milliseconds(50)
        return limits
    }

    private func post(_ path: String, _ fields: String) -> String {
        "POST \(path) HTTP/1.1\r\nhost: x\r\n\(fields)\r\n\r\n"
    }

    @Test(arguments: DirectoryUpload.allCases)
    func aBodyThatIsTooLongIsRefusedBeforeItComes(_ kind: DirectoryUpload) async throws {
        let backend = MemoryBackend()
        let server = try await RunningServer(backend)
        defer { server.stop() }
        for length in [String(kind.mostBytes + 1), "9223372036854775807"] {
            let answer = try await RawConnection(port: server.port).exchange([
                post(kind.path, "content-length: \(length)")
            ])
            #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
            #expect(answer.contains("at most \(kind.mostBytes) bytes"))
            #expect(answer.lowercased().contains("connection: close"))
        }
        let answer = try await RawConnection(port: server.port).exchange([
            post(kind.path, "expect: 100-continue\r\ncontent-length: \(kind.mostBytes + 1)")
        ])
        #expect(answer.hasPrefix("HTTP/1.1 413 "), "no 100 before: \(answer)")
        #expect(backend.posted.isEmpty)
        // Our own client reads the refusal although it is still sending, however slow the machine is.
        var limits = DirectoryServerLimits()
        limits.parting = .seconds(20)
        let patient = try await RunningServer(backend, limits: limits)
        defer { patient.stop() }
        let outcome = await PeerSender(client: client).post(
            [UInt8](repeating: 65, count: kind.mostBytes + 1), as: kind, to: [patient.url])
        guard case .refused(let words) = outcome else { return #expect(Bool(false), "\(outcome)") }
        // The words may be lost when so much is under way in the other direction.
        #expect(words == "too large: at most \(kind.mostBytes) bytes are taken here" || words == "413 without a reason")
    }

    @Test func aStreamThatGrowsTooLongIsCut() async throws {
        let backend = MemoryBackend()
        let server = try await RunningServer(backend)
        defer { server.stop() }
        let piece = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
        let answer = try await RawConnection(port: server.port).exchange(
            [post("/descriptors", "transfer-encoding: chunked")] + Array(repeating: piece, count: 17))
        #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
        #expect(backend.posted.isEmpty)
        let short = try await RawConnection(port: server.port).exchange([
            post("/descriptors", "connection: close\r\ntransfer-encoding: chunked"), piece, "0\r\n\r\n",
        ])
        #expect(short.hasPrefix("HTTP/1.1 200 "))
        #expect(backend.posted.map(\.bytes.count) == [4096])
    }

    @Test func compressedUploadsAreRefused() async throws {
        let server = try await RunningServer(MemoryBackend())
        defer { server.stop() }
        let answer = try await RawConnection(port: server.port).exchange([
            post("/votes", "content-encoding: gzip\r\ncontent-length: 100")
        ])
        #expect(answer.hasPrefix("HTTP/1.1 415 "))
    }

    @Test func continueIsSaidToThoseWhoWaitForIt() async throws {
        let server = try await RunningServer(MemoryBackend())
        defer { server.stop() }
        let answer = try await RawConnection(port: server.port).exchange(
            [post("/votes", "connection: close\r\nexpect: 100-continue\r\ncontent-length: 4"), "vote"],
            between: .milliseconds(100))
        #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "\(answer)")
    }

    @Test func aHeadThatDoesNotEndIsCut() async throws {
        let server = try await RunningServer(MemoryBackend(), limits: impatient())
        defer { server.stop() }
        let began = ContinuousClock.now
        let letters = (0..<200).map { _ in "x-a: b\r\n" }
        let answer = try await RawConnection(port: server.port).exchange(
            ["GET /consensus HTTP/1.1\r\n"] + letters, between: .milliseconds(50))
        #expect(answer.isEmpty)
        #expect(ContinuousClock.now - began < .seconds(8))
        try await eventually { server.server.connections == 0 }
    }

    @Test func aBodyThatTricklesIsCut() async throws {
        let backend = MemoryBackend()
        let server = try await RunningServer(backend, limits: impatient())
        defer { server.stop() }
        let answer = try await RawConnection(port: server.port).exchange(
            [post("/votes", "content-length: 1000")] + Array(repeating: "x", count: 100), between: .milliseconds(50))
        #expect(answer.isEmpty)
        #expect(backend.posted.isEmpty)
        try await eventually { server.server.connections == 0 }
    }

    @Test func silentPeersAreClosed() async throws {
        let server = try await RunningServer(MemoryBackend([.network: ServedDocument([65])]), limits: impatient())
        defer { server.stop() }
        #expect(try await RawConnection(port: server.port).exchange([]).isEmpty)
        // After an answer, too.
        let answer = try await RawConnection(port: server.port).exchange(["GET /network HTTP/1.1\r\nhost: x\r\n\r\n"])
        #expect(answer.hasSuffix("\r\n\r\nA"))
        try await eventually { server.server.connections == 0 }
    }

    @Test func aPeerThatDoesNotReadIsClosed() async throws {
        let server = try await RunningServer(
            MemoryBackend([.descriptors: ServedDocument(prose(24 << 20)), .network: ServedDocument([65])]),
            limits: impatient())
        defer { server.stop() }
        let peer = try SilentReader(port: server.port)
        peer.send("GET /descriptors HTTP/1.1\r\nhost: x\r\n\r\n")
        try await eventually { server.server.connections == 1 }
        try await eventually { server.server.connections == 0 }
        // Others are served meanwhile and after.
        #expect(try await client.get(server.url + "/network", limit: 1) == .document([65]))
    }

    @Test func peersThatCloseInTheMiddleLeaveNothing() async throws {
        let backend = MemoryBackend([.descriptors: ServedDocument(prose(4 << 20))])
        let server = try await RunningServer(backend)
        defer { server.stop() }
        for text in [
            "", "GET", "GET /descriptors HTTP/1.1\r\nhost: x\r\n\r\n", post("/votes", "content-length: 1000") + "abc",
            post("/votes", "transfer-encoding: chunked") + "5\r\nab",
        ] {
            for _ in 0..<10 {
                let peer = try SilentReader(port: server.port)
                peer.send(text)
                peer.close()
            }
        }
        try await eventually { server.server.connections == 0 }
        #expect(backend.posted.isEmpty)
        #expect(try await client.get(server.url + "/descriptors", limit: 4 << 20) == .document(prose(4 << 20)))
    }

    @Test func aThousandIdleConnectionsAreHeldAndLetGo() async throws {
        var limits = DirectoryServerLimits()
        limits.peers.globalConnections = 1000
        limits.firstHead = .seconds(100)
        limits.tick = .seconds(1)
        let server = try await RunningServer(MemoryBackend([.network: ServedDocument([65])]), limits: limits)
        defer { server.stop() }
        var peers: [SilentReader] = []
        for _ in 0..<1000 { peers.append(try SilentReader(port: server.port)) }
        try await eventually { server.server.connections == 1000 }
        // The next one finds no place.
        let extra = try await RawConnection(port: server.port).exchange(["GET /network HTTP/1.1\r\nhost: x\r\n\r\n"])
        #expect(extra.isEmpty)
        peers.removeLast().close()
        try await eventually { server.server.connections == 999 }
        #expect(try await client.get(server.url + "/network", limit: 1) == .document([65]))
        for peer in peers { peer.close() }
        // The client's own may still be open.
        try await eventually { server.server.connections <= 1 }
    }
}
