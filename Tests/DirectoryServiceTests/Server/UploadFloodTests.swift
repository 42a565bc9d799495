// Peers that post much, slowly, or nothing of what they announce: others still post, and everybody still fetches.

import Directory
import MixCrypto
import NIOCore
import Testing
import WireFormat

@testable import DirectoryService

@Suite(.serialized) struct UploadFloodTests {
    private let client = DirectoryHTTPClient()

    private func post(_ kind: DirectoryUpload, length: Int) -> String {
        "POST \(kind.path) HTTP/1.1\r\nhost: x\r\ncontent-length: \(length)\r\n\r\n"
    }

    /// Connections that announce a document each and send nothing of it.
    private func silent(_ count: Int, _ kind: DirectoryUpload, _ server: RunningServer) throws -> [SilentReader] {
        try (0..<count).map { _ in
            let peer = try SilentReader(port: server.port)
            peer.send(post(kind, length: kind.mostBytes))
            return peer
        }
    }

    @Test(arguments: DirectoryUpload.allCases)
    func announcedBytesTakeNoRoom(_ kind: DirectoryUpload) async throws {
        var limits = DirectoryServerLimits()
        // A loaded machine may take long for so many connections.
        limits.firstHead = .seconds(100)
        limits.bodySilence = .seconds(100)
        limits.bodyWindow = .seconds(100)
        let server = try await RunningServer(MemoryBackend([.network: ServedDocument([65])]), limits: limits)
        defer { server.stop() }
        let peers = try silent(300, kind, server)
        try await eventually { server.server.connections == 300 }
        for kind in DirectoryUpload.allCases {
            let document = prose(min(kind.mostBytes, 1_000_000))
            #expect(try await client.post(document, to: server.url + kind.path).status == 200, "\(kind)")
        }
        #expect(try await client.get(server.url + "/network", limit: 1) == .document([65]))
        withExtendedLifetime(peers) {}
    }

    @Test func silentBodiesAreCutInSeconds() async throws {
        let backend = MemoryBackend()
        let server = try await RunningServer(backend)
        defer { server.stop() }
        let began = ContinuousClock.now
        let peers = try silent(9, .vote, server)
        try await eventually { server.server.connections == 9 }
        try await eventually { server.server.connections == 0 }
        // Not before the time is over, and long before the 18 minutes that so many bytes once had.
        #expect(ContinuousClock.now - began > .seconds(5))
        #expect(backend.posted.isEmpty)
        withExtendedLifetime(peers) {}
    }

    @Test func aBodySlowerThanTheLowestRateIsCut() async throws {
        var limits = DirectoryServerLimits()
        limits.bodySilence = .seconds(5)
        limits.bodyWindow = .seconds(1)
        limits.tick = .milliseconds(50)
        let backend = MemoryBackend()
        let server = try await RunningServer(backend, limits: limits)
        defer { server.stop() }
        // Never silent, and 2,000 bytes a second.
        let answer = try await RawConnection(port: server.port).exchange(
            [post(.vote, length: 100_000)] + Array(repeating: String(repeating: "x", count: 100), count: 200),
            between: .milliseconds(50))
        #expect(answer.isEmpty)
        #expect(backend.posted.isEmpty)
    }

    @Test func aSlowBodyThatIsFastEnoughArrives() async throws {
        var limits = DirectoryServerLimits()
        limits.bodySilence = .seconds(3)
        limits.bodyWindow = .seconds(3)
        limits.slowestRate = 1000
        limits.tick = .milliseconds(50)
        let backend = MemoryBackend()
        let server = try await RunningServer(backend, limits: limits)
        defer { server.stop() }
        // Some 5 seconds, longer than any single time.
        let pieces = Array(repeating: String(repeating: "x", count: 1000), count: 100)
        let head = post(.vote, length: 100_000).replacing("host: x", with: "host: x\r\nconnection: close")
        let answer = try await RawConnection(port: server.port).exchange([head] + pieces, between: .milliseconds(50))
        #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
        #expect(backend.posted.map(\.bytes.count) == [100_000])
    }

    @Test func whoHoldsMuchGivesWay() async throws {
        var limits = DirectoryServerLimits()
        limits.slotDocuments.bytes = 200_000
        let backend = MemoryBackend([.network: ServedDocument([65])])
        let server = try await RunningServer(backend, limits: limits)
        defer { server.stop() }
        let hoarders = try (0..<2).map { _ in
            let peer = try SilentReader(port: server.port)
            peer.send(post(.vote, length: 1_000_000))
            peer.send(prose(90_000))
            return peer
        }
        try await eventually { server.server.held(.slotDocuments) == 180_000 }
        #expect(try await client.post(prose(60_000), to: server.url + "/votes").status == 200)
        try await eventually { server.server.held(.slotDocuments) == 90_000 }
        // One of the two and the client.
        try await eventually { server.server.connections == 2 }
        // Who would hold most himself is told to wait; other kinds of documents have room of their own.
        let answer = try await client.post(prose(190_000), to: server.url + "/votes")
        #expect(answer.status == 503)
        #expect(answer.retryAfter == .seconds(5))
        #expect(server.server.held(.slotDocuments) == 90_000)
        #expect(try await client.post(prose(190_000), to: server.url + "/evidence").status == 200)
        withExtendedLifetime(hoarders) {}
    }

    @Test func aBackendThatIsBusyWithOneKindTakesTheOthers() async throws {
        var limits = DirectoryServerLimits()
        limits.evidence.atOnce = 0
        let server = try await RunningServer(MemoryBackend(), limits: limits)
        defer { server.stop() }
        #expect(try await client.post(prose(1000), to: server.url + "/evidence").status == 503)
        for kind in DirectoryUpload.allCases where kind != .evidence {
            #expect(try await client.post(prose(1000), to: server.url + kind.path).status == 200)
        }
    }

    @Test func evidenceOfTheLargestDocumentsIsTaken() async throws {
        #expect(DirectoryUpload.evidence.mostBytes == Evidence.maximumSize)
        #expect(DirectoryUpload.vote.mostBytes == Vote.maximumSize)
        #expect(DirectoryUpload.proposal.mostBytes == Proposal.maximumSize)
        #expect(DirectoryUpload.descriptor.mostBytes == Descriptor.maximumSize)
        let backend = MemoryBackend()
        let server = try await RunningServer(backend)
        defer { server.stop() }
        let outcome = await PeerSender(client: client).post(
            [UInt8](repeating: 65, count: Evidence.maximumSize), as: .evidence, to: [server.url])
        #expect(outcome == .accepted)
        #expect(backend.posted.map(\.bytes.count) == [Evidence.maximumSize])
    }
}
