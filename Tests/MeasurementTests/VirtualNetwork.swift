// A network in virtual time: the real planner, Poisson times and estimator, with nodes, links and mailboxes that are made up.

import Directory
import Measurement
import TestSupport
import WireFormat

/// Nodes, links, mailboxes, and a pinger that measures them.
struct VirtualNetwork {
    struct Settings {
        var nodes = 60
        var mailboxes = 16
        var probesPerHour = 240.0
        var deadline = Interval.hours(6)
        var analysisEvery = Interval.minutes(30)
        /// Mean delay asked of each hop, and time that each hop takes besides.
        var meanDelay = Interval.seconds(120), transport = Interval.seconds(2)
        var pollMean = Interval.minutes(5)
        var planning = PlanningSettings()
    }

    /// What became of a probe so far.
    struct Flight {
        var probe: PlannedProbe
        var hops: [Int]
        var delays: [Interval]
        var sent: Timestamp
        var reached: Timestamp?
        var outcome = ProbeOutcome.pending(emptied: nil)
        var isOverdue = false
        var drawn: Interval { delays.reduce(.zero, +) }
    }

    private enum Event {
        case send
        case hop(flight: Int, place: Int)
        case poll(Int)
        case analyse
    }

    static let start = Timestamp(seconds: 1_795_242_600)

    let settings: Settings
    let ids: [NodeID]
    var nodes: [VirtualNode]
    /// Part of the packets that a link loses.
    var linkLoss: [NodeLink: Double] = [:]
    /// What the planner is told of nodes: their weights, and which of them clients avoid.
    var view: PlanningView
    private(set) var flights: [Flight] = []
    private(set) var analyses: [Analysis] = []
    var planner: ProbePlanner

    private var random: SeededRandom
    private var places: [NodeID: Int] = [:]
    private var events = VirtualQueue<Event>()
    private var now = start
    private var times: PoissonTimes<SeededRandom>
    /// Flights that are on their way to, or lie in, each mailbox; and when it was emptied last.
    private var open: [Int: [Int]] = [:]
    private var emptied: [Int: Timestamp] = [:]

    init(_ settings: Settings = Settings(), seed: UInt64) {
        self.settings = settings
        var random = SeededRandom(seed: seed)
        ids = (0..<settings.nodes).map { _ in NodeID.random(using: &random) }
        nodes = ids.map { _ in VirtualNode(.honest) }
        for (place, id) in ids.enumerated() { places[id] = place }
        view = PlanningView(
            nodes: ids.map { PlanningNode(id: $0, weight: 100) }, mailboxes: Array(ids.prefix(settings.mailboxes)))
        planner = ProbePlanner(settings: settings.planning)
        times = PoissonTimes(
            perHour: settings.probesPerHour, now: Self.start, generator: SeededRandom(seed: random.next()))
        self.random = random
    }

    func link(_ from: Int, _ to: Int) -> NodeLink { NodeLink(from: ids[from], to: ids[to]) }

    /// Sends so many probes, waits until all are decided, and analyses them.
    mutating func run(probes: Int) -> Analysis {
        if let first = times.next { events.add(.send, at: first) }
        for mailbox in 0..<min(settings.mailboxes, settings.nodes) { events.add(.poll(mailbox), at: now + pollGap()) }
        events.add(.analyse, at: now + settings.analysisEvery)
        var unsent = probes
        while let (time, event) = events.next() {
            now = time
            switch event {
            case .send:
                guard unsent > 0 else { break }
                if times.isDue(at: now) {
                    unsent -= 1
                    send()
                }
                if let next = times.next { events.add(.send, at: next) }
            case .hop(let flight, let place): arrive(flight, at: place)
            case .poll(let mailbox):
                poll(mailbox)
                if unsent > 0 || open.values.contains(where: { !$0.isEmpty }) {
                    events.add(.poll(mailbox), at: now + pollGap())
                }
            case .analyse:
                guard unsent > 0 else { break }
                analyses.append(analyse())
                planner.note(analyses[analyses.count - 1])
                events.add(.analyse, at: now + settings.analysisEvery)
            }
        }
        return analyse()
    }

    private mutating func pollGap() -> Interval {
        .seconds(fraction: settings.pollMean.inSeconds * exponential())
    }

    private mutating func exponential() -> Double { -Logarithm.of(1 - Double.random(in: 0..<1, using: &random)) }

    private mutating func send() {
        guard let probe = planner.plan(view, using: &random) else { return }
        let hops = probe.path.hops.compactMap { places[$0] }
        let delays = hops.map { _ in
            min(Interval.seconds(fraction: settings.meanDelay.inSeconds * exponential()), .minutes(30))
        }
        flights.append(Flight(probe: probe, hops: hops, delays: delays, sent: now))
        open[hops[hops.count - 1], default: []].append(flights.count - 1)
        events.add(.hop(flight: flights.count - 1, place: 0), at: now)
    }

    private mutating func arrive(_ index: Int, at place: Int) {
        let flight = flights[index]
        let isLast = place == flight.hops.count - 1
        let sighting = Sighting(
            previous: place > 0 ? flight.hops[place - 1] : nil, next: isLast ? nil : flight.hops[place + 1],
            isFromPinger: place == 0, isForPinger: isLast, isAhead: flight.probe.kind == .ahead, at: now,
            asked: isLast ? .zero : flight.delays[place])
        guard let held = nodes[flight.hops[place]].treat(sighting, using: &random) else { return }
        if isLast {
            flights[index].reached = now + held
            return
        }
        let loss = linkLoss[link(flight.hops[place], flight.hops[place + 1])] ?? 0
        guard Double.random(in: 0..<1, using: &random) >= loss else { return }
        events.add(.hop(flight: index, place: place + 1), at: now + held + settings.transport)
    }

    /// Empties a mailbox.
    private mutating func poll(_ mailbox: Int) {
        let before = emptied[mailbox] ?? Self.start
        emptied[mailbox] = now
        var left: [Int] = []
        for index in open[mailbox] ?? [] {
            let flight = flights[index]
            let isNoted = flight.probe.kind != .ahead
            if let reached = flight.reached, reached <= now {
                flights[index].outcome = .arrived(now, slack: now - max(before, flight.sent))
                if isNoted { planner.note(flight.probe.path, arrived: true) }
                continue
            }
            if now - flight.sent >= settings.planning.overdue, !flight.isOverdue {
                flights[index].isOverdue = true
                if isNoted { planner.note(flight.probe.path, arrived: false) }
            }
            if now - flight.sent >= settings.deadline {
                flights[index].outcome = .lost
            } else {
                flights[index].outcome = .pending(emptied: now)
                left.append(index)
            }
        }
        open[mailbox] = left
    }

    func analyse() -> Analysis {
        var table = ProbeTable(nodes: ids)
        for flight in flights {
            table.append(
                kind: flight.probe.kind, hops: flight.hops, sent: flight.sent, drawn: flight.drawn,
                outcome: flight.outcome)
        }
        var settings = EstimationSettings()
        settings.deadline = self.settings.deadline
        return Estimator(settings: settings).analyse(table, at: now)
    }
}
