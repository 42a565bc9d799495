// Listens for Postfix's questions on a socket of this machine.

public import Exits
private import Glibc
internal import NIOCore
public import NIOPosix
internal import Synchronization
public import WireFormat

/// A listening policy service.
public final class PolicyServer: Sendable {
    /// Connections at one time: one for each smtpd process of Postfix, of which it has at most 100 unless told otherwise
    /// (default_process_limit).
    static let connectionLimit = 256
    /// How long Postfix may be silent; it closes what it does not use after five minutes (smtpd_policy_service_max_idle).
    static let idle = Interval.minutes(10)

    private let listener: any Channel
    private let connections: PolicyConnections

    /// The port, for a service at a loopback address.
    public var port: Int? { listener.localAddress?.port }

    /// Begins to listen. A socket of an earlier run at the same path is replaced; every user of this machine may connect:
    /// what can be learned is which names exist, and RCPT tells that to everybody.
    public static func bind(
        _ address: LMTPAddress, door: any NymDoor, group: MultiThreadedEventLoopGroup = .singleton,
        threadPool: NIOThreadPool = .singleton
    ) async throws -> PolicyServer {
        let connections = PolicyConnections(limit: connectionLimit)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = PolicyHandler(door: door, threadPool: threadPool)
                    guard connections.add(channel, NIOLoopBound(handler, eventLoop: channel.eventLoop)) else {
                        channel.close(promise: nil)
                        return
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        switch address {
        case .socket(let path):
            let listener = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            chmod(path, 0o666)
            return PolicyServer(listener: listener, connections: connections)
        case .loopback(let host, let port):
            let listener = try await bootstrap.bind(host: host, port: port).get()
            return PolicyServer(listener: listener, connections: connections)
        }
    }

    private init(listener: any Channel, connections: PolicyConnections) {
        self.listener = listener
        self.connections = connections
    }

    /// Takes no more connections and ends those that are open, after the question that one may have.
    public func close(grace: Interval = .seconds(5)) async {
        try? await listener.close()
        await connections.close(grace: grace)
    }
}

/// The thin shell around `PolicyMachine` on one connection.
private final class PolicyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let door: any NymDoor
    private let threadPool: NIOThreadPool
    private var machine = PolicyMachine()
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?

    init(door: any NymDoor, threadPool: NIOThreadPool) {
        self.door = door
        self.threadPool = threadPool
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelActive(context: ChannelHandlerContext) {
        perform([])
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        perform(machine.received(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The service is stopping.
    func shutDown() { perform(machine.shutDown()) }

    private func ended() {
        timer?.cancel()
        context = nil
    }

    private func perform(_ actions: [PolicyMachine.Action]) {
        guard let context else { return }
        for action in actions {
            switch action {
            case .send(let bytes): context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            case .ask(let questions): ask(questions, context.eventLoop)
            case .close: context.close(promise: nil)
            }
        }
        timer?.cancel()
        guard !machine.isClosed else { return }
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer =
            machine.isWaiting
            ? nil
            : context.eventLoop.scheduleTask(in: .milliseconds(PolicyServer.idle.milliseconds)) {
                handler.value.perform(handler.value.machine.timedOut())
            }
        // What comes meanwhile stays in the socket.
        _ = context.channel.setOption(.autoRead, value: !machine.isWaiting)
    }

    private func ask(_ questions: [PolicyQuestion], _ loop: any EventLoop) {
        let handler = NIOLoopBound(self, eventLoop: loop)
        threadPool.runIfActive(eventLoop: loop) { [door] in
            questions.map { door.verdict(recipient: $0.recipient, size: $0.size) }
        }.whenComplete { result in
            let handler = handler.value
            let verdicts = (try? result.get()) ?? [NymVerdict.later]
            handler.perform(handler.machine.answered(verdicts))
        }
    }
}

/// The open connections of a service.
private final class PolicyConnections: Sendable {
    private struct Entry: Sendable {
        let channel: any Channel
        let handler: NIOLoopBound<PolicyHandler>
    }
    private let limit: Int
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(limit: Int) { self.limit = limit }

    /// False if there is no room.
    func add(_ channel: any Channel, _ handler: NIOLoopBound<PolicyHandler>) -> Bool {
        let id = ObjectIdentifier(channel)
        let hasRoom = entries.withLock { entries in
            guard entries.count < limit else { return false }
            entries[id] = Entry(channel: channel, handler: handler)
            return true
        }
        if hasRoom { channel.closeFuture.whenComplete { _ in self.entries.withLock { $0[id] = nil } } }
        return hasRoom
    }

    func close(grace: Interval) async {
        for entry in entries.withLock({ Array($0.values) }) {
            let loop = entry.channel.eventLoop
            loop.execute { entry.handler.value.shutDown() }
            let timer = loop.scheduleTask(in: .milliseconds(grace.milliseconds)) { entry.channel.close(promise: nil) }
            try? await entry.channel.closeFuture.get()
            timer.cancel()
        }
    }
}
