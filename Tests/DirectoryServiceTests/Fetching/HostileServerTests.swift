// Servers that break the rules: the client ends every exchange in time, with little memory, and says why.

import Foundation
import Synchronization
import Testing

@testable import DirectoryService

@Suite(.serialized) struct HostileServerTests {
    private let client = DirectoryHTTPClient()

    /// One that waits no longer than a test may take.
    private static func impatient() -> DirectoryHTTPClient {
        var timeouts = DirectoryHTTPClient.Timeouts()
        timeouts.silence = .seconds(2)
        timeouts.exchange = .seconds(4)
        timeouts.slowestRate = 1 << 30
        return DirectoryHTTPClient(timeouts: timeouts)
    }

    private func failure(
        of client: DirectoryHTTPClient = DirectoryHTTPClient(),
        _ script: @escaping @Sendable (ScriptedServer.Connection) async throws -> Void
    ) async throws -> FetchError? {
        let server = try await ScriptedServer(script)
        defer { server.stop() }
        do throws(FetchError) {
            _ = try await client.get(server.url, limit: 100_000)
            return nil
        } catch {
            return error
        }
    }

    /// What the sockets of both sides may hold at most: the system's own limits (tcp(7)), which let a fast reader have
    /// tens of megabytes.
    private static let heldByTheSystem = ["rmem", "wmem"].reduce(0) { sum, name in
        let line = FileManager.default.contents(atPath: "/proc/sys/net/ipv4/tcp_\(name)") ?? Data()
        let largest = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).last
        return sum + (largest.flatMap { Int($0) } ?? 32 << 20)
    }

    @Test func endlessBodiesAreCutAtTheLimit() async throws {
        for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
            let chunked = head.contains("chunked")
            let sent = Mutex(0)
            let error = try await failure { connection in
                try await connection.send(head)
                let piece = [UInt8](repeating: 65, count: 65_536)
                while !Task.isCancelled {
                    if chunked { try await connection.send("10000\r\n") }
                    try await connection.send(piece)
                    if chunked { try await connection.send("\r\n") }
                    sent.withLock { $0 += piece.count }
                }
            }
            #expect(error == .tooLarge(100_000))
            #expect(sent.withLock { $0 } < Self.heldByTheSystem + (8 << 20))
        }
    }

    @Test func aLengthBeyondTheLimitIsNotWaitedFor() async throws {
        let error = try await failure { connection in
            try await connection.send("HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n")
            try await Task.sleep(for: .seconds(60))
        }
        #expect(error == .tooLarge(100_000))
    }

    @Test func bombsAreCutAtTheLimit() async throws {
        let deflater = try #require(GzipDeflater())
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for round in 0..<64 { #expect(zeros.withUnsafeBytes { deflater.deflate($0, ends: round == 63) }) }
        let bomb = deflater.output
        #expect(bomb.count < 100_000)
        let error = try await failure { try await $0.answer("content-encoding: gzip\r\n", bomb) }
        #expect(error == .tooLarge(100_000))
    }

    @Test func damagedCompressionIsRefused() async throws {
        let deflater = try #require(GzipDeflater())
        let text = prose(50_000)
        #expect(text.withUnsafeBytes { deflater.deflate($0, ends: true) })
        let whole = deflater.output
        var flipped = whole
        flipped[whole.count / 2] ^= 0x55
        var wrongSum = whole
        wrongSum[whole.count - 8] ^= 1
        for bytes in [
            Array(whole.dropLast(9)), Array(whole.dropLast()), whole + [0], whole + whole, flipped, wrongSum, text, [],
        ] {
            let error = try await failure { try await $0.answer("content-encoding: gzip\r\n", bytes) }
            guard case .malformed? = error else {
                Issue.record("\(bytes.count) bytes: \(String(describing: error))")
                continue
            }
        }
        for encoding in ["br", "deflate", "gzip, gzip"] {
            let error = try await failure { try await $0.answer("content-encoding: \(encoding)\r\n", whole) }
            #expect(error == .malformed("it is encoded in a way that nobody asked for"))
        }
        #expect(try await failure { try await $0.answer("content-encoding: gzip\r\n", whole) } == nil)
    }

    @Test func slowServersAreLeft() async throws {
        let began = ContinuousClock.now
        let silent = try await failure(of: Self.impatient()) { _ in try await Task.sleep(for: .seconds(60)) }
        #expect(silent == .timeout)
        let trickle = try await failure(of: Self.impatient()) { connection in
            try await connection.send("HTTP/1.1 200 OK\r\n\r\n")
            while true {
                try await connection.send("x")
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        #expect(trickle == .timeout)
        let header = try await failure(of: Self.impatient()) { connection in
            try await connection.send("HTTP/1.1 200 OK\r\n")
            while true {
                try await connection.send("x: y\r\n")
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        #expect(header == .timeout)
        #expect(ContinuousClock.now - began < .seconds(40))
    }

    @Test func connectionsThatEndEarlyAreTold() async throws {
        #expect(try await failure { _ in } == .closed)
        #expect(
            try await failure { try await $0.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort") } == .closed)
        let chunked = try await failure {
            try await $0.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab")
        }
        #expect(chunked == .closed)
    }

    @Test func whatIsNotHTTPIsMalformed() async throws {
        for text in [
            "SSH-2.0-x\r\n\r\n", "\u{16}\u{3}\u{1}", "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        ] {
            let error = try await failure(of: Self.impatient()) { connection in
                try await connection.send(text)
                try await Task.sleep(for: .seconds(60))
            }
            guard let error else {
                Issue.record("\(text) was taken")
                continue
            }
            #expect([.malformed("it is not valid HTTP"), .closed, .timeout].contains(error), "\(text): \(error)")
        }
    }

    @Test func redirectsAreNotFollowed() async throws {
        let other = try await ScriptedServer { try await $0.answer("", [65]) }
        defer { other.stop() }
        let place = other.url
        let error = try await failure {
            try await $0.send("HTTP/1.1 302 Found\r\nlocation: \(place)\r\ncontent-length: 0\r\n\r\n")
        }
        #expect(error == .redirected(place))
    }

    @Test func theServersWordsAreMadeSafe() async throws {
        let words = "try\u{1B}[31m again\u{7}é later\nsecond line"
        let error = try await failure {
            try await $0.send("HTTP/1.1 503 Busy\r\ncontent-length: \(words.utf8.count)\r\n\r\n\(words)")
        }
        #expect(error == .status(503, "try[31m again later"))
        let endless = try await failure { connection in
            try await connection.send("HTTP/1.1 500 No\r\n\r\n")
            while true { try await connection.send(String(repeating: "x", count: 65_536)) }
        }
        #expect(endless == .status(500, String(repeating: "x", count: 200)))
    }

    @Test func theRequestSaysNothingMore() async throws {
        let requests = Mutex<[String]>([])
        let server = try await ScriptedServer { connection in
            requests.withLock { $0.append(connection.request) }
            try await connection.answer("set-cookie: a=b\r\nconnection: close\r\n", [65])
        }
        defer { server.stop() }
        for _ in 0..<2 { #expect(try await client.get(server.url, limit: 10) == .document([65])) }
        let expected: Set<Substring> = [
            "get /consensus http/1.1", "user-agent: nightjar", "accept-encoding: gzip",
            "host: 127.0.0.1:\(server.port)",
        ]
        for request in requests.withLock({ $0 }) {
            let lines = Set(request.lowercased().split(separator: "\r\n")).subtracting(["content-length: 0"])
            #expect(lines == expected)
        }
    }

    @Test func nobodyThereIsToldInWords() async throws {
        let server = try await ScriptedServer { _ in }
        server.stop()
        try await eventually {
            do throws(FetchError) {
                _ = try await client.get(server.url, limit: 1)
                return false
            } catch {
                return "\(error)".hasPrefix("cannot connect: connection refused")
            }
        }
    }
}
