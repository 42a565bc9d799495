// A network made of nothing but events in virtual time, and the shell of `DestinationQueues` that would drive real
// sockets. It checks at every step what the machine promises, and keeps the books.

import Mixing
import TestSupport
import Testing
import WireFormat

struct Peer {
    /// From when to when it answers at all; outside of these times connecting fails or hangs.
    var outages: [Range<Int64>] = []
    /// During an outage: says nothing instead of refusing.
    var hangs = false
    /// Milliseconds for one way.
    var latency: Int64 = 20
    /// Chance that a connection breaks at any one packet.
    var breaks = 0.0
    /// Chances that a packet is answered with busy, or refused for good.
    var busy = 0.0
    var refuses = 0.0

    func isDown(at time: Timestamp) -> Bool { outages.contains { $0.contains(time.milliseconds) } }
}

struct SimulatedNetwork {
    enum Event {
        case opened(NodeID, connection: Int)
        case failed(NodeID, connection: Int)
        case closed(NodeID, connection: Int)
        case answer(NodeID, connection: Int, id: Int64, Rejection?)
        case padding(NodeID, connection: Int, count: Int)
        case arrival(NodeID, [QueuedPacket])
        case crash
    }
    private struct Scheduled: Comparable {
        var at: Int64
        var order: Int
        var event: Event
        static func < (left: Self, right: Self) -> Bool { (left.at, left.order) < (right.at, right.order) }
        static func == (left: Self, right: Self) -> Bool { left.order == right.order }
    }
    private struct Connection {
        var number: Int
        var isOpen = false
        var inFlight: Set<Int64> = []
        var padding = 0
        /// Answers come in order: none before this time.
        var lastAnswer: Int64 = 0
    }

    var queues: DestinationQueues
    var peers: [NodeID: Peer]
    var random: SeededRandom
    var now = Timestamp(milliseconds: 1_000_000)
    /// What the spool would hold.
    private(set) var spool: [Int64: (destination: NodeID, packet: QueuedPacket, since: Timestamp)] = [:]
    private(set) var enqueued = 0
    private(set) var acknowledged = 0
    private(set) var dropped: [DropReason: Int] = [:]
    private(set) var delivered: Set<Int64> = []
    private(set) var longestWait: [NodeID: Interval] = [:]
    private(set) var connects: [NodeID: [Timestamp]] = [:]
    private(set) var paddingSent = 0
    private(set) var mostConnections = 0
    private var connections: [NodeID: Connection] = [:]
    private var events: [Scheduled] = []
    private var order = 0

    init(settings: QueueSettings, peers: [NodeID: Peer], random: SeededRandom) {
        queues = DestinationQueues(settings: settings)
        self.peers = peers
        self.random = random
    }

    mutating func schedule(_ event: Event, after milliseconds: Int64) {
        order += 1
        let entry = Scheduled(at: now.milliseconds + max(milliseconds, 0), order: order, event: event)
        let index = events.partitioningIndex { entry > $0 }
        events.insert(entry, at: index)
    }

    /// Runs until nothing can happen any more, or until `limit`.
    mutating func run(until limit: Timestamp = Timestamp(milliseconds: .max)) {
        while true {
            let next = events.last?.at
            let wake = queues.nextWake?.milliseconds
            guard let time = [next, wake].compactMap({ $0 }).min(), time <= limit.milliseconds else {
                if limit.milliseconds != .max { now = limit }
                return
            }
            now = Timestamp(milliseconds: max(time, now.milliseconds))
            if let wake, wake <= now.milliseconds { perform(queues.wake(now: now)) }
            if let next, next <= now.milliseconds, let event = events.popLast() { happen(event.event) }
            #expect(queues.inFlightCount == connections.values.reduce(0) { $0 + $1.inFlight.count })
            #expect(queues.queuedCount + queues.inFlightCount == spool.count)
        }
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .arrival(let node, let packets):
            for packet in packets { spool[packet.id] = (node, packet, now) }
            enqueued += packets.count
            perform(queues.enqueue(packets, destination: node, now: now))
        case .opened(let node, let number):
            guard connections[node]?.number == number else { return }
            connections[node]?.isOpen = true
            perform(queues.connected(node, now: now, using: &random))
        case .failed(let node, let number):
            guard connections[node]?.number == number else { return }
            connections[node] = nil
            perform(queues.connectionFailed(node, reason: .unreachable, now: now, using: &random))
        case .closed(let node, let number):
            guard connections[node]?.number == number else { return }
            connections[node] = nil
            perform(queues.connectionClosed(node, now: now, using: &random))
        case .answer(let node, let number, let id, let rejection):
            guard connections[node]?.number == number, connections[node]?.isOpen == true else { return }
            #expect(connections[node]?.inFlight.remove(id) != nil)
            if let rejection {
                perform(queues.rejected(node, id: id, rejection, now: now))
            } else {
                acknowledged += 1
                settle(id)
                perform(queues.acknowledged(node, id: id, now: now))
            }
        case .padding(let node, let number, let count):
            guard connections[node]?.number == number, connections[node]?.isOpen == true else { return }
            connections[node]?.padding -= count
            perform(queues.paddingAnswered(node, count: count, now: now))
        case .crash:
            connections = [:]
            queues = DestinationQueues(settings: queues.settings)
            for (node, waiting) in Dictionary(grouping: spool.values, by: \.destination).sorted(by: { $0.key < $1.key })
            {
                perform(queues.enqueue(waiting.map(\.packet).sorted { $0.id < $1.id }, destination: node, now: now))
            }
        }
    }

    private mutating func settle(_ id: Int64) {
        guard let entry = spool.removeValue(forKey: id) else {
            Issue.record("packet \(id) ended twice or was never there")
            return
        }
        longestWait[entry.destination] = max(longestWait[entry.destination] ?? .zero, now - entry.since)
    }

    private mutating func perform(_ actions: [QueueAction]) {
        for action in actions {
            switch action {
            case .connect(let node): connect(node)
            case .send(let node, let ids): send(ids, to: node)
            case .pad(let node, let count):
                #expect(connections[node]?.isOpen == true)
                connections[node]?.padding += count
                paddingSent += count
                answer(.padding(node, connection: connections[node]?.number ?? -1, count: count), from: node)
            case .close(let node):
                let number = connections[node]?.number ?? -1
                #expect(number >= 0, "there is something to close")
                schedule(.closed(node, connection: number), after: 1)
                connections[node]?.isOpen = false
            case .drop(let ids, let reason):
                for id in ids {
                    dropped[reason, default: 0] += 1
                    settle(id)
                }
            }
        }
        mostConnections = max(mostConnections, connections.count)
        #expect(connections.count <= queues.settings.maximumConnections)
        #expect(connections.count == queues.connectionCount)
    }

    private mutating func connect(_ node: NodeID) {
        #expect(connections[node] == nil, "one connection for each destination")
        order += 1
        connections[node] = Connection(number: order)
        connects[node, default: []].append(now)
        guard let peer = peers[node] else { return }
        if !peer.isDown(at: now) {
            schedule(.opened(node, connection: order), after: 3 * peer.latency)
        } else if !peer.hangs {
            schedule(.failed(node, connection: order), after: peer.latency)
        }
    }

    private mutating func send(_ ids: [Int64], to node: NodeID) {
        guard let connection = connections[node], let peer = peers[node] else {
            Issue.record("sent without a connection")
            return
        }
        #expect(connection.isOpen)
        for id in ids {
            #expect(spool[id]?.destination == node)
            #expect((spool[id]?.packet.deadline ?? now) > now, "nothing is sent after its deadline")
            #expect(connections[node]?.inFlight.insert(id).inserted == true, "nothing is sent twice at once")
            if Double.random(in: 0..<1, using: &random) < peer.breaks {
                schedule(.closed(node, connection: connection.number), after: 2 * peer.latency)
            }
            guard !peer.isDown(at: now) else { continue }
            var rejection: Rejection?
            if Double.random(in: 0..<1, using: &random) < peer.busy { rejection = .retry }
            if Double.random(in: 0..<1, using: &random) < peer.refuses { rejection = .final(.refusedByNextHop) }
            if rejection == nil { delivered.insert(id) }
            answer(.answer(node, connection: connection.number, id: id, rejection), from: node)
        }
        #expect((connections[node]?.inFlight.count ?? 0) + (connections[node]?.padding ?? 0) <= queues.settings.window)
    }

    private mutating func answer(_ event: Event, from node: NodeID) {
        guard let peer = peers[node] else { return }
        let jitter = Int64.random(in: 0...peer.latency, using: &random)
        let at = max(now.milliseconds + 2 * peer.latency + jitter, connections[node]?.lastAnswer ?? 0)
        connections[node]?.lastAnswer = at
        schedule(event, after: at - now.milliseconds)
    }
}

extension Array {
    fileprivate func partitioningIndex(where isAfter: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
