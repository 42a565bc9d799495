// Sits below TLS and closes the socket without ceremony. An orderly end of TLS waits for the peer, and a peer that
// broke the rules is not waited for.

internal import NIOCore

/// The handler next to the socket.
final class TransportCloser: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Closes the socket at once; what was not sent is lost.
    func close() { context?.close(promise: nil) }
}
