// Polling a mailbox. Whoever watches the connection sees the same whether there is mail or not: so many requests of one
// size, at a beat that what is in the answers does not change, and as many answers of one size. A block is acknowledged
// only in a request that is made when its content is on the disk.

internal import Daemon
internal import Directory
internal import Mailboxes
internal import Messages
internal import Spool
internal import WireFormat

/// What a poll brought.
struct PollResult: Sendable {
    /// What the node said last.
    var status: MailboxStatus?
    /// What came, in order.
    var taken: [Taken] = []
    /// Requests that the node answered.
    var answers = 0
    /// What that came to for nyms.
    var nyms = NymIntakeReport()
    /// The policy that the node has accepted, to be noted.
    var sentPolicy: MailboxPolicy?
    /// Why the poll is not complete: the node or the link failed, or there is no room here.
    var failure: (any Error)?

    /// Messages that became complete.
    var messages: [MessageID] {
        taken.compactMap { if case .message(let name) = $0.outcome { name } else { nil } }
    }
}

/// Polls mailboxes.
struct MailboxPoller {
    let client: Client
    let keyring: Keyring

    /// Real time between two requests of a poll: longer than it takes to open an answer and put it on the disk, so that
    /// the next request does not wait for that.
    static let beat = Duration.milliseconds(250)

    /// Polls `box` once.
    /// - Parameter blocks: requests to make, the same number at every poll.
    /// - Throws: only if the poll could not begin; what fails later is in the result, beside what came before.
    func poll(_ box: OwnMailbox, network: Network, blocks: Int) async throws -> PollResult {
        let records = try client.records()
        defer { records.close() }
        // First, so that waiting for it does not show in the middle of a poll.
        let inbox = try await client.openInbox(records, parameters: network.parameters)
        defer { inbox.close() }
        var state = try MailboxRecord.load(box.id, from: records)
        let session = try await MailboxSession.open(box, network: network, client: client)
        var result = await Self.run(
            session, box, blocks: blocks, state: &state, beat: Self.beat,
            take: { block in try Self.take(block, from: box, into: inbox, keyring) })
        await session.close()
        do {
            // After the poll, where it does not show.
            let intake = try NymIntake(
                store: inbox.store, keyring: keyring, places: client.places, now: client.time.clock.now()
            ).run()
            result.nyms = intake
        } catch {
            // It is all still there and is taken the next time.
            result.failure = result.failure ?? error
        }
        if result.answers > 0 { state.polled = client.time.clock.now() }
        do {
            // Not in the middle of the poll, where the time that it takes or its failure would show.
            if let policy = result.sentPolicy { _ = try keyring.changeMailbox(box.id) { $0.noteSent(policy) } }
        } catch {
            result.failure = result.failure ?? error
        }
        do {
            try state.save(box.id, in: records)
        } catch {
            // The blocks come once more and are known then.
            result.failure = result.failure ?? error
        }
        return result
    }

    /// The requests of one poll.
    /// - Parameters:
    ///   - state: what to acknowledge and what is left to acknowledge afterwards.
    ///   - take: makes a block's content durable, or throws.
    static func run(
        _ session: some MailboxAsking, _ box: OwnMailbox, blocks: Int, state: inout MailboxRecord, beat: Duration,
        take: (MailboxBlock) throws -> Taken
    ) async -> PollResult {
        var result = PollResult()
        // A changed policy goes in place of a request for mail, so that their number stays.
        var policy = box.policyChanged ? box.policy : nil
        // Blocks for which there was no room.
        var left: Set<UInt64> = []
        let start = ContinuousClock.now
        do {
            for number in 0..<blocks {
                try await Task.sleep(until: start + beat * number, clock: .continuous)
                let told = Array(state.acknowledging.prefix(MailboxRequest.acknowledgements))
                let operation =
                    policy.map { MailboxRequest.Operation.configure($0) } ?? .fetch(acknowledging: told)
                let block = try await session.ask(operation)
                result.answers += 1
                result.status = block.status ?? result.status
                if let sent = policy {
                    policy = nil
                    result.sentPolicy = sent
                    continue
                }
                state.acknowledging.removeFirst(told.count)
                guard let id = block.id, !left.contains(id), !state.acknowledging.contains(id) else { continue }
                do {
                    result.taken.append(try take(block))
                    state.acknowledging.append(id)
                } catch {
                    // No room here, say. The other requests are made all the same; this block stays there.
                    left.insert(id)
                    result.failure = result.failure ?? error
                }
            }
        } catch {
            result.failure = result.failure ?? error
        }
        state.status = result.status ?? state.status
        return result
    }

    private static func take(
        _ block: MailboxBlock, from box: OwnMailbox, into inbox: Inbox, _ keyring: Keyring
    ) throws -> Taken {
        switch block {
        case .reply(_, let record, _): try inbox.take(record, keys: keyring)
        case .fragment(_, let piece, _): try inbox.take(piece, mailbox: box.name, keys: keyring)
        case .empty, .done, .refused: Taken(outcome: .refused(.damaged))
        }
    }
}

extension MailboxBlock {
    /// The number of what it brings.
    var id: UInt64? {
        switch self {
        case .reply(let id, _, _), .fragment(let id, _, _): id
        case .empty, .done, .refused: nil
        }
    }

    var status: MailboxStatus? {
        switch self {
        case .reply(_, _, let status), .fragment(_, _, let status), .empty(let status), .done(let status): status
        case .refused: nil
        }
    }
}
