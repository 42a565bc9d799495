// Answers FETCH frames: checks that the owner of the mailbox asks, does what is asked in one transaction, and answers with one
// block, whose size does not depend on what was found. The work is the same for every request: one signature, one transaction,
// one block read at most. Rates are the listener's business; nothing here remembers an address or a mailbox.

internal import Dispatch
internal import MMTP
internal import Messages
internal import Mixing
internal import Spool
internal import WireFormat

final class MailboxDesk: BlockResponder {
    private typealias Reply = @Sendable (MailboxBlock) -> Void

    private let node: NodeID
    private let spool: Spool
    private let settings: MailboxSettings
    private let clock: @Sendable () -> Timestamp
    private let count: @Sendable (_ name: String, _ kind: String) -> Void
    private let queue = DispatchQueue(label: "nightjar.mailboxes")

    /// - Parameter count: told of the kinds of what happened: `mailbox_requests`, `mailbox_refusals`, `mailbox_blocks`.
    init(
        node: NodeID, spool: Spool, settings: MailboxSettings, clock: @escaping @Sendable () -> Timestamp,
        count: @escaping @Sendable (_ name: String, _ kind: String) -> Void
    ) {
        self.node = node
        self.spool = spool
        self.settings = settings
        self.clock = clock
        self.count = count
    }

    func respond(to type: FrameType, body: [UInt8], reply: @escaping @Sendable (Answer, [UInt8]) -> Void) {
        // Nobody here answers questions for the directory.
        guard type == .fetch else { return reply(.rejected(.malformed), []) }
        queue.async { [self] in
            handle(body) { [count] block in
                if case .refused(let refusal) = block { count("mailbox_refusals", "\(refusal)") }
                reply(.received, block.encoded)
            }
        }
    }

    /// Waits until everything asked for so far is with the spool.
    func drain() { queue.sync {} }

    private func handle(_ body: [UInt8], reply: @escaping Reply) {
        let now = clock()
        let request: MailboxRequest
        do throws(MailboxRequestError) {
            request = try UnverifiedMailboxRequest(body).verify(node: node, at: now)
        } catch {
            // Who does not hold the key learns nothing about the mailbox: these are said before it is looked for.
            return reply(.refused(error == .wrongTime ? .wrongTime : .malformed))
        }
        let mailbox = request.mailbox
        switch request.operation {
        case .fetch(let ids):
            count("mailbox_requests", "fetch")
            fetch(mailbox, acknowledging: ids, tries: Self.damagedBlocksPassedOver, reply: reply)
        case .create(let policy):
            count("mailbox_requests", "create")
            let operation = SpoolOperation.createMailbox(
                mailbox, policy: policy.encoded, quota: settings.blocksPerBox, now: now)
            submit(operation, reply: reply) { Self.done($0) }
        case .configure(let policy):
            count("mailbox_requests", "configure")
            submit(.configureMailbox(mailbox, policy: policy.encoded, now: now), reply: reply) { Self.done($0) }
        case .delete:
            count("mailbox_requests", "delete")
            submit(.deleteMailbox(mailbox), reply: reply) { result in
                guard case .removed = result else { return Self.refused(result) }
                return .done(MailboxStatus(waiting: 0, used: 0, quota: 0, expires: now))
            }
        case .status:
            count("mailbox_requests", "status")
            submit(.pollMailbox(mailbox, acknowledging: [], now: now), reply: reply) { Self.done($0) }
        }
    }

    /// One operation whose result is the answer.
    private func submit(
        _ operation: SpoolOperation, reply: @escaping Reply, answer: @escaping @Sendable (SpoolResult) -> MailboxBlock
    ) {
        do throws(SpoolError) {
            try spool.submit([operation]) { results in
                reply(results.first.map(answer) ?? .refused(.busy))
            }
        } catch {
            reply(.refused(.busy))
        }
    }

    // MARK: Fetching

    /// Damaged blocks that one request passes over, each of which is dropped.
    private static let damagedBlocksPassedOver = 8

    private func fetch(_ mailbox: MailboxID, acknowledging ids: [UInt64], tries: Int, reply: @escaping Reply) {
        do throws(SpoolError) {
            try spool.submit([.pollMailbox(mailbox, acknowledging: ids, now: clock())]) { [self] results in
                guard case .mailbox(let state)? = results.first else {
                    return reply(results.first.map(Self.refused) ?? .refused(.busy))
                }
                guard let oldest = state.oldest else { return reply(.empty(Self.status(state, waiting: 0))) }
                // The writer's thread is not for reading.
                queue.async { [self] in
                    read(oldest, of: mailbox, state, tries: tries, reply: reply)
                }
            }
        } catch {
            reply(.refused(.busy))
        }
    }

    private func read(
        _ number: UInt64, of mailbox: MailboxID, _ state: MailboxState, tries: Int, reply: @escaping Reply
    ) {
        let status = Self.status(state, waiting: state.blocks - 1)
        do {
            let block = try spool.readMailBlock(number, of: mailbox)
            switch block.kind {
            case MailBlockKind.reply: reply(.reply(id: number, try ReplyRecord(decoding: block.body), status))
            case MailBlockKind.fragment: reply(.fragment(id: number, try MailFragment(decoding: block.body), status))
            default: throw SpoolError.damaged
            }
            count("mailbox_blocks", "fetched")
        } catch SpoolError.unknown {
            // Another request of the owner has just acknowledged it, or it has expired.
            if tries > 0 { return fetch(mailbox, acknowledging: [], tries: tries - 1, reply: reply) }
            reply(.refused(.busy))
        } catch {
            guard tries > 0, Self.isDamage(error) else { return reply(.refused(.busy)) }
            count("mailbox_blocks", "damaged")
            fetch(mailbox, acknowledging: [number], tries: tries - 1, reply: reply)
        }
    }

    /// Whether a block can never be read, and not only now.
    private static func isDamage(_ error: any Error) -> Bool {
        error is MessageError || error as? SpoolError == .damaged
    }

    // MARK: Answers

    private static func done(_ result: SpoolResult) -> MailboxBlock {
        guard case .mailbox(let state) = result else { return refused(result) }
        return .done(status(state, waiting: state.blocks))
    }

    private static func refused(_ result: SpoolResult) -> MailboxBlock {
        switch result {
        case .noSuchMailbox: .refused(.noSuchMailbox)
        case .full: .refused(.full)
        default: .refused(.busy)
        }
    }

    private static func status(_ state: MailboxState, waiting: Int) -> MailboxStatus {
        MailboxStatus(
            waiting: UInt32(clamping: waiting), used: UInt32(clamping: state.blocks),
            quota: UInt32(clamping: state.quota),
            expires: state.expires)
    }
}
