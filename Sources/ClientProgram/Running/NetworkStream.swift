// One network's stream: at every tick one packet leaves. A packet of the user's if one waits, else one that ends at a
// random node and carries nothing. Both are made by the same code, lie in the same spool and leave by the same way, so
// that whoever watches the line cannot tell one from the other, nor whether the user has sent anything.

internal import Daemon
internal import Directory
internal import Messages
internal import Spool
internal import WireFormat

extension Network {
    /// Whether nothing of it has changed.
    fileprivate func isSame(as other: Network) -> Bool {
        root == other.root && consensus?.link == other.consensus?.link && nodes.count == other.nodes.count
    }
}

/// A stream and the queue that it alone has open.
actor NetworkStream {
    /// The release time that marks a packet in the spool as cover, so that one left over from a crash is known.
    static let coverMark = Timestamp(milliseconds: 0)
    /// A tick is looked for at least this often (real time), as its time changes with the settings.
    private static let longestSleep = Duration.seconds(2)
    /// So often a path is drawn: when few first nodes are left, one of them may have been drawn as the last.
    private static let pathTries = 16
    /// Cover is made for the keys of today.
    private static let coverAge = Interval.hours(24)

    nonisolated let name: String
    nonisolated let queue: OutgoingQueue
    private let clock: ScaledClock
    private let link: StreamLink
    private let addresses: NodeAddresses
    private(set) var network: Network
    private var options: SendOptions
    private var mean: Interval
    private var machine: StreamMachine<SystemRandomNumberGenerator>
    private var generator = SystemRandomNumberGenerator()
    /// Packets of the user's that the link has.
    private var underWay: [WaitingPacket] = []
    private var health = StreamHealth()

    init(_ client: Client, network: Network, queue: OutgoingQueue) throws {
        name = network.name
        self.network = network
        self.queue = queue
        clock = client.time.clock
        addresses = NodeAddresses(network)
        options = client.options(in: network)
        mean = client.config.run.sendInterval
        let now = client.time.clock.now()
        machine = StreamMachine(
            schedule: StreamSchedule(mean: mean, now: now, source: SystemRandomNumberGenerator()))
        health.started = now
        link = try StreamLink(
            spool: queue.spool, addresses: addresses, connectTimeout: client.config.connectTimeout,
            clock: clock.forForwarder, realTime: ScaledClock.systemTime, timeScale: clock.scale)
        machine.pool.add(queue.waiting)
    }

    /// Packets that were put into the queue.
    func add(_ packets: [WaitingPacket]) { machine.pool.add(packets) }

    /// First nodes that do not take their packets.
    func unreachable() async -> Set<NodeID> { await link.unreachable() }

    /// How many packets of the user's wait for each node.
    var waiting: [NodeID: Int] {
        underWay.filter { queue.spool.holds($0.id) }.reduce(into: machine.pool.byNode) {
            $0[$1.destination, default: 0] += 1
        }
    }

    /// Sends until the task is cancelled.
    func run() async {
        makeCover(now: clock.now())
        while !Task.isCancelled {
            let now = clock.now()
            let next = machine.schedule.next
            if now < next {
                try? await Task.sleep(for: min(clock.realDelay(until: next), Self.longestSleep))
            } else if machine.schedule.isDue(now: now) {
                await tick()
            }
        }
    }

    private func tick() async {
        let occupied = await link.occupied()
        let now = clock.now()
        // Before: whether anything leaves is asked of the cover that could be made now.
        makeCover(now: now, avoiding: occupied)
        if let departure = machine.departure(now: now, occupied: occupied, using: &generator) {
            if case .own(let packet) = departure { underWay.append(packet) }
            link.send(departure.packet)
        }
        makeCover(now: now, avoiding: occupied)
    }

    /// Judges whether a packet of cover could leave now, and sees to it that some lie ready.
    private func makeCover(now: Timestamp, avoiding occupied: Set<NodeID> = []) {
        dropCover(occupied: occupied, madeBefore: now - Self.coverAge)
        var open = options
        open.blockedEntries.formUnion(occupied)
        let planner = PacketPlanner(network: network, options: open, now: now)
        health.coverProblem = nil
        let isPathPossible = drawPath(planner) != nil
        // That all first nodes have enough on their way to them is none for people: they are told when it lasts.
        if !isPathPossible { noteProblem(PacketPlanner(network: network, options: options, now: now)) }
        machine.replenish(now: now, isPathPossible: isPathPossible) { storeCover(planner) }
    }

    private func storeCover(_ planner: PacketPlanner) -> StreamMachine<SystemRandomNumberGenerator>.CoverAttempt {
        do {
            guard let path = drawPath(planner) else { return .impossible }
            let packet = try planner.packet(
                .dummy(LoopID.random(using: &generator)), along: path, using: &generator)
            let marked = OutgoingPacket(
                body: packet.body, first: packet.first, made: Self.coverMark, deadline: packet.deadline)
            guard let stored = try queue.store([marked]).first else { return .impossible }
            return .made(stored)
        } catch {
            // Where packets of the user's have taken all room, they leave in the place of cover.
            guard queue.room > 0 else { return .noRoom }
            health.coverProblem = "\(error)"
            return .impossible
        }
    }

    private func drawPath(_ planner: PacketPlanner) -> [Descriptor]? {
        for _ in 0..<Self.pathTries {
            if let path = try? planner.path(for: nil, using: &generator) { return path }
        }
        return nil
    }

    private func noteProblem(_ planner: PacketPlanner) {
        do throws(PathError) {
            _ = try planner.path(for: nil, using: &generator)
        } catch {
            health.coverProblem = error.description
        }
    }

    private func dropCover(occupied: Set<NodeID> = [], madeBefore oldest: Timestamp) {
        queue.remove(machine.takeUselessCover(occupied: occupied, madeBefore: oldest).map(\.id))
    }

    /// Takes over settings and a network file that were read again.
    func update(_ client: Client, network fresh: Network) {
        options = client.options(in: fresh)
        let now = clock.now()
        if client.config.run.sendInterval != mean {
            mean = client.config.run.sendInterval
            machine.schedule = StreamSchedule(mean: mean, now: now, source: SystemRandomNumberGenerator())
        }
        guard !fresh.isSame(as: network) else { return }
        network = fresh
        link.addressesChanged(addresses.update(fresh))
        dropCover(madeBefore: .distantFuture)
        makeCover(now: now)
    }

    /// Takes note of what has happened, and gives up what is past its deadline.
    func review() -> StreamHealth {
        let now = clock.now()
        let late = machine.pool.expire(now: now)
        queue.remove(late.map(\.id))
        let gone = underWay.filter { !queue.spool.holds($0.id) }
        underWay.removeAll { packet in gone.contains { $0.id == packet.id } }
        health.note(link.takeNews(), now: now)
        // The link gives cover up as well, which is nobody's loss.
        if !late.isEmpty || gone.contains(where: { $0.deadline <= now }) { health.lastLoss = now }
        return health
    }

    /// Ends what is on its way and lets the queue go.
    func stop() async {
        await link.stop()
        dropCover(madeBefore: .distantFuture)
        queue.close()
    }
}
