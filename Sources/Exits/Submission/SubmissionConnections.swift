internal import NIOCore
internal import Synchronization
internal import WireFormat

/// The open connections of a submission server.
final class SubmissionConnections: Sendable {
    private struct Entry: Sendable {
        let channel: any Channel
        var handler: NIOLoopBound<SubmissionHandler>?
        var isStranger = true
    }
    private let limit, strangers: Int
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    /// - Parameter strangers: how many may be without a password.
    init(limit: Int, strangers: Int) {
        self.limit = limit
        self.strangers = strangers
    }

    /// Makes room for a connection; false if there is none.
    func open(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let hasRoom = entries.withLock { entries in
            guard entries.count < limit, entries.count(where: { $0.value.isStranger }) < strangers else { return false }
            entries[id] = Entry(channel: channel)
            return true
        }
        if hasRoom { channel.closeFuture.whenComplete { _ in self.entries.withLock { $0[id] = nil } } }
        return hasRoom
    }

    func add(_ channel: any Channel, _ handler: NIOLoopBound<SubmissionHandler>) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.handler = handler }
    }

    /// A connection has given the password.
    func welcome(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.isStranger = false }
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
