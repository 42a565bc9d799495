import Mixing
import TestSupport
import Testing
import WireFormat

@Suite struct DestinationQueuesTests {
    let start = Timestamp(seconds: 1_800_000_000)

    func nodes(_ count: Int) -> [NodeID] {
        var random = SeededRandom(seed: 7)
        return (0..<count).map { _ in NodeID.random(using: &random) }
    }

    var plain: QueueSettings {
        var settings = QueueSettings()
        settings.burst = 1
        return settings
    }

    @Test func sendsAWindowAndThenOneForEachAnswer() {
        var random = SeededRandom(seed: 1)
        var queues = DestinationQueues(settings: plain)
        let node = nodes(1)[0]
        let packets = (0..<100).map { QueuedPacket(id: $0, deadline: start + .hours(48)) }
        #expect(queues.enqueue(packets, destination: node, now: start) == [.connect(node)])
        #expect(queues.connected(node, now: start, using: &random) == [.send(node, Array(0..<64))])
        #expect(queues.acknowledged(node, id: 0, now: start) == [.send(node, [64])])
        #expect(queues.acknowledged(node, id: 0, now: start).isEmpty, "an answer counts once")
        #expect(queues.acknowledged(node, ids: [1, 2, 3], now: start) == [.send(node, [65, 66, 67])])
        #expect(queues.queuedCount == 32)
        #expect(queues.inFlightCount == 64)
    }

    @Test func aFailurePostponesTheWholeDestinationAndSuccessReleasesIt() {
        var random = SeededRandom(seed: 2)
        var queues = DestinationQueues(settings: plain)
        let node = nodes(1)[0]
        _ = queues.enqueue(id: 1, destination: node, deadline: start + .hours(48), now: start)
        #expect(queues.connectionFailed(node, reason: .unreachable, now: start, using: &random).isEmpty)
        for id in 2...20 {
            let actions = queues.enqueue(
                id: Int64(id), destination: node, deadline: start + .hours(48), now: start + .seconds(1))
            #expect(actions.isEmpty)
        }
        #expect(queues.statuses.first?.state == .backingOff)
        #expect(queues.statuses.first?.lastFailure == .unreachable)
        guard let retry = queues.nextWake else {
            Issue.record("no retry")
            return
        }
        #expect(retry >= start + .seconds(5) && retry <= start + .seconds(10))
        #expect(queues.wake(now: retry) == [.connect(node)])
        // Slow start: 1, 2, 4, 8 and so on, until all are through.
        var actions = queues.connected(node, now: retry, using: &random)
        var rounds: [Int] = []
        var order: [Int64] = []
        while case .send(_, let ids)? = actions.first {
            rounds.append(ids.count)
            order += ids
            actions = queues.acknowledged(node, ids: ids, now: retry)
        }
        #expect(rounds == [1, 2, 4, 8, 5])
        #expect(order.sorted() == Array(1...20))
        #expect(order != order.sorted(), "a backlog leaves in random order")
    }

    @Test func flushAndANewAddressEndTheWait() {
        var random = SeededRandom(seed: 3)
        var queues = DestinationQueues(settings: plain)
        let node = nodes(1)[0]
        _ = queues.enqueue(id: 1, destination: node, deadline: start + .hours(48), now: start)
        _ = queues.connectionFailed(node, reason: .timeout, now: start, using: &random)
        #expect(queues.flush(now: start) == [.connect(node)])
        _ = queues.connectionFailed(node, reason: .timeout, now: start, using: &random)
        #expect(queues.statuses.first?.failures == 2)
        #expect(queues.destinationChanged(node, now: start) == [.connect(node)])
        #expect(queues.statuses.first?.failures == 0)
    }

    @Test func discardDropsWhatWaits() {
        var random = SeededRandom(seed: 3)
        var queues = DestinationQueues(settings: plain)
        let node = nodes(1)[0]
        _ = queues.enqueue(id: 1, destination: node, deadline: start + .hours(48), now: start)
        _ = queues.connectionFailed(node, reason: .timeout, now: start, using: &random)
        #expect(queues.discard(node, reason: .unknownDestination, now: start) == [.drop([1], .unknownDestination)])
        #expect(queues.queuedCount == 0)
        #expect(queues.wake(now: start + .hours(1)).isEmpty)
        #expect(queues.statuses.isEmpty, "a destination for which nothing waits is forgotten")
    }

    @Test func backOffGrowsToItsCapWithJitter() {
        var random = SeededRandom(name: "backOff")
        let backOff = BackOff()
        for failures in 1...200 {
            let wait = backOff.wait(failures: failures, using: &random)
            let longest = min(Interval.hours(1), .seconds(10) * (1 << Int64(min(failures - 1, 20))))
            #expect(wait <= longest && wait * 2 >= longest)
        }
        #expect(Set((0..<50).map { _ in backOff.wait(failures: 5, using: &random) }).count > 40)
        #expect(
            BackOff(first: .milliseconds(1), cap: .milliseconds(1)).wait(failures: .max, using: &random)
                == .milliseconds(1))
    }

    @Test func aGroupIsPaddedToItsMultiple() {
        var random = SeededRandom(seed: 4)
        var queues = DestinationQueues()
        let node = nodes(1)[0]
        let packets = (0..<6).map { QueuedPacket(id: $0, deadline: start + .hours(48)) }
        _ = queues.enqueue(packets, destination: node, now: start)
        #expect(
            queues.connected(node, now: start, using: &random) == [.send(node, [0, 1, 2, 3, 4, 5]), .pad(node, 2)])
        #expect(queues.acknowledged(node, ids: 0..<6, now: start).isEmpty)
        #expect(queues.paddingAnswered(node, count: 2, now: start).isEmpty)
        #expect(queues.wake(now: start + .seconds(60)) == [.close(node)])
    }

    @Test func silenceAfterConnectOrSendIsAFailure() {
        var random = SeededRandom(seed: 5)
        var queues = DestinationQueues(settings: plain)
        let node = nodes(1)[0]
        _ = queues.enqueue(id: 1, destination: node, deadline: start + .hours(48), now: start)
        #expect(queues.nextWake == start + .seconds(30))
        #expect(queues.wake(now: start + .seconds(30)) == [.close(node)])
        #expect(queues.connected(node, now: start + .seconds(30), using: &random).isEmpty, "too late")
        _ = queues.connectionFailed(node, reason: .unreachable, now: start + .seconds(30), using: &random)
        #expect(queues.statuses.first?.lastFailure == .timeout)
        let again = start + .seconds(60)
        #expect(queues.wake(now: again) == [.connect(node)])
        #expect(queues.connected(node, now: again, using: &random) == [.send(node, [1])])
        #expect(queues.wake(now: again + .seconds(60)) == [.close(node)])
        #expect(queues.connectionClosed(node, now: again + .seconds(60), using: &random).isEmpty)
        #expect(queues.queuedCount == 1)
        #expect(queues.statuses.first?.failures == 2)
    }

    @Test func aPeerThatHangsUpOnEveryCallIsNotCalledAtOnce() {
        var random = SeededRandom(seed: 6)
        var queues = DestinationQueues(settings: plain)
        let node = nodes(1)[0]
        _ = queues.enqueue(id: 1, destination: node, deadline: start + .hours(48), now: start)
        _ = queues.connected(node, now: start, using: &random)
        #expect(queues.connectionClosed(node, now: start, using: &random).isEmpty)
        #expect(queues.statuses.first?.state == .backingOff)
    }

    @Test func shutdownLetsAnswersInAndSendsNothingNew() {
        var random = SeededRandom(seed: 8)
        var queues = DestinationQueues(settings: plain)
        let (open, idle, opening) = (nodes(3)[0], nodes(3)[1], nodes(3)[2])
        let deadline = start + .hours(48)
        _ = queues.enqueue((0..<70).map { QueuedPacket(id: $0, deadline: deadline) }, destination: open, now: start)
        _ = queues.enqueue(id: 100, destination: idle, deadline: deadline, now: start)
        _ = queues.enqueue(id: 101, destination: opening, deadline: deadline, now: start)
        _ = queues.connected(open, now: start, using: &random)
        _ = queues.connected(idle, now: start, using: &random)
        _ = queues.acknowledged(idle, id: 100, now: start)
        #expect(Set(queues.shutdown(now: start)) == [.close(idle), .close(opening)])
        #expect(queues.enqueue(id: 200, destination: idle, deadline: deadline, now: start).isEmpty)
        #expect(queues.acknowledged(open, ids: 0..<63, now: start).isEmpty)
        #expect(queues.acknowledged(open, id: 63, now: start) == [.close(open)])
        #expect(!queues.isStopped)
        for node in [open, idle, opening] { #expect(queues.connectionClosed(node, now: start, using: &random).isEmpty) }
        #expect(queues.isStopped)
        #expect(queues.nextWake == nil)
        #expect(queues.queuedCount == 8)
    }

    @Test func deadDestinationsDoNotDelayOthers() {
        // 30 dead nodes, half of them silent, and only 4 connections: the living one still gets its mail in seconds.
        var settings = QueueSettings()
        settings.maximumConnections = 4
        settings.connectTimeout = .seconds(10)
        let all = nodes(31)
        var peers: [NodeID: Peer] = [:]
        for (index, node) in all.enumerated() {
            peers[node] = Peer(outages: index == 0 ? [] : [0 ..< .max], hangs: index % 2 == 0)
        }
        var network = SimulatedNetwork(settings: settings, peers: peers, random: SeededRandom(name: "deadDestinations"))
        let deadline = network.now + .hours(48)
        for (index, node) in all.enumerated().dropFirst() {
            network.schedule(.arrival(node, [QueuedPacket(id: Int64(index), deadline: deadline)]), after: 0)
        }
        // By now every dead node is known to be dead.
        for minute in 0..<600 {
            let id = Int64(1000 + minute)
            network.schedule(
                .arrival(all[0], [QueuedPacket(id: id, deadline: deadline)]), after: 600_000 + Int64(minute) * 60_000)
        }
        network.run(until: network.now + .hours(24))
        #expect(network.acknowledged == 600)
        #expect((network.longestWait[all[0]] ?? .hours(1)) < .seconds(1))
        network.run()
        #expect(network.dropped == [.deadline: 30])
        #expect(network.mostConnections <= 4)
        // Doubling to an hour with jitter: some 48 h / 45 min attempts and not thousands.
        for node in all.dropFirst() { #expect((50..<110).contains(network.connects[node]?.count ?? 0)) }
    }

    @Test func destinationsThatFailedNeverTakeUpAllConnections() {
        var random = SeededRandom(seed: 10)
        var settings = plain
        settings.maximumConnections = 8
        var queues = DestinationQueues(settings: settings)
        let all = nodes(21)
        for node in all.dropFirst() {
            _ = queues.enqueue(id: 1, destination: node, deadline: start + .hours(48), now: start)
        }
        for node in all.dropFirst() {
            _ = queues.connectionFailed(node, reason: .timeout, now: start, using: &random)
        }
        // All twenty are to be tried now; only a quarter of the connections is theirs.
        #expect(queues.flush(now: start).count == 2)
        #expect(queues.connectionCount == 2)
        let actions = queues.enqueue(id: 2, destination: all[0], deadline: start + .hours(48), now: start)
        #expect(actions == [.connect(all[0])])
        // They take turns with each other.
        let trying = queues.statuses.filter { $0.state == .connecting && $0.destination != all[0] }
        let next = queues.connectionFailed(trying[0].destination, reason: .timeout, now: start, using: &random)
        #expect(next.count == 1 && next != [.connect(trying[0].destination)])
    }

    @Test func busyDestinationsTakeTurns() {
        var settings = QueueSettings()
        settings.maximumConnections = 2
        let all = nodes(8)
        let peers = Dictionary(uniqueKeysWithValues: all.map { ($0, Peer(latency: 10)) })
        var network = SimulatedNetwork(settings: settings, peers: peers, random: SeededRandom(name: "turns"))
        let deadline = network.now + .hours(48)
        for (index, node) in all.enumerated() {
            let packets = (0..<1500).map { QueuedPacket(id: Int64(index * 10_000 + $0), deadline: deadline) }
            network.schedule(.arrival(node, packets), after: 0)
        }
        network.run(until: network.now + .seconds(2))
        #expect(network.connects.count == 8, "each had a first turn before any had its last")
        #expect(network.acknowledged < 12_000)
        network.run()
        #expect(network.acknowledged == 12_000)
        #expect(network.mostConnections == 2)
    }

    @Test func aHundredThousandPacketsAreHeldCompactlyAndSwept() {
        var random = SeededRandom(seed: 9)
        var queues = DestinationQueues(settings: plain)
        let all = nodes(5)
        for (index, node) in all.enumerated() {
            let deadline = start + .hours(Int64(index + 1))
            _ = queues.enqueue(
                (0..<20_000).lazy.map { QueuedPacket(id: Int64(index * 20_000 + $0), deadline: deadline) },
                destination: node, now: start)
            _ = queues.connectionFailed(node, reason: .unreachable, now: start, using: &random)
        }
        #expect(MemoryLayout<QueuedPacket>.stride == 16)
        #expect(queues.queuedCount == 100_000)
        var time = start
        var dropped = 0
        while let wake = queues.nextWake {
            time = max(time, wake)
            for action in queues.wake(now: time) {
                switch action {
                case .connect(let node):
                    _ = queues.connectionFailed(node, reason: .unreachable, now: time, using: &random)
                case .drop(let ids, .deadline): dropped += ids.count
                default: Issue.record("unexpected action")
                }
            }
        }
        #expect(dropped == 100_000)
        #expect(time <= start + .hours(7))
        #expect(queues.statuses.isEmpty)
    }

    @Test(arguments: 0..<12) func nothingIsLostOrDoubledWhateverHappens(run: Int) {
        var random = SeededRandom(name: "storm \(run)")
        var settings = QueueSettings()
        settings.maximumConnections = Int.random(in: 1...6, using: &random)
        settings.window = [1, 4, 64].randomElement(using: &random) ?? 64
        settings.packetsPerConnection = [5, 50, 4096].randomElement(using: &random) ?? 50
        settings.packetsPerTurn = [2, 20, 512].randomElement(using: &random) ?? 20
        settings.burst = Int.random(in: 1...5, using: &random)
        settings.backOff = BackOff(first: .seconds(2), cap: .minutes(5))
        let all = nodes(10)
        var peers: [NodeID: Peer] = [:]
        let length: Int64 = 4 * 3_600_000
        for node in all {
            var peer = Peer(latency: Int64.random(in: 1...300, using: &random))
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let from = 1_000_000 + Int64.random(in: 0..<length, using: &random)
                peer.outages.append(from..<from + Int64.random(in: 1...3_600_000, using: &random))
            }
            peer.hangs = Bool.random(using: &random)
            peer.breaks = [0, 0.01, 0.2].randomElement(using: &random) ?? 0
            peer.busy = [0, 0.01, 0.1].randomElement(using: &random) ?? 0
            peer.refuses = [0, 0.01, 0.1].randomElement(using: &random) ?? 0
            peers[node] = peer
        }
        var network = SimulatedNetwork(settings: settings, peers: peers, random: random)
        var id: Int64 = 0
        for _ in 0..<400 {
            guard let node = all.randomElement(using: &random) else { continue }
            let at = Int64.random(in: 0..<length, using: &random)
            let packets = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                id += 1
                let life = Int64.random(in: -1000...7_200_000, using: &random)
                return QueuedPacket(id: id, deadline: network.now + .milliseconds(at + life))
            }
            network.schedule(.arrival(node, packets), after: at)
        }
        for _ in 0..<3 { network.schedule(.crash, after: Int64.random(in: 0..<length, using: &random)) }
        network.run()
        #expect(network.enqueued == Int(id))
        #expect(network.spool.isEmpty, "every packet came to an end")
        #expect(network.enqueued == network.acknowledged + network.dropped.values.reduce(0, +), "the sums balance")
        #expect(Set(network.dropped.keys).isSubset(of: [.deadline, .refusedByNextHop]))
        #expect(network.acknowledged <= network.delivered.count, "no answer without a delivery")
        #expect(network.acknowledged > 0)
        #expect(network.queues.connectionCount == 0)
        #expect(network.queues.statuses.isEmpty)
        #expect(network.queues.nextWake == nil)
    }
}
