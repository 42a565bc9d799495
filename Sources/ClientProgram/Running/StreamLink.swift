// The stream's way to the nodes: a forwarder over the queue's spool that lives as long as the stream does.

internal import Forwarding
internal import MMTP
internal import Mixing
internal import NIOCore
internal import NIOPosix
internal import Spool
internal import Synchronization
internal import WireFormat

/// Hands packets over, each to its first node.
final class StreamLink: Sendable {
    /// What has happened since the last look.
    struct News: Sendable {
        /// Whether a node took a packet.
        var handedOver = false
        /// Why packets were given up.
        var dropped: Set<DropReason> = []
        /// Why connections failed.
        var failures: [DialFailure] = []
        /// Whether one did not.
        var connected = false
    }

    private let forwarder: Forwarder
    private let group: MultiThreadedEventLoopGroup
    private let news: NewsBox
    /// How long nodes may take to answer what is on its way at the end.
    static let grace = Interval.seconds(5)

    init(
        spool: Spool, addresses: NodeAddresses, connectTimeout: Interval, clock: ForwarderClock,
        realTime: @escaping @Sendable () -> Timestamp, timeScale: Double
    ) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var dialing = DialerConfiguration()
        dialing.connectTimeout = connectTimeout
        dialing.handshakeTimeout = connectTimeout
        var settings = QueueSettings()
        settings.maximumConnections = 16
        settings.window = SendingPool.window
        settings.packetsPerConnection = dialing.packetsPerConnection
        settings.connectTimeout = (dialing.connectTimeout + dialing.handshakeTimeout) * 8
        // A tick is one packet, always: there is no group whose size would have to be hidden.
        settings.burst = 1
        let news = NewsBox()
        forwarder = Forwarder(
            spool: spool, dialer: try MMTPDialer(configuration: dialing, group: group, clock: realTime),
            addresses: { addresses[$0] }, strategy: .standard,
            settings: settings.scaled(by: Int64(timeScale.rounded(.up))), clock: clock
        ) { event in news.note(event) }
        self.group = group
        self.news = news
    }

    /// A packet leaves as soon as its node can be reached.
    func send(_ packet: WaitingPacket) { forwarder.add([packet]) }

    /// Nodes that have as much on its way to them as they may.
    func occupied() async -> Set<NodeID> {
        let destinations = await forwarder.snapshot().destinations
        return Set(destinations.filter { $0.queued + $0.inFlight >= SendingPool.window }.map(\.destination))
    }

    /// Nodes with packets on their way that could not be reached lately, for whatever reason but being busy.
    func unreachable() async -> Set<NodeID> {
        let destinations = await forwarder.snapshot().destinations
        return Set(
            destinations.filter {
                $0.queued + $0.inFlight > 0 && $0.failures > 0 && $0.lastFailure != nil && $0.lastFailure != .postponed
            }.map(\.destination))
    }

    /// These nodes have other addresses now.
    func addressesChanged(_ nodes: [NodeID]) { if !nodes.isEmpty { forwarder.destinationsChanged(nodes) } }

    /// What has happened since the last call.
    func takeNews() -> News { news.take() }

    /// Ends what is on its way, but waits no longer for silent nodes than it must.
    func stop() async {
        await withTaskGroup(of: Void.self) { tasks in
            let (ended, end) = AsyncStream.makeStream(of: Void.self)
            Task { [forwarder] in
                await forwarder.shutdown()
                end.yield()
                end.finish()
            }
            tasks.addTask { for await _ in ended { return } }
            tasks.addTask { try? await Task.sleep(for: .milliseconds(Self.grace.milliseconds)) }
            await tasks.next()
            tasks.cancelAll()
        }
        try? await group.shutdownGracefully()
    }
}

/// Gathers events that come on other threads.
private final class NewsBox: Sendable {
    private let news = Mutex(StreamLink.News())
    /// More kinds of failures than there are.
    private static let mostFailures = 32

    func note(_ event: ForwardEvent) {
        news.withLock { news in
            switch event {
            case .forwarded: news.handedOver = true
            case .dropped(let reason, _): news.dropped.insert(reason)
            case .connection(.success): news.connected = true
            case .connection(.failure(let failure)):
                if news.failures.count < Self.mostFailures, !news.failures.contains(failure) {
                    news.failures.append(failure)
                }
            }
        }
    }

    func take() -> StreamLink.News {
        news.withLock { news in
            defer { news = StreamLink.News() }
            return news
        }
    }
}
