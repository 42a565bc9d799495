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
    let book: DeliveryBook
    /// Reads and parses what strangers may have sent: not where probes are recorded.
    private let reading = StoreDesk("maildir")

    /// How often the Maildir is looked at, by the network's clock; at most once in `shortestLook` of real time.
    static let look = Interval.minutes(1)
    static let shortestLook = Duration.seconds(1)

    /// How long a round may take, real time; what is left is for the next.
    static let longestLook = Duration.seconds(10)
    /// Mails that are read, and then looked up, at a time.
    static let piece = 16

    init(parts: PingerParts, links: EntryLinks, settings: DeliverySettings) {
        self.parts = parts
        self.links = links
        self.settings = settings
        book = DeliveryBook(DeliveryProof(deadline: parts.settings.deadline, now: parts.clock.now()))
    }

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
            if let network = parts.network() { tell(Self.exits(PathSelector(network: network, at: parts.clock.now()))) }
            if times.isDue(at: parts.clock.now()), parts.watch.current == .watching, let network = parts.network() {
                try await mail(through: &turn, in: network)
            }
            try await parts.clock.sleep(
                until: times.next ?? parts.clock.now() + .days(1), atMost: PingerParts.longestSleep)
        }
    }

    /// Nodes through which mail goes.
    private static func exits(_ selector: PathSelector) -> [Descriptor] {
        selector.usableNodes.filter { node in
            node.fields.capabilities.contains { $0.name == Capability.Name.smtp }
        }
    }

    private func tell(_ exits: [Descriptor]) {
        parts.counters.health.set(
            "delivery",
            trouble: exits.isEmpty ? "no exit of the network takes mail (smtp:); deliveries are not measured" : nil)
    }

    private func mail(through turn: inout ExitTurn, in network: Network) async throws {
        let now = parts.clock.now()
        let selector = PathSelector(network: network, at: now)
        let exits = Self.exits(selector)
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
        book.sent(probe.tag, at: now)
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

    /// Looks at the Maildir; the reader as it is then, and as of when nothing was left.
    func look(
        _ reader: MaildirReader, emptied: Timestamp, at began: Timestamp
    ) async throws -> (MaildirReader, Timestamp) {
        let start = ContinuousClock.now
        var reader = reader
        do {
            reader = try await off(reader) { try $0.begin() }
        } catch let error as CommandFailure {
            // Whatever it is, the rest of the pinger goes on.
            if parts.counters.health.current["maildir"] == nil { parts.logger.error("\(error.message)") }
            parts.counters.health.set(
                "maildir", trouble: "the maildir for test mails cannot be read; deliveries are not measured")
            return (reader, emptied)
        }
        while !reader.isOver {
            guard ContinuousClock.now - start < Self.longestLook else {
                reader.stop()
                break
            }
            var candidates: [MaildirReader.Candidate] = []
            (reader, candidates) = try await next(reader)
            guard !candidates.isEmpty else { continue }
            let ours = try await lookUp(candidates, emptied: emptied)
            reader = try await off(reader) { [candidates] reader in
                for (index, candidate) in candidates.enumerated() {
                    reader.settle(candidate, isOurs: ours?[index])
                }
            }
            // The database cannot be asked now.
            if ours == nil { reader.stop() }
        }
        return (reader, try await finish(reader.round, emptied: emptied, at: began))
    }

    /// Does something with the reader away from the tasks of the program, and from the database.
    private func off(
        _ reader: MaildirReader, _ body: @escaping @Sendable (inout MaildirReader) throws -> Void
    ) async throws -> MaildirReader {
        try await reading.perform {
            var reader = reader
            try body(&reader)
            return reader
        }
    }

    private func next(_ reader: MaildirReader) async throws -> (MaildirReader, [MaildirReader.Candidate]) {
        try await reading.perform {
            var reader = reader
            let candidates = reader.next(Self.piece)
            return (reader, candidates)
        }
    }

    /// Which of the mails are ours, and safely noted; nil if nobody can say now.
    private func lookUp(_ candidates: [MaildirReader.Candidate], emptied: Timestamp) async throws -> [Bool]? {
        let clock = parts.clock
        let looked = try await parts.stored { store in
            var arrived: [[UInt8]] = []
            var ours: [Bool] = []
            for candidate in candidates {
                var isOurs = false
                for tag in candidate.tags where !isOurs {
                    let found = try store.noteReturn(
                        tag: tag, content: .sha256(tag), at: clock.now(), notBefore: emptied, item: candidate.item)
                    isOurs = found != .unknown
                    if case .first = found { arrived.append(tag) }
                }
                ours.append(isOurs)
            }
            return (arrived: arrived, ours: ours)
        }
        for tag in looked?.arrived ?? [] { book.arrived(tag, at: clock.now()) }
        return looked?.ours
    }

    /// Tells what a round has brought; as of when the Maildir counts as emptied.
    private func finish(
        _ round: MaildirReader.Round, emptied: Timestamp, at began: Timestamp
    ) async throws -> Timestamp {
        parts.counters.health.set(
            "maildir",
            trouble: round.unreadable == 0
                ? nil
                : "\(round.unreadable) mails in the maildir for test mails cannot be read; until they can, none is lost"
        )
        parts.counters.count("returns", kind: "mail", by: round.found)
        parts.counters.count("returns", kind: "foreign-mail", by: round.foreign)
        guard round.isComplete, let time = book.emptied(at: began), time != emptied else { return emptied }
        return try await parts.stored { try $0.noteEmptied(nil, at: time) } == nil ? emptied : time
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
