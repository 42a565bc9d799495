import Exits
import Foundation
import MixCrypto
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing
import WireFormat

/// The client against aiosmtpd in a process of its own.
@Suite(.enabled(if: SMTPPeer.isAvailable, SMTPPeer.missing), .timeLimit(.minutes(2)))
struct SMTPClientTests {
    let head = Array("Subject: test\r\nMessage-ID: <0123@exit.example>\r\n\r\n".utf8)

    private func mail(_ body: [UInt8] = Array("hello\r\n".utf8), to: [String] = ["alice@example.org"]) throws
        -> SMTPMail
    {
        let body = ExitBody(bytes: body)
        let facts = try body.facts()
        return SMTPMail(
            envelope: SMTPEnvelope(
                sender: nil, recipients: try to.map { text in try MailRecipient(text) },
                wireBytes: head.count + facts.wireBytes,
                hasEightBit: facts.hasEightBit),
            head: head, body: body)
    }

    private func settings(
        _ port: Int, host: String = "127.0.0.1", security: SMTPSettings.Security = .none,
        trust: SMTPSettings.Trust = .system,
        password: String? = nil, inClear: Bool = false, step: Interval = .seconds(20)
    ) -> SMTPSettings {
        SMTPSettings(
            host: host, port: port, security: security, trust: trust, helloName: "exit.example",
            credentials: password.map {
                SMTPCredentials(user: "exit", password: SymmetricSecret(copying: Array($0.utf8)))
            },
            allowsPasswordInClear: inClear, timeouts: SMTPTimeouts(everyStep: step))
    }

    private func deliver(_ mail: SMTPMail, _ settings: SMTPSettings) async throws -> [ExitOutcome] {
        let client = try SMTPClient(settings: settings)
        let outcomes = await client.deliver(mail)
        await client.close()
        return outcomes
    }

    @Test func aBodyArrivesByteForByte() async throws {
        var generator = SeededRandom(name: "bodies")
        let peer = try SMTPPeer()
        let client = try SMTPClient(settings: settings(peer.port))
        var bodies: [[UInt8]] = [
            [], Array("no end".utf8), Array("\r\n".utf8), Array(".\r\n..\r\n.x\r\n\r\n.\r\n".utf8),
            Array("MAIL FROM:<>\r\n.\r\nQUIT\r\n".utf8),
            [UInt8](repeating: UInt8(ascii: "."), count: 998) + [13, 10],
        ]
        for _ in 0..<20 {
            let lines = (0..<Int.random(in: 1...200, using: &generator)).flatMap { _ in
                (0..<Int.random(in: 0...998, using: &generator)).map { _ in
                    UInt8.random(in: 0x20...0xFF, using: &generator)
                } + [13, 10]
            }
            bodies.append(lines)
        }
        for body in bodies { #expect(await client.deliver(try mail(body)) == [.delivered(code: 250)]) }
        let received = try peer.mails
        #expect(received.count == bodies.count)
        for (body, mail) in zip(bodies, received) {
            #expect(mail.starts(with: head))
            let end: [UInt8] = body.isEmpty || body.last == 10 ? [] : [13, 10]
            #expect(Array(mail.dropFirst(head.count)) == body + end)
        }
        await client.close()
    }

    @Test func lineEndsOfEveryKindBecomeOne() async throws {
        let peer = try SMTPPeer()
        #expect(
            try await deliver(mail(Array("a\nb\rc\r\nd\n.\ne".utf8)), settings(peer.port)) == [.delivered(code: 250)])
        #expect(try peer.mails == [head + Array("a\r\nb\r\nc\r\nd\r\n.\r\ne\r\n".utf8)])
    }

    @Test func envelopesAreAsGiven() async throws {
        let peer = try SMTPPeer()
        var mail = try mail(Array("Grüße\r\n".utf8), to: ["alice@example.org", "bob@example.net"])
        #expect(try await deliver(mail, settings(peer.port)) == [.delivered(code: 250), .delivered(code: 250)])
        mail.envelope.sender = try MailRecipient("bounces@exit.example")
        #expect(try await deliver(mail, settings(peer.port)).count == 2)
        let envelopes = try peer.envelopes
        #expect(envelopes.map(\.from) == ["<>", "bounces@exit.example"])
        #expect(envelopes[0].to == ["alice@example.org", "bob@example.net"])
        #expect(Set(envelopes[0].options) == ["SIZE=\(mail.envelope.wireBytes)", "BODY=8BITMIME"])
        #expect(!envelopes[0].tls && !envelopes[0].authenticated)
    }

    @Test func nobodyListeningDefers() async throws {
        // A port that nobody else can get, on which nobody listens.
        let reserved = try ReservedPort()
        #expect(try await deliver(mail(), settings(reserved.port)) == [.deferred(.unreachable)])
        #expect(try await deliver(mail(), settings(25, host: "no-such-host.invalid")) == [.deferred(.unreachable)])
    }

    /// What a server does at a step, and what must come of it. Where one hangs, the time for that step is short.
    @Test(
        arguments: [
            ("CONNECT", .deferred(.serverRefused, code: 554)), ("EHLO", .delivered(code: 250)),
            ("MAIL", .deferred(.senderRefused, code: 554)),
            ("RCPT", .refused(.recipientRefused, code: 554)), ("DATA", .refused(.contentRefused, code: 554)),
            ("DOT", .refused(.contentRefused, code: 554)),
        ] as [(String, ExitOutcome)])
    func aServerFailsAtAStep(_ verb: String, _ permanent: ExitOutcome) async throws {
        let isAmbiguous = verb == "DOT"
        let peer = try SMTPPeer([
            "--reply", "\(verb)*1=554 5.0.0 no", "--reply", "\(verb)*1=451 4.0.0 later", "--close", "\(verb)*1",
            "--hang", "\(verb)*1",
        ])
        func outcome() async throws -> [ExitOutcome] { try await deliver(mail(), settings(peer.port)) }
        #expect(try await outcome() == [permanent])
        #expect(try await outcome() == [.deferred(.temporary, code: 451)])
        #expect(try await outcome() == [.deferred(Deferral(reason: .closed, isAmbiguous: isAmbiguous))])
        // A busy machine may take long for the steps before.
        var hasty = settings(peer.port)
        switch verb {
        case "CONNECT": hasty.timeouts.greeting = .milliseconds(1500)
        case "DATA": hasty.timeouts.data = .milliseconds(1500)
        case "DOT": hasty.timeouts.final = .milliseconds(1500)
        default: hasty.timeouts.command = .milliseconds(1500)
        }
        #expect(
            try await deliver(mail(), hasty) == [.deferred(Deferral(reason: .timeout, isAmbiguous: isAmbiguous))])
        #expect(try await outcome() == [.delivered(code: 250)])
    }

    @Test func anAnswerThatIsLostMayDoubleTheMailAndTheMessageIDShowsIt() async throws {
        let peer = try SMTPPeer(["--close", "DOT*1"])
        let client = try SMTPClient(settings: settings(peer.port))
        #expect(await client.deliver(try mail()) == [.deferred(Deferral(reason: .closed, isAmbiguous: true))])
        #expect(await client.deliver(try mail()) == [.delivered(code: 250)])
        let mails = try peer.mails
        #expect(mails.count == 2 && mails[0] == mails[1])
        await client.close()
    }

    @Test func mailsShareAConnection() async throws {
        let counts = Counts()
        let peer = try SMTPPeer(["--reply", "DATA*1=451 later"])
        var patient = settings(peer.port)
        // A busy machine may take longer than the usual idle time between two mails.
        patient.idle = .minutes(5)
        let client = try SMTPClient(settings: patient) { event in counts.count(event) }
        #expect(await client.deliver(try mail()) == [.deferred(.temporary, code: 451)])
        for _ in 0..<3 { #expect(await client.deliver(try mail()) == [.delivered(code: 250)]) }
        #expect(Set(try peer.envelopes.map(\.port)).count == 1)
        #expect(counts.values == [1, 3])
        await client.close()
        #expect(await client.deliver(try mail()) == [.deferred(.shutdown)])
    }

    @Test func aConnectionThatDiedWhileIdleCostsNoAttempt() async throws {
        let peer = try SMTPPeer(["--reply", "RSET=421 4.4.2 idle too long", "--reply", "DATA*1=451 later"])
        let client = try SMTPClient(settings: settings(peer.port))
        #expect(await client.deliver(try mail()) == [.deferred(.temporary, code: 451)])
        #expect(await client.deliver(try mail()) == [.delivered(code: 250)])
        await client.close()
    }

    @Test func manyMailsAtOnce() async throws {
        let peer = try SMTPPeer()
        let client = try SMTPClient(settings: settings(peer.port))
        let mail = try mail()
        let outcomes = await withTaskGroup(of: [ExitOutcome].self) { group in
            for _ in 0..<12 { group.addTask { await client.deliver(mail) } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(outcomes == Array(repeating: .delivered(code: 250), count: 12))
        #expect(try peer.mails.count == 12)
        await client.close()
    }

    @Test func aCancelledDeliveryIsDeferred() async throws {
        let peer = try SMTPPeer(["--hang", "MAIL"])
        let client = try SMTPClient(settings: settings(peer.port))
        let mail = try mail()
        let task = Task { await client.deliver(mail) }
        task.cancel()
        #expect(await task.value == [.deferred(.shutdown)])
    }

    @Test func aBodyThatCannotBeReadIsNotSentInPart() async throws {
        struct Broken: Error {}
        let peer = try SMTPPeer()
        var mail = try mail()
        mail.body = ExitBody {
            let pieces = Mutex(3)
            return {
                try pieces.withLock { left in
                    guard left > 0 else { throw Broken() }
                    left -= 1
                    return Array("part\r\n".utf8)
                }
            }
        }
        #expect(try await deliver(mail, settings(peer.port)) == [.deferred(.bodyUnreadable)])
        mail.body = ExitBody { throw Broken() }
        #expect(try await deliver(mail, settings(peer.port)) == [.deferred(.bodyUnreadable)])
        #expect(try peer.mails.isEmpty)
    }

    @Test func aServerThatTakesNoMoreBytesIsADeferralAndHoldsLittleMemory() async throws {
        // Accepts, speaks SMTP up to DATA, then reads nothing any more.
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.socketOption(.so_rcvbuf), value: 65_536)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(DeafServer()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let pulled = Tally()
        var mail = try mail()
        mail.body = ExitBody {
            {
                pulled.add(65_536)
                return Array(repeating: Array("0123456789abcdef0123456789abcd\r\n".utf8), count: 2048).flatMap { $0 }
            }
        }
        var hasty = settings(port)
        hasty.timeouts.block = .seconds(2)
        #expect(try await deliver(mail, hasty) == [.deferred(.timeout)])
        // What the kernel buffers on both sides, and a piece or two; the body itself has no end.
        #expect((65_536...(16 << 20)).contains(pulled.value))
        try await listener.close()
    }

    @Test func startTLSWithACertificateOfOurOwn() async throws {
        let certificate = try SelfSigned()
        let peer = try SMTPPeer(["--cert", certificate.certificate, "--key", certificate.key, "--require-tls"])
        func outcome(_ security: SMTPSettings.Security, _ trust: SMTPSettings.Trust, host: String = "localhost")
            async throws -> [ExitOutcome]
        {
            try await deliver(mail(), settings(peer.port, host: host, security: security, trust: trust))
        }
        #expect(try await outcome(.required, .file(certificate.certificate)) == [.delivered(code: 250)])
        #expect(try await outcome(.required, .system) == [.deferred(.tlsFailed)])
        #expect(try await outcome(.required, .anything) == [.delivered(code: 250)])
        #expect(try await outcome(.opportunistic, .system) == [.delivered(code: 250)])
        // The certificate names localhost and no address.
        #expect(
            try await outcome(.required, .file(certificate.certificate), host: "127.0.0.1") == [.deferred(.tlsFailed)])
        #expect(try await outcome(.none, .system) == [.deferred(.authenticationRefused, code: 530)])
        #expect(try peer.envelopes.map(\.tls) == [true, true, true])
        let plain = try SMTPPeer()
        #expect(try await deliver(mail(), settings(plain.port, security: .required)) == [.deferred(.tlsUnavailable)])
    }

    @Test func implicitTLS() async throws {
        let certificate = try SelfSigned()
        let peer = try SMTPPeer(["--cert", certificate.certificate, "--key", certificate.key, "--implicit"])
        let trust = SMTPSettings.Trust.file(certificate.certificate)
        #expect(
            try await deliver(mail(), settings(peer.port, host: "localhost", security: .implicit, trust: trust))
                == [.delivered(code: 250)])
        #expect(
            try await deliver(mail(), settings(peer.port, host: "localhost", security: .implicit)) == [
                .deferred(.tlsFailed)
            ])
        // Speaking in clear to a port of TLS, and TLS to a port in clear.
        #expect(
            try await deliver(mail(), settings(peer.port, step: .milliseconds(400))).allSatisfy {
                $0 != .delivered(code: 250)
            })
        let plain = try SMTPPeer()
        #expect(
            try await deliver(mail(), settings(plain.port, security: .implicit, trust: trust)) == [
                .deferred(.tlsFailed)
            ])
    }

    @Test(arguments: [["LOGIN"], ["PLAIN"]])
    func authentication(without excluded: [String]) async throws {
        let certificate = try SelfSigned()
        let peer = try SMTPPeer(
            ["--cert", certificate.certificate, "--key", certificate.key, "--auth", "exit:geheim"]
                + excluded.flatMap { ["--exclude", $0] })
        func outcome(_ password: String?) async throws -> [ExitOutcome] {
            try await deliver(
                mail(),
                settings(
                    peer.port, host: "localhost", security: .required, trust: .file(certificate.certificate),
                    password: password))
        }
        #expect(try await outcome("geheim") == [.delivered(code: 250)])
        #expect(try await outcome("wrong") == [.deferred(.authenticationRefused, code: 535)])
        #expect(try await outcome(nil) == [.deferred(.authenticationRefused, code: 530)])
        #expect(try peer.envelopes.map(\.authenticated) == [true])
    }

    @Test func aPasswordFileMustBePrivate() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("password")
        try Data("geheim\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(throws: SMTPCredentialsError.open(path)) { try SMTPCredentials(user: "exit", passwordFile: path) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        #expect(try SMTPCredentials(user: "exit", passwordFile: path).user == "exit")
        try Data("\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: SMTPCredentialsError.length(path)) { try SMTPCredentials(user: "exit", passwordFile: path) }
        #expect(throws: SMTPCredentialsError.notAFile(directory.path)) {
            try SMTPCredentials(user: "exit", passwordFile: directory.path)
        }
    }

    @Test func settingsThatCannotWorkAreNamedAtOnce() {
        #expect(throws: SMTPSettingsError.trustFile("/no/such")) {
            try SMTPClient(settings: settings(25, security: .required, trust: .file("/no/such")))
        }
        #expect(throws: SMTPSettingsError.port(0)) { try SMTPClient(settings: settings(0)) }
        #expect(throws: SMTPSettingsError.host("a b")) { try SMTPClient(settings: settings(25, host: "a b")) }
        var injected = settings(25)
        injected.helloName = "x\r\nQUIT"
        #expect(throws: SMTPSettingsError.helloName("x\r\nQUIT")) { try SMTPClient(settings: injected) }
    }
}

/// Counts events of connections.
private final class Counts: Sendable {
    private let state = Mutex((opened: 0, reused: 0))
    func count(_ event: ExitEvent) {
        state.withLock { state in
            if event == .connectionOpened { state.opened += 1 }
            if event == .connectionReused { state.reused += 1 }
        }
    }
    var values: [Int] { state.withLock { [$0.opened, $0.reused] } }
}

/// A number that closures on any thread add to.
final class Tally: Sendable {
    private let state = Mutex(0)
    func add(_ count: Int) { state.withLock { $0 += count } }
    var value: Int { state.withLock { $0 } }
}

/// Says what SMTP wants to hear until DATA, and then stops reading.
private final class DeafServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) { say("220 deaf", context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: unwrapInboundIn(data))
        if text.hasPrefix("DATA") {
            _ = context.channel.setOption(.autoRead, value: false)
            say("354 go", context)
        } else {
            say("250 ok", context)
        }
    }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
    }
}
