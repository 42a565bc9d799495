// A TCP connection on which a test says any bytes and sees exactly what comes back.

import NIOCore
import NIOPosix

/// A connection to a port of the loopback.
final class RawConnection: Sendable {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    init(port: Int) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
    }

    /// Sends `pieces`, and returns all that came until the server closed the connection. Fails with `ChannelError` if the
    /// connection was reset.
    func exchange(_ pieces: [String], between: Duration = .zero) async throws -> String {
        try await channel.executeThenClose { inbound, outbound in
            var answer = ByteBuffer()
            for piece in pieces {
                do { try await outbound.write(ByteBuffer(string: piece)) } catch { break }
                if between > .zero { try await Task.sleep(for: between) }
            }
            do {
                for try await buffer in inbound { answer.writeImmutableBuffer(buffer) }
            } catch is IOError {
                // A reset after what came before it.
            }
            return String(buffer: answer)
        }
    }
}
