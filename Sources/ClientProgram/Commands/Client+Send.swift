// `nightjar send`: from a mail to packets in the queue, and from there to their first nodes.

internal import Daemon
internal import Directory
internal import Messages
internal import Mixing
internal import Spool
internal import WireFormat

extension Client {
    /// Sends a mail.
    /// - Throws: an error for people. `CommandFailure` of code `temporary` if packets wait in the queue.
    public func send(_ request: SendRequest) async throws {
        let recipients = try request.recipients.map { text throws(SendError) in try Self.address(text) }
        guard !recipients.isEmpty else { throw EnvelopeError.noRecipient }
        guard Set(recipients).count == recipients.count else { throw EnvelopeError.duplicateRecipient }
        let network = try network(request.network)
        let options = try options(request, network)
        let planner = PacketPlanner(network: network, options: options, now: time.clock.now())
        let errands = try planner.errands(recipients)
        // Whoever asks for an impossible path should hear of it before he has typed the mail.
        var generator = SystemRandomNumberGenerator()
        for errand in errands { _ = try planner.path(for: errand, using: &generator) }
        let (queue, own, report) = try await enqueue(request, errands, options: options, network: network)
        defer { queue.close() }
        try await finish(request, network: network, queue: queue, own: own, report: report)
    }

    /// Reads the mail and puts its packets into the queue. A function of its own so that the mail is out of memory when
    /// they are handed over.
    private func enqueue(
        _ request: SendRequest, _ errands: [Errand], options: SendOptions, network: NetworkFile
    ) async throws -> (queue: OutgoingQueue, own: [WaitingPacket], report: SendReport) {
        let mail = try readMail(request, bodyLimit: Int(network.parameters.messageSize))
        if !mail.dropped.isEmpty {
            note(
                "left out of the mail's header, as it would tell who you are: "
                    + mail.dropped.map(Printable.text).joined(separator: ", "))
        }
        if options.isUrgent { note(AnonymityEstimate.urgencyWarning(network.parameters)) }

        let queue = try await openQueue(network)
        var report = SendReport(network: network.name)
        report.leftOut = mail.dropped
        // Typing and waiting may have taken long: packets are made for now.
        let planner = PacketPlanner(network: network, options: options, now: time.clock.now())
        do {
            let own = try store(mail, errands, planner: planner, queue: queue, report: &report)
            return (queue, own, report)
        } catch {
            queue.close()
            throw error
        }
    }

    private func options(_ request: SendRequest, _ network: NetworkFile) throws -> SendOptions {
        var options = SendOptions()
        options.path = try request.path.map { text throws(PathError) in try PathSpecification(text) } ?? config.path
        options.copies = request.copies ?? config.copies
        guard SendOptions.copyRange.contains(options.copies) else { throw SendError.tooManyCopies(options.copies) }
        options.isUrgent = request.isUrgent
        options.blocked = blocked(in: network)
        return options
    }

    private func readMail(_ request: SendRequest, bodyLimit: Int) throws -> OutgoingMail {
        let text = try MailInput.read(request.file, bodyLimit: bodyLimit, terminal: terminal)
        guard request.subject != nil || text.contains(where: { $0 > 0x20 }) else { throw SendError.emptyMessage }
        return try OutgoingMail(
            text,
            options: OutgoingMail.Options(
                subject: request.subject, displayName: request.displayName, inReplyTo: request.inReplyTo))
    }

    /// Makes the packets and stores them: all of them or none.
    private func store(
        _ mail: OutgoingMail, _ errands: [Errand], planner: PacketPlanner, queue: OutgoingQueue,
        report: inout SendReport
    ) throws -> [WaitingPacket] {
        var generator = SystemRandomNumberGenerator()
        var stored: [WaitingPacket] = []
        var batch: [OutgoingPacket] = []
        let progress = ProgressLine(terminal)
        func flush() throws {
            guard !batch.isEmpty else { return }
            stored += try queue.store(batch)
            batch.removeAll(keepingCapacity: true)
        }
        do {
            for errand in errands {
                let cut = try planner.cut(mail, for: errand, using: &generator)
                guard cut.packetCount <= queue.room else {
                    throw SendError.queueFull(
                        waiting: queue.spool.statistics.packets, limit: config.queueLimit, wanted: cut.packetCount)
                }
                report.parts += cut.parts.layout.parts
                report.packets += cut.packetCount
                try planner.packets(of: cut, using: &generator) { packet in
                    batch.append(packet)
                    if batch.count == OutgoingQueue.batch { try flush() }
                    progress.show { "making packets: \(stored.count + batch.count) of \(report.packets)" }
                }
                try flush()
            }
        } catch {
            queue.remove(stored.map(\.id))
            throw error
        }
        progress.clear()
        return stored.shuffled(using: &generator)
    }

    private func finish(
        _ request: SendRequest, network: NetworkFile, queue: OutgoingQueue, own: [WaitingPacket], report: SendReport
    ) async throws {
        var report = report
        let texts = QueueReport(network: network)
        var delivery = DeliveryReport()
        if request.delivers {
            delivery = try await deliver(
                own + queue.waiting, awaiting: own, from: queue, network: network, timeout: request.timeout)
        }
        report.waiting = queue.stillWaiting(own.map(\.id))
        report.waitingFromEarlier = queue.stillWaiting(queue.waiting.map(\.id))
        report.handedOver = own.count - report.waiting
        if request.json { try terminal.print(JSONText.encode(report)) }
        for line in QueueReport.losses(delivery.dropped) { terminal.message(line) }

        if !request.delivers {
            note("\(Count.text(report.waiting, "packet")) wait in the queue; run: nightjar queue flush")
            return
        }
        if report.waiting > 0 {
            let hints = QueueReport.hints(delivery.failures).map { "\n\($0)" }.joined()
            throw CommandFailure(
                "\(report.waiting) of \(Count.text(report.packets, "packet")) wait in the queue because "
                    + "\(texts.reasons(delivery.left)); run: nightjar queue flush" + hints,
                code: .temporary)
        }
        if delivery.dropped.keys.contains(where: { $0 != .deadline }) {
            throw CommandFailure("not all packets of this mail could be handed over", code: .failed)
        }
        note("sent: \(Count.text(report.packets, "packet")) handed over")
        if report.waitingFromEarlier > 0 {
            note(
                "\(Count.text(report.waitingFromEarlier, "packet")) of earlier mails wait in the queue because "
                    + "\(texts.reasons(delivery.left)); run: nightjar queue flush")
        }
    }
}
