// A server that says any bytes: what a hostile or broken web server may do to the client.

import NIOCore
import NIOPosix
import Synchronization

/// Runs a script on every connection, after the first bytes came in.
final class ScriptedServer: Sendable {
    /// One connection.
    struct Connection {
        let request: String
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

        func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }
        func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }
        /// Sends the head and the body of a whole answer.
        func answer(_ fields: String = "", _ body: [UInt8]) async throws {
            try await send("HTTP/1.1 200 OK\r\n\(fields)content-length: \(body.count)\r\n\r\n")
            try await send(body)
        }
    }

    let port: Int
    private let listener: any Channel

    init(_ script: @escaping @Sendable (Connection) async throws -> Void) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        port = listener.channel.localAddress?.port ?? 0
        self.listener = listener.channel
        Task {
            try await withThrowingDiscardingTaskGroup { group in
                try await listener.executeThenClose { connections in
                    for try await connection in connections {
                        group.addTask {
                            // The client may go at any time.
                            try? await connection.executeThenClose { inbound, outbound in
                                var incoming = inbound.makeAsyncIterator()
                                guard let first = try await incoming.next() else { return }
                                try await script(Connection(request: String(buffer: first), outbound: outbound))
                            }
                        }
                    }
                }
                group.cancelAll()
            }
        }
    }

    var url: String { "http://127.0.0.1:\(port)/consensus" }

    /// Closes the port; scripts under way are cancelled.
    func stop() { listener.close(promise: nil) }
}
