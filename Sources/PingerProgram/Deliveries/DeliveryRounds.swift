// Test mails through every exit in turn, and the Maildir in which they arrive.

internal import Daemon
internal import Directory
internal import Logging
internal import Measurement
internal import MixCrypto
internal import Spool
internal import WireFormat

/// The pinger's test mails.
struct DeliveryRounds: Sendable {
    let parts: PingerParts
    let links: EntryLinks
    let settings: DeliverySettings

    /// How often the Maildir is looked at, by the network's clock; at most once in `shortestLook` of real time.
    static let look = Interval.minutes(1)
    static let shortestLook = Duration.seconds(1)

    /// Sends and looks until the task is cancelled.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            tasks.addTask { try await self.send() }
            tasks.addTask { try await self.receive() }
        }
    }

    // MARK: Sending

    private func send() async throws {
        var times = PoissonTimes(
            perHour: settings.perHour, now: parts.clock.now(), generator: SystemRandomNumberGenerator())
        var turn = ExitTurn()
        while true {
            if times.isDue(at: parts.clock.now()), parts.watch.current == .watching, let network = parts.network() {
                try await mail(through: &turn, in: network)
            }
            try await parts.clock.sleep(
                until: times.next ?? parts.clock.now() + .days(1), atMost: PingerParts.longestSleep)
        }
    }

    private func mail(through turn: inout ExitTurn, in network: Network) async throws {
        let now = parts.clock.now()
        let selector = PathSelector(network: network, at: now)
        let exits = selector.usableNodes.filter { node in
            node.fields.capabilities.contains { $0.name == Capability.Name.smtp }
        }
        var generator = SystemRandomNumberGenerator()
        guard let exit = turn.next(of: exits.map(\.id), using: &generator) else {
            return parts.counters.count("probes_not_made", kind: "no-exit")
        }
        let demands = PathDemands(exit: [(Capability.Name.smtp, "mail addresses (smtp:)")], fixedExit: exit)
        let nodes: [Descriptor]
        do throws(PathError) { nodes = try selector.choose(.standard, demands: demands, using: &generator) } catch {
            return parts.counters.count("probes_not_made", kind: "no-path")
        }
        let probe: MadeProbe
        do throws(ProbeMakingError) {
            probe = try ProbeMaker(network: network, identity: parts.identity, now: now).mail(
                TestMail(using: &generator), to: settings.address, along: nodes, using: &generator)
        } catch {
            return parts.counters.count("probes_not_made", kind: error.rawValue)
        }
        _ = try await ProbeHandover(parts: parts, links: links).send(probe, planned: now)
    }

    // MARK: Receiving

    private func receive() async throws {
        var reader = MaildirReader(path: settings.maildir)
        var emptied = Timestamp(milliseconds: 0)
        while true {
            let began = parts.clock.now()
            (reader, emptied) = try await look(reader, emptied: emptied, at: began)
            try await Task.sleep(for: max(Self.shortestLook, parts.clock.realDelay(until: began + Self.look)))
        }
    }

    /// Looks at the Maildir; the reader as it is then, and when nothing was left.
    private func look(
        _ reader: MaildirReader, emptied: Timestamp, at began: Timestamp
    ) async throws -> (MaildirReader, Timestamp) {
        let clock = parts.clock
        do {
            let looked = try await parts.stored { store in
                var reader = reader
                let round = try reader.read { tags, item in
                    for tag in tags {
                        let found = try store.noteReturn(
                            tag: tag, content: .sha256(tag), at: clock.now(), notBefore: emptied, item: item)
                        if found != .unknown { return true }
                    }
                    return false
                }
                if round.isComplete { try store.noteEmptied(nil, at: began) }
                return (reader: reader, round: round)
            }
            guard let looked else { return (reader, emptied) }
            parts.counters.health.set("maildir", trouble: nil)
            parts.counters.count("returns", kind: "mail", by: looked.round.found)
            parts.counters.count("returns", kind: "foreign-mail", by: looked.round.foreign)
            return (looked.reader, looked.round.isComplete ? began : emptied)
        } catch let error as CommandFailure where error.code == .failed && !MaildirReader.isThere(settings.maildir) {
            if parts.counters.health.current["maildir"] == nil { parts.logger.error("\(error.message)") }
            parts.counters.health.set(
                "maildir", trouble: "the maildir for test mails cannot be read; deliveries are not measured")
            return (reader, emptied)
        }
    }
}

/// Which exit is next: all in turn, in an order that changes every time around.
struct ExitTurn: Sendable {
    private var left: [NodeID] = []

    init() {}

    /// One of `exits`; nil if there is none.
    mutating func next(of exits: [NodeID], using generator: inout some RandomNumberGenerator) -> NodeID? {
        left.removeAll { !exits.contains($0) }
        if left.isEmpty { left = exits.shuffled(using: &generator) }
        return left.popLast()
    }
}
