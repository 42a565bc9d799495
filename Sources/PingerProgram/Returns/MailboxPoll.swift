// One poll of a mailbox: everything that is in it, each block noted in the database before the node is told to delete it. A node
// that sends nonsense without end is left after a bounded number of blocks, and its mailbox then was not emptied.

internal import Mailboxes
internal import Messages
internal import WireFormat

/// What a poll brought.
struct PollResult: Sendable {
    /// When there was nothing left; nil if the poll did not come so far.
    var emptied: Timestamp?
    /// Blocks by what they were: `first`, `again`, `damaged`, `noted`, `unknown`, `foreign`.
    var counts: [String: Int] = [:]
    /// Why it ended before.
    var failure: PollFailure?
    /// Whether the node was asked to make the mailbox anew.
    var wasRecreated = false
}

/// Polls a mailbox over an open connection.
struct MailboxPoll {
    /// Most blocks of a poll.
    static let limit = 1024

    let clock: @Sendable () -> Timestamp
    let reader: ReturnReader
    /// Notes a block durably; what it was. Nil if that is not possible now: the block stays where it is.
    let note: (_ block: ReturnedBlock, _ item: UInt64, _ at: Timestamp, _ notBefore: Timestamp) async throws -> String?

    /// Asks until the mailbox is empty.
    /// - Throws: only what `note` throws.
    func run(
        _ session: some MailboxAsking, policy: MailboxPolicy, entry: inout MailboxBook.Entry, limit: Int = Self.limit
    ) async throws -> PollResult {
        var result = PollResult()
        do {
            if !entry.isReady {
                try await create(session, policy)
                entry.isReady = true
            }
            var seen: Set<UInt64> = []
            for _ in 0..<limit {
                let asked = clock()
                let told = Array(entry.acknowledging.prefix(MailboxRequest.acknowledgements))
                let block: MailboxBlock
                do { block = try await session.ask(.fetch(acknowledging: told)) } catch MailboxError.refused(
                    _, .noSuchMailbox)
                {
                    // It has expired, or the node has lost it.
                    entry.acknowledging = []
                    try await create(session, policy)
                    result.wasRecreated = true
                    continue
                }
                entry.acknowledging.removeFirst(told.count)
                let item: UInt64
                let found: ReturnedBlock
                switch block {
                case .empty:
                    result.emptied = asked
                    entry.emptied = asked
                    return result
                case .fragment(let id, let fragment, _): (item, found) = (id, reader.read(fragment))
                case .reply(let id, let record, _): (item, found) = (id, reader.read(record))
                case .done, .refused:
                    result.failure = .malformed
                    return result
                }
                guard seen.insert(item).inserted else {
                    result.failure = .repeating
                    return result
                }
                let word = try await noted(found, item, entry)
                guard let word else {
                    result.failure = .notStored
                    return result
                }
                result.counts[word, default: 0] += 1
                entry.acknowledging.append(item)
            }
            result.failure = .endless
        } catch let error as NoteFailure {
            throw error.error
        } catch {
            result.failure = PollFailure(error)
        }
        return result
    }

    /// An error of this side's database, which is not the node's.
    private struct NoteFailure: Error { let error: any Error }

    private func noted(
        _ found: ReturnedBlock, _ item: UInt64, _ entry: MailboxBook.Entry
    ) async throws(NoteFailure) -> String? {
        do {
            return try await note(found, item, clock(), entry.emptied ?? Timestamp(milliseconds: 0))
        } catch { throw NoteFailure(error: error) }
    }

    private func create(_ session: some MailboxAsking, _ policy: MailboxPolicy) async throws {
        guard case .done = try await session.ask(.create(policy)) else {
            throw MailboxError.malformedAnswer(node: "")
        }
    }
}

/// Why a poll is not complete.
enum PollFailure: String, CaseIterable, Error, Hashable, Sendable {
    /// The node could not be reached, or did not answer in time.
    case silent
    case busy
    /// It offers no mailboxes any more, takes no more of them, or does not keep this one.
    case noMailboxes = "no-mailboxes"
    case full, lost
    /// Its clock and the one here are more than 10 minutes apart.
    case wrongTime = "wrong-time"
    /// Its answers have another form, or answer something else than was asked.
    case malformed
    /// It gives again what was acknowledged.
    case repeating
    /// The mailbox holds more than is fetched at a time.
    case endless
    /// What it holds cannot be stored here now.
    case notStored = "not-stored"

    init(_ error: any Error) {
        self =
            switch error as? MailboxError {
            case .refused(_, .noMailboxesHere): .noMailboxes
            case .refused(_, .noSuchMailbox): .lost
            case .refused(_, .full): .full
            case .refused(_, .wrongTime): .wrongTime
            case .refused(_, .malformed), .malformedAnswer: .malformed
            case .refused(_, .busy): .busy
            case .unanswered, nil: .silent
            }
    }
}
