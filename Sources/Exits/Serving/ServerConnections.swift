package import NIOCore
internal import Synchronization
package import WireFormat

/// The open connections of a server.
package final class ServerConnections<Machine: ServerMachine>: Sendable {
    private struct Entry: Sendable {
        let channel: any Channel
        var handler: NIOLoopBound<ServerHandler<Machine>>?
        var isStranger = true
    }
    private let limit, strangers: Int
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    /// - Parameter strangers: how many may be there that were not welcomed.
    package init(limit: Int, strangers: Int = .max) {
        self.limit = limit
        self.strangers = strangers
    }

    /// Makes room for a connection; false if there is none.
    package func open(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let hasRoom = entries.withLock { entries in
            guard entries.count < limit, entries.count(where: { $0.value.isStranger }) < strangers else { return false }
            entries[id] = Entry(channel: channel)
            return true
        }
        if hasRoom { channel.closeFuture.whenComplete { _ in self.entries.withLock { $0[id] = nil } } }
        return hasRoom
    }

    /// What runs on a connection for which there is room.
    package func add(_ channel: any Channel, _ handler: ServerHandler<Machine>) {
        let handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        entries.withLock { $0[ObjectIdentifier(channel)]?.handler = handler }
    }

    /// A connection has shown that it is no stranger's.
    package func welcome(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.isStranger = false }
    }

    /// Ends all, after what each may be doing; none lasts longer than `grace`.
    package func close(grace: Interval) async {
        for entry in entries.withLock({ Array($0.values) }) {
            let loop = entry.channel.eventLoop
            if let handler = entry.handler { loop.execute { handler.value.shutDown() } }
            let timer = loop.scheduleTask(in: grace.timeAmount) { entry.channel.close(promise: nil) }
            try? await entry.channel.closeFuture.get()
            timer.cancel()
        }
    }
}
