// The shell around `MixPool` and `DestinationQueues`: it asks them what to do, and does it with the spool and the dialer.
// Node and client use the same one. Everything happens on one serial queue; sockets and disks report to it.

internal import Dispatch
public import MMTP
public import Mixing
internal import NIOCore
public import Spool
public import WireFormat

/// Moves packets from the spool to other nodes.
public final class Forwarder: @unchecked Sendable {
    /// Packets read from the spool at a time for one connection: bounds the memory of a send.
    static let readBatch = 32

    private let spool: Spool
    private let dialer: MMTPDialer
    private let addresses: AddressLookup
    private let clock: ForwarderClock
    private let selfNode: NodeID?
    private let deliverToSelf: @Sendable ([PacketRowID]) -> Void
    private let report: @Sendable (ForwardEvent) -> Void

    // Only touched on `queue`.
    private let queue = DispatchQueue(label: "nightjar.forwarder")
    private var pool: MixPool
    private var queues: DestinationQueues
    private var generator = SystemRandomNumberGenerator()
    private var held: [Int64: Held] = [:]
    private var connections: [NodeID: MMTPConnection] = [:]
    private var opening: [NodeID: Task<Void, Never>] = [:]
    private var timer: (any DispatchSourceTimer)?
    private var isStopping = false
    private var stopped: [@Sendable () -> Void] = []
    private var watchers: [@Sendable (Snapshot) -> Bool] = []

    private struct Held {
        let destination: NodeID
        let deadline: Timestamp
    }

    /// - Parameters:
    ///   - selfNode: packets for this node go to `deliverToSelf` instead of a socket.
    public init(
        spool: Spool, dialer: MMTPDialer, addresses: @escaping AddressLookup, strategy: MixStrategy,
        settings: QueueSettings,
        clock: ForwarderClock, selfNode: NodeID? = nil,
        deliverToSelf: @escaping @Sendable ([PacketRowID]) -> Void = { _ in },
        report: @escaping @Sendable (ForwardEvent) -> Void
    ) {
        self.spool = spool
        self.dialer = dialer
        self.addresses = addresses
        self.clock = clock
        self.selfNode = selfNode
        self.deliverToSelf = deliverToSelf
        self.report = report
        pool = MixPool(strategy: strategy, now: clock.now())
        queues = DestinationQueues(settings: settings)
    }

    /// Takes packets that the spool holds. Their time in the pool begins now; for those of an earlier run too, so that a
    /// restart shortens no delay and lengthens none beyond the cap.
    public func add(_ packets: [WaitingPacket]) {
        queue.async { [self] in
            let now = clock.now()
            for packet in packets {
                held[packet.id.number] = Held(destination: packet.destination, deadline: packet.deadline)
                pool.insert(id: packet.id.number, release: packet.release, now: now)
            }
            turn()
        }
    }

    /// Tries destinations again that are postponed.
    public func flush() {
        queue.async { [self] in
            perform(queues.flush(nil, now: clock.now()))
            turn()
        }
    }

    /// Holds packets back up to their cap, or lets them go again.
    public func setHolding(_ isHolding: Bool) {
        queue.async { [self] in
            if isHolding { pool.hold() } else { pool.resume() }
            turn()
        }
    }

    /// A destination has another address or is new.
    public func destinationsChanged(_ nodes: [NodeID]) {
        queue.async { [self] in
            for node in nodes { perform(queues.destinationChanged(node, now: clock.now())) }
            turn()
        }
    }

    /// Gives packets up that wait, for one destination or all.
    public func discard(_ destination: NodeID? = nil) {
        queue.async { [self] in
            perform(queues.discard(destination, reason: .cancelled, now: clock.now()))
            turn()
        }
    }

    /// How things stand.
    public func snapshot() async -> Snapshot {
        await withCheckedContinuation { continuation in
            queue.async { [self] in continuation.resume(returning: current) }
        }
    }

    /// Waits until `condition` holds of a snapshot; it is asked after every event.
    public func wait(until condition: @escaping @Sendable (Snapshot) -> Bool) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async { [self] in
                if condition(current) {
                    continuation.resume()
                    return
                }
                watchers.append { snapshot in
                    guard condition(snapshot) else { return false }
                    continuation.resume()
                    return true
                }
            }
        }
    }

    /// Sends nothing new, waits for what is in flight, closes. What waits stays in the spool.
    public func shutdown() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async { [self] in
                isStopping = true
                stopped.append { continuation.resume() }
                for task in opening.values { task.cancel() }
                perform(queues.shutdown(now: clock.now()))
                turn()
            }
        }
    }

    private var current: Snapshot {
        Snapshot(
            pooled: pool.count, queued: queues.queuedCount + queues.inFlightCount, destinations: queues.statuses,
            connections: connections.count, isHolding: pool.isHolding)
    }

    // MARK: On the queue

    /// After every event: releases what is due and sets the timer for what comes next.
    private func turn() {
        let now = clock.now()
        if !isStopping { release(now) }
        perform(queues.wake(now: now))
        if isStopping, queues.isStopped {
            let waiting = stopped
            stopped = []
            timer?.cancel()
            timer = nil
            for done in waiting { done() }
        }
        if !watchers.isEmpty {
            let snapshot = current
            watchers.removeAll { $0(snapshot) }
        }
        schedule()
    }

    private func release(_ now: Timestamp) {
        let due = pool.due(now: now, using: &generator)
        guard !due.isEmpty else { return }
        var groups: [NodeID: [QueuedPacket]] = [:]
        var order: [NodeID] = []
        for id in due {
            guard let packet = held[id] else { continue }
            if groups[packet.destination] == nil { order.append(packet.destination) }
            groups[packet.destination, default: []].append(QueuedPacket(id: id, deadline: packet.deadline))
        }
        for destination in order {
            guard let packets = groups[destination] else { continue }
            if destination == selfNode {
                for packet in packets { held[packet.id] = nil }
                deliverToSelf(packets.map { PacketRowID($0.id) })
            } else {
                perform(queues.enqueue(packets, destination: destination, now: now))
            }
        }
    }

    private func schedule() {
        let wakes = [isStopping ? nil : pool.nextWake, queues.nextWake].compactMap { $0 }
        guard let next = wakes.min() else {
            timer?.schedule(deadline: .distantFuture)
            return
        }
        if timer == nil {
            guard !isStopping || !queues.isStopped else { return }
            let source = DispatchSource.makeTimerSource(queue: queue)
            source.setEventHandler { [weak self] in self?.turn() }
            source.resume()
            timer = source
        }
        let seconds = min(max(clock.secondsUntil(next), 0.001), 3600)
        timer?.schedule(deadline: .now() + seconds, leeway: .milliseconds(1))
    }

    private func perform(_ actions: [QueueAction]) {
        var pending = actions
        while !pending.isEmpty {
            var following: [QueueAction] = []
            for action in pending {
                switch action {
                case .connect(let node): open(node)
                case .send(let node, let ids): following += send(ids, to: node)
                case .pad(let node, let count):
                    connections[node]?.sendPadding(count)
                    following += queues.paddingAnswered(node, count: count, now: clock.now())
                case .close(let node):
                    if let connection = connections[node] {
                        connection.finish()
                    } else {
                        opening[node]?.cancel()
                    }
                case .drop(let ids, let reason): drop(ids, reason)
                }
            }
            pending = following
        }
    }

    private func open(_ node: NodeID) {
        let targets = addresses(node)
        opening[node] = Task { [dialer] in
            let result: Result<MMTPConnection, DialFailure>
            do throws(DialFailure) {
                result = .success(try await dialer.connect(to: node, at: targets))
            } catch {
                result = .failure(error)
            }
            self.queue.async { self.opened(node, result) }
        }
    }

    private func opened(_ node: NodeID, _ result: Result<MMTPConnection, DialFailure>) {
        let wasCancelled = opening.removeValue(forKey: node)?.isCancelled ?? true
        let now = clock.now()
        switch result {
        case .success(let connection) where wasCancelled || isStopping:
            connection.close()
            perform(queues.connectionFailed(node, reason: .closed, now: now, using: &generator))
        case .success(let connection):
            report(.connection(.success(())))
            connections[node] = connection
            connection.ended.whenComplete { _ in
                self.queue.async { self.closed(node, connection) }
            }
            perform(queues.connected(node, now: now, using: &generator))
        case .failure(let failure):
            report(.connection(.failure(failure)))
            perform(queues.connectionFailed(node, reason: LinkFailure(failure), now: now, using: &generator))
        }
        turn()
    }

    private func closed(_ node: NodeID, _ connection: MMTPConnection) {
        guard connections[node] === connection else { return }
        connections[node] = nil
        perform(queues.connectionClosed(node, now: clock.now(), using: &generator))
        turn()
    }

    private func send(_ ids: [Int64], to node: NodeID) -> [QueueAction] {
        guard let connection = connections[node] else { return [] }
        var following: [QueueAction] = []
        var start = 0
        while start < ids.count {
            let slice = Array(ids[start..<min(start + Self.readBatch, ids.count)])
            start += slice.count
            var present: [Int64] = []
            var bodies: [[UInt8]] = []
            for (id, body) in zip(slice, spool.readPackets(slice.map(PacketRowID.init))) {
                switch body {
                case .success(let bytes):
                    present.append(id)
                    bodies.append(bytes)
                case .failure:
                    // Damaged on disk: it can never be sent. The spool reports damage loudly; here it is counted.
                    following += queues.rejected(node, id: id, .final(.storage), now: clock.now())
                }
            }
            let collector = OutcomeBatch(ids: present) { outcomes in
                self.queue.async { self.answered(node, outcomes) }
            }
            connection.send(bodies) { index, outcome in collector.note(index, outcome) }
        }
        return following
    }

    private func answered(_ node: NodeID, _ outcomes: [(id: Int64, outcome: FrameOutcome)]) {
        let now = clock.now()
        var arrived: [Int64] = []
        for (id, outcome) in outcomes {
            switch outcome {
            case .received: arrived.append(id)
            case .rejected(let reason):
                let rejection: Rejection =
                    reason.meansRetry
                    ? .retry : .final(reason == .unknownPeriod ? .periodRefused : .refusedByNextHop)
                perform(queues.rejected(node, id: id, rejection, now: now))
            case .notAcknowledged:
                // `closed` follows and gives the packet back to the queue.
                break
            }
        }
        if !arrived.isEmpty {
            for id in arrived { held[id] = nil }
            let count = arrived.count
            remove(arrived) { [report] in report(.forwarded(count: count)) }
            perform(queues.acknowledged(node, ids: arrived, now: now))
        }
        turn()
    }

    private func drop(_ ids: [Int64], _ reason: DropReason) {
        for id in ids { held[id] = nil }
        let count = ids.count
        remove(ids) { [report] in report(.dropped(reason, count: count)) }
    }

    /// A spool that is closed keeps the rows: after the next start they are sent again, and known by their replay tags.
    private func remove(_ ids: [Int64], then done: @escaping @Sendable () -> Void) {
        try? spool.submit([.removePackets(ids.map(PacketRowID.init))]) { _ in done() }
    }
}
