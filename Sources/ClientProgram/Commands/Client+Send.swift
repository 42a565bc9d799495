// `nightjar send`: from a mail to a record in the log, from there to packets in the queue, and from there to their first
// nodes. With `nightjar run` alive it ends with the record.

internal import Daemon
internal import Directory
internal import Messages
internal import Mixing
internal import Spool
public import WireFormat

extension Client {
    /// Sends a mail.
    /// - Returns: the ids of the messages that it became, one for each exit, mailbox and key, as `sent` shows them.
    /// - Throws: an error for people. `CommandFailure` of code `temporary` if packets wait in the queue.
    @discardableResult
    public func send(_ request: SendRequest) async throws -> [MessageID] {
        let status = try StatusLines(descriptor: request.statusDescriptor)
        try checkRecipients(request)
        let network = try network(request.network)
        let options = try options(for: request, in: network)
        let keyring = KeyringAccess(self, request.message.passphrase)
        let receipts = try receipts(for: request, network: network, keyring: keyring)
        let records = try records()
        defer { records.close() }
        let recording = MessageRecording(
            client: self, network: network, options: options, outbox: try Outbox(places), log: sentLog(records),
            receipts: receipts, isReliable: request.isReliable, path: request.path ?? config.path.text)
        let recorded = try await record(request, recording, keyring: keyring)
        let messages = recorded.messages
        var report = recorded.report
        guard let queue = recorded.queue else {
            report.waiting = report.packets
            try tell(report, request, status)
            note("\(Count.text(messages.count, "message")) handed to `nightjar run`; see `nightjar sent`")
            return messages.map(\.id)
        }
        defer { queue.close() }
        let own = try makePackets(messages, recording, queue: queue)
        try await finish(
            request, recording: recording, keyring: keyring, queue: queue, own: own, report: report, status: status)
        return messages.map(\.id)
    }

    /// Says what is wrong with the recipients whatever the network and the contacts are.
    private func checkRecipients(_ request: SendRequest) throws {
        guard request.takesRecipientsFromMail || !request.recipients.isEmpty else { throw EnvelopeError.noRecipient }
        let addresses = try request.recipients.filter { !EntryName.isValid($0) }.map { try Self.address($0) }
        guard Set(addresses).count == addresses.count else { throw EnvelopeError.duplicateRecipient }
    }

    /// Reads the mail and writes it down. A function of its own so that the mail is out of memory when packets are made.
    /// - Returns: what was written down, and the queue, open; nil if `nightjar run` has it.
    private func record(
        _ request: SendRequest, _ recording: MessageRecording, keyring: KeyringAccess
    ) async throws -> (messages: [SentMessage], queue: OutgoingQueue?, report: SendReport) {
        let network = recording.network
        let planner = PacketPlanner(network: network, options: recording.options, now: time.clock.now())
        let composed = try compose(request, network: network, planner: planner) { try keyring.open() }
        if request.isUrgent { note(AnonymityEstimate.urgencyWarning(network.parameters)) }
        var report = SendReport(network: network.name)
        report.leftOut = composed.first?.leftOut ?? []
        let leaves = request.delivers && RunLock.isHeld(places, network: network.name)
        let queue = leaves ? nil : try await openQueue(network)
        do {
            // Typing and waiting may have taken long: packets are made for now.
            let messages = try recording.record(composed, at: time.clock.now())
            report.add(messages)
            return (messages, queue, report)
        } catch {
            queue?.close()
            throw error
        }
    }

    /// What receipts come through, if the request wants or can have any.
    private func receipts(
        for request: SendRequest, network: Network, keyring: KeyringAccess
    ) throws -> ReceiptBlocks? {
        guard request.receipt != false || request.isReliable else { return nil }
        do {
            let receipts = try receiptBlocks(network: network) { try keyring.open() }
            guard receipts == nil, request.isReliable || request.receipt == true else { return receipts }
            throw SendError.noMailboxForReceipts(option: request.isReliable ? "--reliable" : "--receipt")
        } catch KeyringError.needsPassphrase where request.receipt == nil && !request.isReliable {
            note("no receipt is asked for, as the keyring needs its passphrase; give it with --passphrase-fd N")
            return nil
        }
    }

    /// Makes the packets of new messages and stores them: all of them or none.
    private func makePackets(
        _ messages: [SentMessage], _ recording: MessageRecording, queue: OutgoingQueue
    ) throws -> [WaitingPacket] {
        let total = messages.reduce(0) { $0 + $1.firstPackets }
        var stored: [WaitingPacket] = []
        do {
            guard total <= queue.room else {
                throw SendError.queueFull(
                    waiting: queue.spool.statistics.packets, limit: config.queueLimit, wanted: total)
            }
            let turn = SendTurn(
                client: self, network: recording.network, log: recording.log, receipts: recording.receipts)
            let making = PacketMaking(turn, outbox: recording.outbox, queue: queue)
            let progress = ProgressLine(terminal)
            for message in messages {
                let before = stored.count
                stored += try making.makeAll(message, at: time.clock.now()) {
                    progress.show("making packets", before + $0, of: total)
                }
            }
            progress.clear()
        } catch {
            queue.remove(stored.map(\.id))
            recording.takeBack(messages)
            throw error
        }
        var generator = SystemRandomNumberGenerator()
        return stored.shuffled(using: &generator)
    }

    private func finish(
        _ request: SendRequest, recording: MessageRecording, keyring: KeyringAccess, queue: OutgoingQueue,
        own: [WaitingPacket], report: SendReport, status: StatusLines
    ) async throws {
        var report = report
        var own = own
        let network = recording.network
        let texts = QueueReport(network: network)
        var delivery = DeliveryReport()
        let turn = SendTurn(client: self, network: network, log: recording.log, receipts: recording.receipts)
        if request.delivers {
            delivery = try await deliver(
                own + queue.waiting, awaiting: own, from: queue, network: network, timeout: request.timeout)
            own += try await takeDetours(request, turn, queue: queue, report: &delivery)
        }
        tidy(recording, turn, queue: queue)
        report.packets = own.count
        report.waiting = queue.stillWaiting(own.map(\.id))
        report.waitingFromEarlier = queue.stillWaiting(queue.waiting.map(\.id))
        report.handedOver = own.count - report.waiting
        try tell(report, request, status)
        for line in QueueReport.losses(delivery.dropped) { terminal.message(line) }

        if !request.delivers {
            note("\(Count.waiting(report.waiting)) in the queue; run: nightjar queue flush")
            return
        }
        if report.waiting > 0 {
            let hints = QueueReport.hints(delivery.failures).map { "\n\($0)" }.joined()
            throw CommandFailure(
                "\(Count.waiting(report.waiting, of: report.packets)) in the queue because "
                    + "\(texts.reasons(delivery.left, for: own)); run: nightjar queue flush" + hints,
                code: .temporary)
        }
        if delivery.dropped.keys.contains(where: { $0 != .deadline }) {
            throw CommandFailure("not all packets of this mail could be handed over", code: .failed)
        }
        note("sent: \(Count.text(report.packets, "packet")) handed over")
        if request.isReliable {
            note(
                "it is sent until it has arrived while `nightjar run` runs, or whenever you run: nightjar sent --update"
            )
        }
        if report.waitingFromEarlier > 0 {
            note(
                "\(Count.waiting(report.waitingFromEarlier, " of earlier mails")) in the queue because "
                    + "\(texts.reasons(delivery.left)); run: nightjar queue flush")
        }
    }

    /// Notes which packets have left, and does what is due for other messages. This mail is on its way by now: whoever were
    /// told that it failed would send it again.
    private func tidy(_ recording: MessageRecording, _ turn: SendTurn, queue: OutgoingQueue) {
        do {
            if let failure = try turn.turn(at: time.clock.now(), queue: queue).failure { tellOfOthers(failure) }
            try recording.log.expire(at: time.clock.now())
            try recording.outbox.clean(keeping: recording.log.messages())
        } catch {
            tellOfOthers(error)
        }
    }

    private func tellOfOthers(_ failure: any Error) {
        terminal.message("messages that wait to be sent: \(CommandFailure(client: failure).message)")
    }

    /// What is sent reliably goes by other first nodes right away where one does not answer.
    private func takeDetours(
        _ request: SendRequest, _ turn: SendTurn, queue: OutgoingQueue, report: inout DeliveryReport
    ) async throws -> [WaitingPacket] {
        guard request.isReliable else { return [] }
        var made: [WaitingPacket] = []
        var unreachable = report.unreachable
        for _ in 0..<Self.detours where !unreachable.isEmpty {
            // What goes wrong is told in the end.
            let more = try? turn.turn(
                at: time.clock.now(), queue: queue, unreachable: unreachable, removesReplaced: true
            ).made
            guard let more, !more.isEmpty else { break }
            made += more
            let next = try await deliver(
                more, awaiting: more, from: queue, network: turn.network, timeout: request.timeout)
            report.handedOver += next.handedOver
            unreachable.formUnion(next.unreachable)
            guard next.leftCount > 0 else { break }
        }
        return made
    }

    private func tell(_ report: SendReport, _ request: SendRequest, _ status: StatusLines) throws {
        for id in report.messages { status.write("MESSAGE", id) }
        status.write("PACKETS", report.packets, report.handedOver, report.waiting)
        if request.json { try terminal.print(JSONText.encode(report)) }
    }
}

/// Opens the keyring once, when it is needed first.
final class KeyringAccess {
    private let client: Client
    private let passphrase: PassphraseSource
    private var opened: Keyring?

    init(_ client: Client, _ passphrase: PassphraseSource) {
        self.client = client
        self.passphrase = passphrase
    }

    func open() throws -> Keyring {
        if let opened { return opened }
        let keyring = try Keyring.open(client, passphrase: passphrase)
        opened = keyring
        return keyring
    }
}
