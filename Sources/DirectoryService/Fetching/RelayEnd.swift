// One end of a relayed connection: what comes in goes out at the other end, no faster than the other end takes it.

internal import NIOCore

/// A handler on one of two channels of the same event loop.
final class RelayEnd: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Takes what comes in before the ends are joined.
    var onBytes: (([UInt8]) -> Void)?
    /// Called once, when the channel ends.
    var onEnd: (() -> Void)?

    private var context: ChannelHandlerContext?
    private var other: RelayEnd?
    private var wantsRead = false

    /// From now on the two ends are one connection.
    func join(_ other: RelayEnd) {
        self.other = other
        other.other = self
        onBytes = nil
        other.onBytes = nil
    }

    func send(_ bytes: [UInt8]) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    /// Sends what is still to be sent and `bytes`, and closes.
    func end(_ bytes: [UInt8] = []) {
        guard let context else { return }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes))).whenComplete { _ in channel.close(promise: nil)
        }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if let other {
            other.pass(buffer)
        } else {
            onBytes?(Array(buffer.readableBytesView))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        other?.context?.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { other?.resume() }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if other?.isWritable ?? true { context.read() } else { wantsRead = true }
    }

    func channelInactive(context: ChannelHandlerContext) {
        onEnd?()
        onEnd = nil
        onBytes = nil
        let other = other
        self.other = nil
        other?.other = nil
        other?.end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private var isWritable: Bool { context?.channel.isWritable ?? false }
    private func pass(_ buffer: ByteBuffer) { context?.write(wrapOutboundOut(buffer), promise: nil) }
    private func resume() {
        guard wantsRead else { return }
        wantsRead = false
        context?.read()
    }
}
