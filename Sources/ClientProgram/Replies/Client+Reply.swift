// `nightjar reply`: a message through reply blocks that somebody gave us.

internal import Daemon
internal import Directory
internal import Messages
internal import Sphinx
internal import Spool
internal import WireFormat

extension Client {
    /// Answers through reply blocks.
    /// - Throws: an error for people: `refused` if the blocks are too few, used or too old; `temporary` if packets wait.
    public func reply(_ request: ReplyRequest) async throws {
        let status = try StatusLines(descriptor: request.statusDescriptor)
        let network = try network(request.network)
        let store = try records()
        defer { store.close() }
        let used = UsedReplyBlocks(store)
        // What a killed process has left goes first: it may hold some of the blocks that are given now.
        let draft = try replyDraft(request, network: network, isUsed: { try used.isUsed($0) })
        var report = ReplyReport(network: network.name, packets: draft.count, leftOut: draft.message.leftOut)
        report.blocksLeft = draft.sorting.usable.count - draft.count
        status.write("REPLY_BLOCKS", draft.sorting.tally.given, draft.sorting.tally.usable, draft.count)
        if request.isUrgent { note(AnonymityEstimate.urgencyWarning(network.parameters)) }
        if request.isDirect {
            note(
                "--direct: the first nodes of the reply blocks see this machine's address; leave it out to be anonymous"
            )
        }
        let options = try replyOptions(request, network)
        if RunLock.isHeld(places, network: network.name) {
            try use(draft, request, options: options, network: network, used: used)
            report.waiting = draft.count
            try tell(report, request, status)
            note("\(Count.text(draft.count, "packet")) given to `nightjar run`, which sends them")
            return
        }
        let queue = try await openQueue(network)
        defer { queue.close() }
        guard draft.count <= queue.room else {
            throw SendError.queueFull(
                waiting: queue.spool.statistics.packets, limit: config.queueLimit, wanted: draft.count)
        }
        try use(draft, request, options: options, network: network, used: used)
        let own = try PendingReplies(store).move(to: queue, network: network.name, now: time.clock.now())
        try await finishReply(request, network: network, queue: queue, own: own, report: &report, status: status)
    }

    /// A message and the blocks that it goes through, before any is used.
    struct ReplyDraft {
        let message: ComposedMessage
        let parts: MessageParts
        let sorting: ReplyBlockSorting
        /// Packets.
        var count: Int { parts.layout.parts }
    }

    /// Reads message and blocks, and checks that there are enough. Uses nothing.
    func replyDraft(
        _ request: ReplyRequest, network: Network, isUsed: (SURB) throws -> Bool
    ) throws -> ReplyDraft {
        let options = try replyOptions(request, network)
        let planner = ReplyPlanner(
            network: network, options: options, isDirect: request.isDirect, now: time.clock.now())
        var generator = SystemRandomNumberGenerator()
        if !request.isDirect { _ = try planner.path(to: nil, using: &generator) }
        var found = ReplyBlockText([])
        // Blocks that are too old are refused before anybody types a message for them.
        if !request.takesBlocksFromMessage {
            found = try readBlocks(request)
            _ = try ReplyBlockSorting(
                found.blocks, damaged: found.damaged, network: network, now: time.clock.now(), isUsed: isUsed
            ).take(1, network: network)
        }
        var text = try MailInput.read(
            request.message, bodyLimit: planner.bodyLimit,
            blocks: request.takesBlocksFromMessage ? ReplyRequest.maximumBlocks : 0, terminal: terminal)
        if request.takesBlocksFromMessage {
            found = ReplyBlockText(text)
            text = found.rest
        }
        let message = try composeReply(text, request.message, network: network)
        let parts = try planner.parts(of: message, using: &generator)
        let sorting = try ReplyBlockSorting(
            found.blocks, damaged: found.damaged, network: network, now: time.clock.now(), isUsed: isUsed)
        _ = try sorting.take(parts.layout.parts, network: network)
        return ReplyDraft(message: message, parts: parts, sorting: sorting)
    }

    private func readBlocks(_ request: ReplyRequest) throws -> ReplyBlockText {
        let readsTwice = (request.message.file ?? "-") == "-" && request.blockFiles.contains("-")
        guard !readsTwice else {
            throw CommandFailure(
                "--surb - takes standard input for the reply blocks; name a file with the message, or leave --surb out "
                    + "if standard input has both", code: .usage)
        }
        var found = ReplyBlockText([])
        func take(_ bytes: [UInt8]) {
            let more = ReplyBlockText(bytes)
            found.blocks += more.blocks
            found.damaged += more.damaged
        }
        for block in request.blocks { take(block) }
        for file in request.blockFiles { take(try MailInput.readBlocks(file)) }
        if let descriptor = request.blockDescriptor { take(try MailInput.readBlocks(descriptor: descriptor)) }
        return found
    }

    func replyOptions(_ request: ReplyRequest, _ network: Network) throws -> SendOptions {
        var options = self.options(in: network)
        if let path = request.path { options.path = try PathSpecification(path) }
        options.isUrgent = request.isUrgent
        return options
    }

    /// Makes the packets and notes that the blocks are used, in one step.
    private func use(
        _ draft: ReplyDraft, _ request: ReplyRequest, options: SendOptions, network: Network, used: UsedReplyBlocks
    ) throws {
        // Typing and waiting may have taken long: packets are made for now.
        let now = time.clock.now()
        let planner = ReplyPlanner(network: network, options: options, isDirect: request.isDirect, now: now)
        var generator = SystemRandomNumberGenerator()
        let progress = ProgressLine(terminal)
        let blocks = try draft.sorting.take(draft.count, network: network)
        let answers = try planner.packets(of: draft.parts, through: blocks, using: &generator) { done in
            progress.show { "making packets: \(done) of \(draft.count)" }
        }
        progress.clear()
        try used.use(answers, network: network.name, at: now)
    }

    private func finishReply(
        _ request: ReplyRequest, network: Network, queue: OutgoingQueue, own: [WaitingPacket],
        report: inout ReplyReport, status: StatusLines
    ) async throws {
        var delivery = DeliveryReport()
        if request.delivers {
            delivery = try await deliver(
                own + queue.waiting, awaiting: own, from: queue, network: network, timeout: request.timeout)
        }
        let left = queue.stillWaiting(own.map(\.id))
        report.waiting = min(left, report.packets)
        report.handedOver = report.packets - report.waiting
        try tell(report, request, status)
        for line in QueueReport.losses(delivery.dropped) { terminal.message(line) }
        guard request.delivers else {
            note("\(Count.waiting(report.waiting)) in the queue; run: nightjar queue flush")
            return
        }
        if left > 0 {
            let hints = QueueReport.hints(delivery.failures).map { "\n\($0)" }.joined()
            throw CommandFailure(
                "\(Count.waiting(left, of: report.packets)) in the queue because "
                    + "\(QueueReport(network: network).reasons(delivery.left, for: own)); run: nightjar queue flush"
                    + hints,
                code: .temporary)
        }
        note(
            "answered: \(Count.text(report.packets, "packet")) handed over; \(report.blocksLeft) of the reply blocks left"
        )
    }

    private func tell(_ report: ReplyReport, _ request: ReplyRequest, _ status: StatusLines) throws {
        status.write("PACKETS", report.packets, report.handedOver, report.waiting)
        if request.json { try terminal.print(JSONText.encode(report)) }
    }
}

extension ReplyRequest {
    /// Most reply blocks in one input: enough for an answer of the largest size.
    static let maximumBlocks = 1024
}
