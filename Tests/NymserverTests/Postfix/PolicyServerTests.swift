import Exits
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import NymserverProgram

/// The shell on real sockets: pieces, several connections, its end.
@Suite struct PolicyServerTests {
    /// One connection, spoken to with whole answers.
    private struct Peer {
        let channel: any Channel
        let answers: AsyncStream<String>.AsyncIterator

        private final class Collector: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            let continuation: AsyncStream<String>.Continuation
            init(_ continuation: AsyncStream<String>.Continuation) { self.continuation = continuation }
            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                continuation.yield(String(buffer: unwrapInboundIn(data)))
            }
            func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
        }

        static func connect(_ path: String) async throws -> Peer {
            let (stream, continuation) = AsyncStream.makeStream(of: String.self)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { $0.pipeline.addHandler(Collector(continuation)) }
                .connect(unixDomainSocketPath: path).get()
            return Peer(channel: channel, answers: stream.makeAsyncIterator())
        }

        func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }
    }

    @Test(.timeLimit(.minutes(1))) func questionsOverASocket() async throws {
        let directory = try TemporaryDirectory("policy")
        let path = directory.file("policy.sock")
        let server = try await PolicyServer.bind(.socket(path), door: SampleDoor())
        let one = try await Peer.connect(path)
        let two = try await Peer.connect(path)
        let text = PolicyMachineTests.request("RCPT", to: "nobody@nym.example")
        let half = text.index(text.startIndex, offsetBy: 40)
        try await one.send(String(text[..<half]))
        var other = two.answers
        try await two.send(PolicyMachineTests.request("RCPT", to: "alice@nym.example"))
        #expect(await other.next() == "action=DUNNO\n\n")
        try await one.send(String(text[half...]))
        var first = one.answers
        #expect(await first.next() == "action=550 5.1.1 there is no such address here\n\n")
        // Several over one connection.
        for _ in 0..<3 {
            try await one.send(PolicyMachineTests.request("RCPT", to: "bob@nym.example"))
            #expect(await first.next() == "action=452 4.2.2 the mailbox is full; try again later\n\n")
        }
        // What is no request ends its connection, and only that.
        try await two.send("EHLO me\r\n")
        #expect(await other.next() == nil)
        try await one.send(PolicyMachineTests.request("RCPT", to: "alice@nym.example"))
        #expect(await first.next() == "action=DUNNO\n\n")
        await server.close()
        #expect(await first.next() == nil)
    }

    @Test(.timeLimit(.minutes(1))) func overAPort() async throws {
        let server = try await PolicyServer.bind(.loopback(host: "127.0.0.1", port: 0), door: SampleDoor())
        let port = try #require(server.port)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
            host: "127.0.0.1", port: port
        ).get()
        try await channel.writeAndFlush(ByteBuffer(string: "no mark\n"))
        try await channel.closeFuture.get()
        await server.close()
    }
}
