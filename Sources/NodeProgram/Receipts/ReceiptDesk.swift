// Keeps books of what became of messages, sends the receipt when the last recipient is settled, and answers questions.
//
// Crashes: a book is on the disk before its message is completed, and a recipient's end is in the book before the delivery
// is forgotten; so whatever the process was doing, the next start finds either the work still to do or its result. A receipt
// may be sent twice then, through the same block: the first node's memory of it stops the second.

internal import Dispatch
internal import Messages
internal import Mixing
internal import Sphinx
internal import Spool
internal import WireFormat

final class ReceiptDesk: @unchecked Sendable {
    /// Books kept at most, about 120 bytes each; over it the oldest that are final go first, then the oldest.
    static let maximumBooks = 65_536
    /// Reply blocks for receipts kept at most, 7.3 KiB each.
    static let maximumBlocks = 16_384
    /// Delayed receipts tried in one turn at most.
    static let maximumRetries = 64

    private struct Known {
        let number: Int
        var isFinal: Bool
    }

    private let records: RecordStore
    private let courier: ReplyCourier
    private let rememberFor: Interval
    private let clock: @Sendable () -> Timestamp
    private let count: @Sendable (String) -> Void
    private let limit: Int

    // Only touched on `queue`.
    private let queue = DispatchQueue(label: "nightjar.receipts")
    private var known: [MessageID: Known] = [:]
    private var next = 0
    /// Final, and still to be sent.
    private var unsent: Set<MessageID> = []
    private var generator = SystemRandomNumberGenerator()

    /// - Parameters:
    ///   - rememberFor: how long a book answers questions.
    ///   - count: told of the kinds of what happened, `receipts_...`.
    init(
        records: RecordStore, courier: ReplyCourier, rememberFor: Interval, clock: @escaping @Sendable () -> Timestamp,
        limit: Int = ReceiptDesk.maximumBooks, count: @escaping @Sendable (String) -> Void
    ) {
        self.records = records
        self.courier = courier
        self.rememberFor = rememberFor
        self.clock = clock
        self.limit = limit
        self.count = count
    }

    /// Takes up what an earlier run left: sends receipts that are due. How many books were damaged, and are gone.
    @discardableResult
    func resume() throws(SpoolError) -> Int {
        try onQueue { () throws(SpoolError) in
            var damaged = 0
            defer { for _ in 0..<damaged { count("receipts_damaged") } }
            for (name, value) in try records.all(.receiptBooks, skippingDamaged: &damaged) {
                guard let message = MessageID(name), let book = ReceiptBook(decoding: value) else { continue }
                remember(message, isFinal: book.isFinal)
                if book.isFinal, !book.isSettled { unsent.insert(message) }
            }
            sendDue()
            return damaged
        }
    }

    /// Begins a message's book, durable when it returns. A crash afterwards may make it begin once more.
    func open(
        _ message: MessageID, recipients: [(address: String, status: DeliveryStatus)], block: [UInt8]?
    ) throws(SpoolError) {
        try onQueue { () throws(SpoolError) in
            let now = clock()
            var block = block
            if let bytes = block {
                switch Result(catching: { () throws(SURBError) in try SURB(bytes) }) {
                case .success(let surb) where surb.expiry > now: break
                case .success:
                    count("receipts_expired")
                    block = nil
                case .failure:
                    count("receipts_bad_block")
                    block = nil
                }
            }
            if block != nil, try records.count(.receiptBlocks) >= Self.maximumBlocks {
                count("receipts_no_room")
                block = nil
            }
            let book = ReceiptBook(recipients: recipients, isSettled: block == nil, forget: now + rememberFor)
            try makeRoom()
            try write(message, book) { [block] records in
                if let block { try records.put(.receiptBlocks, message.bytes, block, expires: book.forget) }
            }
            remember(message, isFinal: book.isFinal)
            if book.isFinal, !book.isSettled {
                unsent.insert(message)
                sendIfDue(message)
            }
        }
    }

    /// Notes what became of a recipient; durable when it returns, or counted.
    func note(_ message: MessageID, _ recipient: String, _ status: DeliveryStatus, code: UInt16) async {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                do throws(SpoolError) {
                    if var book = try read(message), book.note(recipient, status, code: code) {
                        try write(message, book)
                        known[message]?.isFinal = book.isFinal
                        if book.isFinal, !book.isSettled {
                            unsent.insert(message)
                            sendIfDue(message)
                        }
                    }
                } catch {
                    count("receipts_not_noted")
                }
                continuation.resume()
            }
        }
    }

    /// Whether a recipient had been settled before a crash.
    func isSettled(_ message: MessageID, _ recipient: String) -> Bool {
        queue.sync { (try? read(message))?.status(of: recipient)?.isFinal == true }
    }

    /// The receipt of a message as things stand: of a complete one from its book, of others from the parts that the spool
    /// holds.
    func receipt(for message: MessageID) throws -> Receipt {
        if let book = try onQueue({ () throws(SpoolError) in try read(message) }) {
            return try book.receipt(for: message)
        }
        guard let partial = try courier.spool.readMessage(message), partial.groupCount <= Receipt.maximumGroups else {
            return try Receipt(message: message, state: .unknown)
        }
        let held = try courier.spool.heldShares(of: message)
        return try Receipt(message: message, state: .incomplete((0..<partial.groupCount).map { held[$0] ?? [] }))
    }

    /// The packet that answers a question; nil, counted, if its block is no good.
    func answer(to message: MessageID, through block: [UInt8]?) throws -> ReplyCourier.Shipment? {
        guard let block, let surb = try? SURB(block) else {
            count("status_queries_without_block")
            return nil
        }
        var generator = SystemRandomNumberGenerator()
        let part = try ReplyCourier.part(of: receipt(for: message), using: &generator)
        do {
            let shipment = try courier.shipment(part, through: surb, at: clock())
            count("status_queries_answered")
            return shipment
        } catch is SURBError {
            count("status_queries_expired")
            return nil
        }
    }

    /// After the spool's commit of an answer.
    func settle(_ shipment: ReplyCourier.Shipment, _ results: some Collection<SpoolResult>) {
        if !courier.settle([shipment], results) { count("status_queries_no_room") }
    }

    /// Tries again what could not be sent, and forgets what is old.
    func turn(now: Timestamp) {
        queue.async { [self] in
            if !unsent.isEmpty { sendDue() }
            var damaged = 0
            guard let forgotten = try? records.expire(now: now), forgotten > 0,
                let left = try? records.all(.receiptBooks, skippingDamaged: &damaged)
            else { return }
            for _ in 0..<damaged { count("receipts_damaged") }
            let names = Set(left.compactMap { MessageID($0.name) })
            known = known.filter { names.contains($0.key) }
            unsent.formIntersection(names)
        }
    }

    /// Waits until everything asked for so far is done.
    func drain() { queue.sync {} }

    private func onQueue<T>(_ body: () throws(SpoolError) -> T) throws(SpoolError) -> T {
        let result: Result<T, SpoolError> = queue.sync { Result(catching: body) }
        return try result.get()
    }

    // MARK: On the queue

    private func read(_ message: MessageID) throws(SpoolError) -> ReceiptBook? {
        guard known[message] != nil else { return nil }
        return try records.get(.receiptBooks, message.bytes).flatMap(ReceiptBook.init(decoding:))
    }

    private func write(
        _ message: MessageID, _ book: ReceiptBook, also: (RecordTransaction) throws -> Void = { _ in }
    ) throws(SpoolError) {
        do {
            try records.transaction { records in
                try records.put(.receiptBooks, message.bytes, book.encoded, expires: book.forget)
                try also(records)
            }
        } catch let error as SpoolError {
            throw error
        } catch { throw .database(String(describing: error)) }
    }

    private func remember(_ message: MessageID, isFinal: Bool) {
        known[message] = Known(number: next, isFinal: isFinal)
        next += 1
    }

    private func makeRoom() throws(SpoolError) {
        guard known.count >= limit else { return }
        // A sixteenth at a time, so that the sorting is rare.
        let oldest = known.sorted {
            ($0.value.isFinal ? 0 : 1, $0.value.number) < ($1.value.isFinal ? 0 : 1, $1.value.number)
        }
        let leaving = oldest.prefix(max(1, limit / 16)).map(\.key)
        do {
            try records.transaction { records in
                for message in leaving {
                    try records.remove(.receiptBooks, message.bytes)
                    try records.remove(.receiptBlocks, message.bytes)
                }
            }
        } catch let error as SpoolError {
            throw error
        } catch { throw .database(String(describing: error)) }
        for message in leaving {
            known[message] = nil
            unsent.remove(message)
            count("receipts_forgotten_early")
        }
    }

    /// Some of what is due, until the first that cannot go: the others would fare no better.
    private func sendDue() {
        for message in unsent.prefix(Self.maximumRetries) where !sendIfDue(message) { return }
    }

    /// False if the spool or the store cannot take it now.
    @discardableResult
    private func sendIfDue(_ message: MessageID) -> Bool {
        do {
            try send(message)
            return true
        } catch let error as SpoolError where error != .damaged {
            count("receipts_delayed")
            return false
        } catch {
            // No turn can help: it must not stand before others.
            unsent.remove(message)
            count("receipts_damaged")
            return true
        }
    }

    /// Sends a receipt. It stays due until the spool has taken it.
    private func send(_ message: MessageID) throws {
        guard let book = try read(message), !book.isSettled, let block = try records.get(.receiptBlocks, message.bytes)
        else {
            unsent.remove(message)
            return
        }
        let surb = try SURB(block)
        let shipment: ReplyCourier.Shipment
        do {
            let part = try ReplyCourier.part(of: try book.receipt(for: message), using: &generator)
            shipment = try courier.shipment(part, through: surb, at: clock())
        } catch is SURBError {
            count("receipts_expired")
            return try settle(message, book)
        }
        try courier.spool.submit([shipment.operation]) { [self] results in
            let isSent = courier.settle([shipment], results)
            queue.async { [self] in
                guard isSent else {
                    unsent.insert(message)
                    return count("receipts_delayed")
                }
                CrashPoint.reached(.receiptEnqueued)
                count("receipts_sent")
                do { try settle(message, book) } catch { count("receipts_not_noted") }
            }
        }
        unsent.remove(message)
    }

    private func settle(_ message: MessageID, _ book: ReceiptBook) throws {
        var book = book
        book.isSettled = true
        try write(message, book) { try $0.remove(.receiptBlocks, message.bytes) }
        unsent.remove(message)
    }
}
