internal import NIOCore
internal import Synchronization
internal import WireFormat

/// The open connections of a submission server.
final class SubmissionConnections: Sendable {
    private struct Entry: Sendable {
        let channel: any Channel
        var handler: NIOLoopBound<SubmissionHandler>?
    }
    private let limit: Int
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(limit: Int) { self.limit = limit }

    /// Makes room for a connection; false if there is none.
    func open(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let hasRoom = entries.withLock { entries in
            guard entries.count < limit else { return false }
            entries[id] = Entry(channel: channel)
            return true
        }
        if hasRoom { channel.closeFuture.whenComplete { _ in self.entries.withLock { $0[id] = nil } } }
        return hasRoom
    }

    func add(_ channel: any Channel, _ handler: NIOLoopBound<SubmissionHandler>) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.handler = handler }
    }

    func close(grace: Interval) async {
        for entry in entries.withLock({ Array($0.values) }) {
            let loop = entry.channel.eventLoop
            if let handler = entry.handler { loop.execute { handler.value.shutDown() } }
            let timer = loop.scheduleTask(in: grace.timeAmount) { entry.channel.close(promise: nil) }
            try? await entry.channel.closeFuture.get()
            timer.cancel()
        }
    }
}

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
