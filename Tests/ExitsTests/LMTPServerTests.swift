import Foundation
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import Exits

/// The server with real sockets, against Python's smtplib.
@Suite(.timeLimit(.minutes(1))) struct LMTPServerTests {
    private final class Keeper: LMTPReceiver {
        let mails = Mutex<[LMTPMail]>([])

        func check(recipient: String) -> LMTPReply {
            recipient.hasPrefix("r+") ? LMTPReply(250, "2.1.5", "ok") : LMTPReply(550, "5.1.1", "no such address")
        }

        func deliver(_ mail: LMTPMail) -> [LMTPReply] {
            mails.withLock { $0.append(mail) }
            return mail.recipients.map { _ in LMTPReply(250, "2.0.0", "ok") }
        }
    }

    /// Runs a Python program with `host` and `port` set (or a socket's path and 0); what it prints.
    private func python(_ program: String, host: String, port: Int) throws -> String {
        let head =
            "import smtplib, sys\nserver = smtplib.LMTP(sys.argv[1], int(sys.argv[2]), local_hostname='test', timeout=20)\n"
        let child = try ChildProcess("/usr/bin/env", ["python3", "-c", head + program, host, String(port)])
        var output = ""
        while let line = try? child.line() { output += line + "\n" }
        return output
    }

    private let program = """
        server.ehlo_or_helo_if_needed()
        print(sorted(server.esmtp_features))
        mail = b"From: a@b.example\\r\\nSubject: s\\r\\n\\r\\n.\\r\\n..x\\r\\n" + bytes([0xE4]) * 10 + b"\\r\\n"
        print(server.sendmail("a@b.example", ["r+one@d", "other@d"], mail, mail_options=["BODY=8BITMIME"]))
        print(server.sendmail("", ["r+two@d"], b"x" * 900000 + b"\\r\\n"))
        server.quit()
        """

    @Test func takesMailOverAPort() async throws {
        let keeper = Keeper()
        let settings = LMTPServerSettings(
            address: try #require(LMTPAddress("127.0.0.1:0")), name: "reply.example", limits: LMTPLimits(mail: 1 << 20))
        let server = try await LMTPServer.bind(settings, receiver: keeper)
        let port = try #require(server.port)
        let said = try python(program, host: "127.0.0.1", port: port)
        check(said, keeper)
        await server.close()
    }

    @Test func takesMailOverAUnixSocket() async throws {
        let keeper = Keeper()
        let directory = try TemporaryDirectory("lmtp")
        let path = directory.file("lmtp.sock")
        let settings = LMTPServerSettings(
            address: .socket(path), name: "reply.example", limits: LMTPLimits(mail: 1 << 20))
        for _ in 0..<2 {
            // A second start replaces what a first left.
            let server = try await LMTPServer.bind(settings, receiver: keeper)
            let said = try python(program, host: path, port: 0)
            check(said, keeper)
            keeper.mails.withLock { $0 = [] }
            await server.close()
        }
    }

    private func check(_ said: String, _ keeper: Keeper) {
        let lines = said.split(separator: "\n")
        #expect(lines.first == "['8bitmime', 'enhancedstatuscodes', 'pipelining', 'size']")
        #expect(lines.count == 3, "\(said)")
        #expect(said.contains("'other@d': (550, b'5.1.1 no such address')"))
        let mails = keeper.mails.withLock { $0 }
        #expect(mails.map(\.recipients) == [["r+one@d"], ["r+two@d"]])
        let wanted =
            Array("From: a@b.example\r\nSubject: s\r\n\r\n.\r\n..x\r\n".utf8) + [UInt8](repeating: 0xE4, count: 10) + [
                13, 10,
            ]
        #expect(mails.first?.content == wanted)
        #expect(mails.last?.content.count == 900_002)
    }

    @Test func connectionsAreBoundedAndSlowOnesEnded() async throws {
        var settings = LMTPServerSettings(
            address: try #require(LMTPAddress("127.0.0.1:0")), name: "reply.example", limits: LMTPLimits(mail: 1000))
        settings.connections = 1
        settings.idle = .seconds(3)
        let server = try await LMTPServer.bind(settings, receiver: Keeper())
        let port = try #require(server.port)
        let said = try python(
            """
            import socket
            server.ehlo_or_helo_if_needed()
            second = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
            print(second.recv(100).decode().strip())
            print(server.sock.recv(100).decode().strip())
            """, host: "127.0.0.1", port: port)
        #expect(said == "421 4.3.2 reply.example has too many connections\n421 4.4.2 reply.example waited too long\n")
        await server.close()
    }

    @Test func addressesOutsideThisMachineAreNone() {
        #expect(LMTPAddress("127.0.0.1:24")?.description == "127.0.0.1:24")
        #expect(LMTPAddress("[::1]:24")?.description == "[::1]:24")
        #expect(LMTPAddress("/run/nightjar/lmtp")?.description == "/run/nightjar/lmtp")
        for text in [
            "0.0.0.0:24", "192.0.2.1:24", "127.0.0.1", "127.0.0.1:99999", "relative", "",
            "/" + String(repeating: "x", count: 200),
        ] {
            #expect(LMTPAddress(text) == nil, "\(text)")
        }
    }
}
