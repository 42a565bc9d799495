// One network's stream: at every tick one packet leaves. A packet of the user's if one waits, else one that ends at a
// random node and carries nothing. Both are made by the same code, lie in the same spool and leave by the same way, so
// that whoever watches the line cannot tell one from the other, nor whether the user has sent anything.

internal import Daemon
internal import Directory
internal import Messages
internal import Spool
internal import WireFormat

/// A stream and the queue that it alone has open.
actor NetworkStream {
    /// Network's time that marks a packet in the spool as cover, so that one left over from a crash is known.
    private static let coverMark = Timestamp(milliseconds: 0)
    /// A tick is looked for at least this often, as its time changes with the settings.
    private static let longestSleep = Interval.seconds(2)
    /// So many paths are drawn for cover before its node is one of those that are away.
    private static let coverTries = 16

    nonisolated let name: String
    nonisolated let queue: OutgoingQueue
    private let clock: ScaledClock
    private let link: StreamLink
    private let addresses: NodeAddresses
    private(set) var network: NetworkFile
    private var options: SendOptions
    private var mean: Interval
    private var schedule: StreamSchedule<SystemRandomNumberGenerator>
    private var generator = SystemRandomNumberGenerator()
    private var pool = SendingPool()
    private var cover: [OutgoingCover] = []
    /// Packets of the user's that the link has.
    private var underWay: [WaitingPacket] = []
    private(set) var health = StreamHealth()

    private struct OutgoingCover {
        let packet: WaitingPacket
        let made: Timestamp
    }

    init(_ client: Client, network: NetworkFile, queue: OutgoingQueue) throws {
        name = network.name
        self.network = network
        self.queue = queue
        clock = client.time.clock
        addresses = NodeAddresses(network)
        options = client.coverOptions(in: network)
        mean = client.config.run.sendInterval
        schedule = StreamSchedule(mean: mean, now: clock.now(), source: SystemRandomNumberGenerator())
        health.started = clock.now()
        link = try StreamLink(
            spool: queue.spool, addresses: addresses, connectTimeout: client.config.connectTimeout,
            clock: clock.forForwarder, realTime: ScaledClock.systemTime, timeScale: clock.scale)
        let left = queue.waiting.filter { $0.release == Self.coverMark }
        queue.remove(left.map(\.id))
        pool.add(queue.waiting.filter { $0.release != Self.coverMark })
    }

    /// Packets that were put into the queue.
    func add(_ packets: [WaitingPacket]) { pool.add(packets) }

    /// How many packets of the user's wait for each node.
    var waiting: [NodeID: Int] { pool.byNode }

    /// Sends until the task is cancelled.
    func run() async {
        makeCover(now: clock.now())
        while !Task.isCancelled {
            let now = clock.now()
            let next = schedule.next
            if now < next {
                let step = Duration.milliseconds(Self.longestSleep.milliseconds)
                try? await Task.sleep(for: min(clock.realDelay(until: next), step))
                continue
            }
            if schedule.isDue(now: now) { await tick(now: now) }
        }
    }

    private func tick(now: Timestamp) async {
        let occupied = await link.occupied()
        // Without cover for a tick at which nothing waits, ticks at which something does would stand out.
        guard health.coverProblem == nil else { return makeCover(now: now, avoiding: occupied) }
        if let own = pool.take(now: now, isOpen: { !occupied.contains($0) }, using: &generator) {
            underWay.append(own)
            link.send(own)
        } else if let index = cover.firstIndex(where: { !occupied.contains($0.packet.destination) }) {
            link.send(cover.remove(at: index).packet)
        }
        makeCover(now: now, avoiding: occupied)
    }

    /// Sees to it that packets of cover lie ready, for first nodes that can take them: the nodes that are away take none of
    /// the user's either.
    private func makeCover(now: Timestamp, avoiding occupied: Set<NodeID> = []) {
        let useless = cover.filter { occupied.contains($0.packet.destination) }
        cover.removeAll { occupied.contains($0.packet.destination) }
        queue.remove(useless.map(\.packet.id))
        let planner = PacketPlanner(network: network, options: options, now: now)
        for _ in 0..<Self.coverTries where cover.count < Self.coverStock {
            do {
                let path = try planner.path(for: nil, using: &generator)
                health.coverProblem = nil
                guard let first = path.first?.id, !occupied.contains(first) else { continue }
                let packet = try planner.packet(
                    .dummy(LoopID.random(using: &generator)), along: path, using: &generator)
                let marked = OutgoingPacket(
                    body: packet.body, first: packet.first, made: Self.coverMark, deadline: packet.deadline)
                cover += try queue.store([marked]).map { OutgoingCover(packet: $0, made: now) }
            } catch let error as PathError {
                health.coverProblem = error.description
                return
            } catch {
                // No room: then packets of the user's wait, and leave in the place of cover.
                return
            }
        }
    }

    /// One lies ready even if the other's node goes away.
    private static let coverStock = 2

    /// Takes over settings and a network file that were read again.
    func update(_ client: Client, network fresh: NetworkFile) {
        options = client.coverOptions(in: fresh)
        if client.config.run.sendInterval != mean {
            mean = client.config.run.sendInterval
            schedule = StreamSchedule(mean: mean, now: clock.now(), source: SystemRandomNumberGenerator())
        }
        guard fresh.bytes != network.bytes else { return }
        network = fresh
        link.addressesChanged(addresses.update(fresh))
        dropCover()
    }

    /// Takes note of what has happened, and gives up what is past its deadline.
    func review() -> StreamHealth {
        let now = clock.now()
        let late = pool.expire(now: now)
        queue.remove(late.map(\.id))
        let gone = underWay.filter { !queue.spool.holds($0.id) }
        underWay.removeAll { packet in gone.contains { $0.id == packet.id } }
        health.note(link.takeNews(), now: now)
        // The link gives cover up as well, which is nobody's loss.
        if !late.isEmpty || gone.contains(where: { $0.deadline <= now }) { health.hasLost = true }
        // Cover is made for the keys of today.
        if cover.contains(where: { now - $0.made > .hours(24) }) { dropCover() }
        return health
    }

    private func dropCover() {
        queue.remove(cover.map(\.packet.id))
        cover = []
        makeCover(now: clock.now())
    }

    /// Ends what is on its way and lets the queue go.
    func stop() async {
        await link.stop()
        queue.remove(cover.map(\.packet.id))
        cover = []
        queue.close()
    }
}

extension Client {
    /// How cover travels: as the user's packets do if he says nothing else.
    func coverOptions(in network: NetworkFile) -> SendOptions {
        var options = SendOptions()
        options.path = config.path
        options.blocked = blocked(in: network)
        return options
    }
}
