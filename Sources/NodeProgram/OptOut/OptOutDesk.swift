// Everything an exit knows of its recipients' wishes, put together: what was said here, what the statements of all exits say,
// the links in delivered mails. Answers the gate and the desk.

internal import Directory
internal import Dispatch
internal import Exits
internal import MixCrypto
internal import Spool
internal import WireFormat

final class OptOutDesk: Sendable {
    let book: OptOutBook
    let requests: OptOutRequests
    /// Of all nodes.
    let list: OptOutList
    /// What this node says of its book.
    let statement: OwnStatement
    let linkKey: SymmetricSecret
    /// Where links lead; nil at an exit without a gateway.
    private let domain: String?
    private let clock: @Sendable () -> Timestamp
    private let count: @Sendable (String) -> Void
    /// Whether the statements of the network's exits are here, or were waited for long enough.
    private let isReady: @Sendable () -> Bool
    private let queue = DispatchQueue(label: "nightjar.opt-outs")

    /// Opens the book; after the store was lost it takes over what this node stated last.
    /// - Parameters:
    ///   - linkKey: makes the tokens of links.
    ///   - domain: of the exit's gateway.
    ///   - count: told of what happened, `opt_out_...`.
    ///   - isReady: whether what the list does not have is in no list.
    init(
        records: RecordStore, list: OptOutList, statement: OwnStatement, linkKey: SymmetricSecret, domain: String?,
        clock: @escaping @Sendable () -> Timestamp, count: @escaping @Sendable (String) -> Void,
        isReady: @escaping @Sendable () -> Bool = { true }
    ) throws {
        book = try OptOutBook(records: records)
        requests = OptOutRequests(records: records)
        self.list = list
        self.statement = statement
        self.linkKey = linkKey
        self.domain = domain
        self.clock = clock
        self.count = count
        self.isReady = isReady
        if book.isNew, let last = statement.current?.hashes, !last.isEmpty {
            try book.restore(last, at: clock())
            count("opt_out_restored")
        }
        // If the store was lost as well, who opted out here is forgotten: somebody should know.
        if statement.isLost { count("opt_out_statement_failures") }
        state()
    }

    /// What the exit asks.
    var wishes: RecipientWishes {
        RecipientWishes(
            declines: { [self] in answer($0) }, hasOptedIn: { [self] in hasOptedIn($0) },
            optOutLink: { [self] in link($0) })
    }

    /// Whether an address, or its whole domain, wants no mail: said here, or in any statement.
    func declines(_ recipient: MailRecipient) -> Bool { answer(recipient) ?? false }

    /// As `declines`; nil if that cannot be said now: no memory for a hash, or the network's statements are not here yet. Then a
    /// mail has to wait.
    func answer(_ recipient: MailRecipient) -> Bool? {
        guard let address = OptOutAddress(recipient.address) else { return false }
        let hasOwn = !book.hashes.isEmpty
        guard let answer = list.contains(address, always: hasOwn, also: { book.hasOptedOut($0) }) else {
            count("opt_out_hash_failures")
            return nil
        }
        if answer {
            count("opt_out_declined")
            return true
        }
        guard isReady() else {
            count("opt_out_not_ready")
            return nil
        }
        return false
    }

    func hasOptedIn(_ recipient: MailRecipient) -> Bool {
        guard book.optInCount > 0, let address = OptOutAddress(recipient.address) else { return false }
        return [address, address.domain].contains { name in list.hash(of: name).map(book.hasOptedIn) ?? false }
    }

    /// `optout+TOKEN@domain`.
    func link(_ recipient: MailRecipient) -> MailRecipient? {
        guard let domain, let address = OptOutAddress(recipient.address), let hash = list.hash(of: address) else {
            return nil
        }
        let token = OptOutToken(hash: hash, host: address.host, key: linkKey, at: clock())
        return try? MailRecipient("optout+\(token.text(key: linkKey))@\(domain)")
    }

    /// Reads the token of a link that was made here.
    func token(_ text: some StringProtocol) -> OptOutToken? { OptOutToken(text, key: linkKey) }

    /// Tells the time: another process may have changed the lists, entries expire, the statement follows the book.
    func turn(at now: Timestamp) {
        queue.async { [self] in
            do { try book.turn(at: now) } catch { count("opt_out_book_failures") }
            state()
        }
    }

    /// Waits until everything asked for so far is done.
    func drain() { queue.sync {} }

    /// Brings the statement up to the book, as far as its pace allows.
    func state() {
        do {
            if try statement.refresh(book.hashes, at: clock()) { count("opt_out_statements_made") }
        } catch { count("opt_out_statement_failures") }
    }
}
