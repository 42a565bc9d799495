// A peer with the right TLS that sends what a test says.

import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

final class TLSPeer: Sendable {
    private struct Seen {
        var bytes: [UInt8] = []
        var isOpen = true
    }
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let seen = Mutex(Seen())
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(buffer: Self.unwrapInboundIn(data))
            seen.withLock { $0.bytes += bytes }
        }
        func channelInactive(context: ChannelHandlerContext) { seen.withLock { $0.isOpen = false } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private let collector = Collector()
    private let channel: any Channel

    init(port: Int, protocols: [String] = ["mmtp/1"]) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        configuration.curves = [.x25519_MLKEM768]
        let context = try NIOSSLContext(configuration: configuration)
        let collector = self.collector
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([NIOSSLClientHandler(context: context, serverHostname: nil), collector])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    deinit { channel.close(promise: nil) }

    /// What came back so far.
    var received: [UInt8] { collector.seen.withLock { $0.bytes } }

    /// Sends; a node that has closed is not an error here.
    func send(_ bytes: [UInt8]) async { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }

    /// Whether the node ends the connection.
    func ended() async -> Bool {
        do {
            try await eventually("the end of a connection", seconds: 20) { collector.seen.withLock { !$0.isOpen } }
            return true
        } catch {
            return false
        }
    }
}
