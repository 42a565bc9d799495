import Exits
import Foundation
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Runs in a process of its own, because other tests' memory would drown what is measured.
@Suite(.enabled(if: SMTPPeer.isAvailable, SMTPPeer.missing), .timeLimit(.minutes(2)))
struct MemoryTests {
    static let lines = 80_000

    /// 5 MB and a bit, a piece at a time and never whole.
    private static var body: ExitBody {
        ExitBody {
            let next = Mutex(0)
            return {
                next.withLock { next in
                    guard next < lines else { return nil }
                    defer { next += 1000 }
                    return (next..<next + 1000).reduce(into: [UInt8]()) { $0 += line($1) }
                }
            }
        }
    }

    private static func line(_ index: Int) -> [UInt8] {
        // Some begin with a dot.
        Array((index % 7 == 0 ? "." : "").utf8)
            + Array("line \(index) 0123456789012345678901234567890123456789012345678901234\r\n".utf8)
    }

    private static func mail() throws -> SMTPMail {
        let facts = try body.facts()
        return SMTPMail(
            envelope: SMTPEnvelope(
                sender: nil, recipients: [try MailRecipient("alice@example.org")], wireBytes: facts.wireBytes + 2,
                hasEightBit: false),
            head: [13, 10], body: body)
    }

    /// The most memory the process has had resident, in KiB.
    private static func peak() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.split(whereSeparator: \.isWhitespace)[1]) } ?? 0
    }

    @Test func aLargeBodyIsNeverInMemoryAsAWhole() async throws {
        let peer = try SMTPPeer()
        let port = peer.port
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [port = port as Int] in
            let client = try SMTPClient(
                settings: SMTPSettings(host: "127.0.0.1", port: port, security: .none, helloName: "exit.example"))
            // The first mail makes threads and buffers; what the large one needs beyond is its own.
            var small = try Self.mail()
            small.body = ExitBody(bytes: Array("small\r\n".utf8))
            #expect(await client.deliver(small) == [.delivered(code: 250)])
            let before = try Self.peak()
            #expect(await client.deliver(try Self.mail()) == [.delivered(code: 250)])
            let growth = try Self.peak() - before
            print("5 MB delivered, peak memory grew by \(growth) KiB")
            #expect(growth < 2560)
            await client.close()
        }
        if let output = result?.standardOutputContent { print(String(decoding: output, as: UTF8.self)) }
        let mails = try peer.mails
        #expect(mails.count == 2)
        let expected = (0..<Self.lines).reduce(into: [UInt8]([13, 10])) { $0 += Self.line($1) }
        #expect(expected.count > 5_000_000)
        #expect(mails.last == expected)
    }
}
