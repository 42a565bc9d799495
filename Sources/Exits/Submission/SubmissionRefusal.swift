internal import NIOCore

/// Tells a mail program to come back later.
final class SubmissionRefusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let name: String

    init(name: String) { self.name = name }

    func channelActive(context: ChannelHandlerContext) {
        let reply = SubmissionReply(421, "4.3.2", "\(name) has too many connections; close one, or try again later")
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: reply.bytes)), promise: nil)
        context.close(promise: nil)
    }
}
