// `nightjar receive`: polls the mailboxes and shows what has come, there and through `nightjar run`.

internal import Daemon
internal import Directory
internal import Messages
internal import Spool
public import WireFormat

/// What `nightjar receive` is asked for.
public struct ReceiveRequest: Sendable {
    /// How long to poll.
    public enum Patience: Hashable, Sendable {
        /// Each mailbox once.
        case once
        /// Until the mailboxes are empty.
        case untilEmpty
        /// Until a message is complete, at most so long (real time).
        case wait(Interval)
    }

    /// Only this mailbox; all of the network without one.
    public var mailbox: String?
    /// The network to use.
    public var network: String?
    public var patience = Patience.once
    /// Messages that were read before are given too, as long as they are kept.
    public var again = false
    /// Nobody is asked; only what is here already is given.
    public var offline = false
    /// Where the keyring's passphrase comes from.
    public var passphrase = PassphraseSource.terminal

    public init() {}
}

/// What `receive` came to.
public struct ReceiveReport: Sendable {
    /// What polling a mailbox came to.
    public struct Poll: Sendable {
        /// The mailbox's name.
        public let mailbox: String
        /// Blocks that brought something.
        public var blocks = 0
        /// Blocks that wait at the node still.
        public var waiting: Int?
        /// Why polling failed or is not complete.
        public var failure: (any Error)?
    }

    /// Messages that were not read yet (with `again` the others too), oldest first. They count as read when `markRead`
    /// says so.
    public var messages: [ReceivedMessage] = []
    /// Messages of which parts are missing.
    public var incomplete: [IncompleteMessage] = []
    public var polls: [Poll] = []
    /// Receipts that came.
    public var receipts = 0
    /// Things that came and are no messages.
    public var problems: [InboxError] = []
    /// Why the inbox could not be opened, or a message that is complete could not be stored; that is tried again
    /// the next time.
    public var inboxFailure: (any Error)?
    /// `nightjar run` polls, so nothing was asked here.
    public var isLeftToRun = false
}

extension Client {
    /// Real time between two polls while waiting.
    private static let pauseBetweenPolls = Duration.seconds(15)

    /// Polls the mailboxes of a network, unless `nightjar run` does, and gives what has come and was not read yet.
    /// - Throws: errors for people if polling could not begin; what fails at a single mailbox is in the report.
    public func receive(_ request: ReceiveRequest) async throws -> ReceiveReport {
        let keyring = try Keyring.open(self, passphrase: request.passphrase)
        var report = ReceiveReport()
        if !request.offline {
            try await poll(request, keyring, into: &report)
            if !report.isLeftToRun { await sendDue(try network(request.network), keyring: keyring) }
        }
        let records = try records()
        defer { records.close() }
        let store = received(records)
        try store.clean(keep: config.inbox.keepRead, now: time.clock.now())
        for (name, record) in try store.all() where request.again || record.state == .unread {
            // For the book of nyms, not for people.
            if record.isInternal { continue }
            if let mailbox = request.mailbox, record.origin != .mailbox(mailbox), case .mailbox = record.origin {
                continue
            }
            do {
                report.messages.append(try store.message(name, record))
            } catch {
                report.problems.append(error as? InboxError ?? .damagedFile)
            }
        }
        do {
            (report.incomplete, report.inboxFailure) = try await unfinishedMessages()
        } catch {
            // What has come is given, whatever is wrong with the rest.
            guard !report.messages.isEmpty else { throw error }
            report.inboxFailure = error
        }
        return report
    }

    private func poll(_ request: ReceiveRequest, _ keyring: Keyring, into report: inout ReceiveReport) async throws {
        let network = try network(request.network)
        if RunLock.isHeld(places, network: network.name) {
            report.isLeftToRun = true
            return
        }
        var boxes = keyring.mailboxes(in: network.name)
        if let name = request.mailbox { boxes = [try keyring.mailbox(named: name, in: network.name)] }
        guard !boxes.isEmpty else { throw MailboxChoiceError.noMailbox(network: network.name) }
        let poller = MailboxPoller(client: self, keyring: keyring)
        let deadline: ContinuousClock.Instant? =
            if case .wait(let interval) = request.patience {
                ContinuousClock.now.advanced(by: .milliseconds(interval.milliseconds))
            } else { nil }
        var isFirst = true
        while true {
            var again: [OwnMailbox] = []
            var messages = 0
            for box in boxes.shuffled() {
                if !isFirst || report.polls.count > 0 { showPolling(box) }
                let poll = await self.poll(box, poller, network, &report)
                messages += poll.messages
                if poll.hasMore { again.append(box) }
            }
            isFirst = false
            switch request.patience {
            case .once: return
            case .untilEmpty:
                guard !again.isEmpty else { return }
                boxes = again
            case .wait:
                guard messages == 0, let deadline, ContinuousClock.now < deadline else { return }
                try await Task.sleep(
                    until: min(ContinuousClock.now + Self.pauseBetweenPolls, deadline), clock: .continuous)
                guard ContinuousClock.now < deadline else { return }
            }
        }
    }

    private func showPolling(_ box: OwnMailbox) { terminal.progress("polling mailbox \(Printable.text(box.name))") }

    /// One poll of one mailbox: messages that became complete, and whether more waits.
    private func poll(
        _ box: OwnMailbox, _ poller: MailboxPoller, _ network: Network, _ report: inout ReceiveReport
    ) async -> (messages: Int, hasMore: Bool) {
        var poll = ReceiveReport.Poll(mailbox: box.name)
        var result = PollResult()
        do {
            result = try await poller.poll(box, network: network, blocks: config.inbox.blocksPerPoll)
        } catch {
            result.failure = error
        }
        terminal.clearProgress()
        poll.blocks = result.taken.count
        poll.waiting = result.status.map { Int($0.waiting) }
        poll.failure = result.failure
        report.polls.append(poll)
        for taken in result.taken {
            switch taken.outcome {
            case .receipt: report.receipts += 1
            case .refused(let error): report.problems.append(error)
            case .message, .part, .known: break
            }
            if taken.isSecondAnswer {
                report.problems.append(
                    .wrongWay("a second answer came through a reply block; whoever had it has used it twice"))
            }
        }
        return (result.messages.count, result.failure == nil && (result.status?.waiting ?? 0) > 0)
    }

    /// Polls, and shows what has come.
    /// - Parameter keepsUnread: what is shown will be shown again.
    /// - Throws: `CommandFailure` of code `temporary` if a mailbox could not be asked and may answer later.
    public func showReceived(_ request: ReceiveRequest, options: OutputOptions, keepsUnread: Bool) async throws {
        struct Rest: Encodable {
            struct Poll: Encodable {
                let mailbox: String
                let blocks: Int
                let waiting: Int?
                let error: String?
            }
            let polls: [Poll]
            let incomplete: [IncompleteFacts]
            let problems: [String]
            let receipts: Int
            let leftToRun: Bool
        }
        let report = try await receive(request)
        let failures = report.polls.compactMap { poll in
            poll.failure.map { (poll.mailbox, CommandFailure(client: $0)) }
        }
        let inboxFailure = report.inboxFailure.map { CommandFailure(client: $0) }
        let rest = Rest(
            polls: report.polls.map { poll in
                .init(
                    mailbox: poll.mailbox, blocks: poll.blocks, waiting: poll.waiting,
                    error: poll.failure.map { CommandFailure(client: $0).message })
            },
            incomplete: report.incomplete.map { IncompleteFacts($0) },
            problems: report.problems.map { "\($0)" } + (inboxFailure.map { [$0.message] } ?? []),
            receipts: report.receipts, leftToRun: report.isLeftToRun)
        let binary = try MessagePresenter(client: self, options: options)
            .show(report.messages, keepingUnread: keepsUnread, rest: rest)
        if report.isLeftToRun { note("`nightjar run` polls the mailboxes; this is what it has fetched") }
        if report.messages.isEmpty { note("no new messages") }
        if report.receipts > 0 { note("\(Count.text(report.receipts, "receipt")) came; see `nightjar sent`") }
        for message in report.incomplete { note(MessagePresenter.line(message)) }
        for problem in report.problems { terminal.message("something came that is no message: \(problem)") }
        noteWaiting(report)
        if let inboxFailure {
            guard !failures.isEmpty else { throw inboxFailure }
            terminal.message(inboxFailure.message)
        }
        if let (mailbox, failure) = failures.first(where: { $0.1.code != .temporary }) ?? failures.first {
            let others = failures.count - 1
            throw CommandFailure(
                "mailbox \(Printable.text(mailbox)): \(failure.message)"
                    + (others > 0 ? " (and \(Count.text(others, "other mailbox")) likewise)" : ""), code: failure.code)
        }
        if !binary.isEmpty { throw CommandFailure("not everything was shown") }
    }

    private func noteWaiting(_ report: ReceiveReport) {
        var waiting: [String: Int] = [:]
        for poll in report.polls { waiting[poll.mailbox] = poll.waiting }
        for (mailbox, count) in waiting.sorted(by: { $0.key < $1.key }) where count > 0 {
            let waits = "\(Count.text(count, "block")) still wait\(count == 1 ? "s" : "") at the node"
            note("mailbox \(Printable.text(mailbox)): \(waits); poll again, or use --all")
        }
    }
}
