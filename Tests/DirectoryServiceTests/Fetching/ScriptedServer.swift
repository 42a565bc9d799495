// A server that says any bytes: what a hostile or broken web server may do to the client.

import NIOCore
import NIOPosix
import Synchronization

/// Runs a script on every connection, after the first bytes came in.
final class ScriptedServer: Sendable {
    typealias Script = @Sendable (Connection) async throws -> Void

    /// One connection.
    struct Connection: Sendable {
        let request: String
        fileprivate let channel: any Channel

        func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }
        func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
        /// Sends the head and the body of a whole answer.
        func answer(_ fields: String = "", _ body: [UInt8]) async throws {
            try await send("HTTP/1.1 200 OK\r\n\(fields)content-length: \(body.count)\r\n\r\n")
            try await send(body)
        }
    }

    /// Starts the script with the first bytes, closes the connection at its end, and cancels it when the client goes.
    /// Not an `NIOAsyncChannel`: one that is accepted while the port is being closed finds nobody who takes it, and traps.
    private final class ScriptHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let script: Script
        private var running: Task<Void, Never>?

        init(_ script: @escaping Script) { self.script = script }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard running == nil else { return }
            let connection = Connection(request: String(buffer: unwrapInboundIn(data)), channel: context.channel)
            let script = script
            running = Task {
                // The client may go at any time.
                try? await script(connection)
                try? await connection.channel.close()
            }
        }

        func channelInactive(context: ChannelHandlerContext) { running?.cancel() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    let port: Int
    private let listener: any Channel
    private let accepted: Accepted

    /// The connections there were.
    private final class Accepted: Sendable {
        let channels = Mutex<[any Channel]>([])
    }

    init(_ script: @escaping Script) async throws {
        let accepted = Accepted()
        self.accepted = accepted
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                accepted.channels.withLock { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ScriptHandler(script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    var url: String { "http://127.0.0.1:\(port)/consensus" }

    /// Closes the port and the connections; scripts under way are cancelled.
    func stop() {
        listener.close(promise: nil)
        for channel in accepted.channels.withLock({ $0 }) { channel.close(promise: nil) }
    }
}
