// Answers through reply blocks that end at a mail address. The packet's acceptance stores an item; here it becomes a message
// like any other, with one delivery, in one transaction, so that a crash at any point leaves one or the other.

internal import Dispatch
internal import Exits
internal import Messages
internal import Mixing
internal import Sphinx
internal import Spool
internal import WireFormat

final class ReplyMail: Sendable {
    /// The kind of item in the spool: a reply record and the address, as `item` writes them.
    static let itemKind = 1
    /// The subject of every such mail.
    static let subject = "Answer through the mix network"

    private let spool: Spool
    private let deliveryDeadline: Interval
    private let clock: @Sendable () -> Timestamp
    private let count: @Sendable (String) -> Void
    private let ready: @Sendable ([PendingDelivery]) -> Void
    private let queue = DispatchQueue(label: "nightjar.reply-mail")

    /// - Parameters:
    ///   - count: told of what happened, `reply_mails_...`.
    ///   - ready: told of deliveries that are durable.
    init(
        spool: Spool, deliveryDeadline: Interval, clock: @escaping @Sendable () -> Timestamp,
        count: @escaping @Sendable (String) -> Void, ready: @escaping @Sendable ([PendingDelivery]) -> Void
    ) {
        self.spool = spool
        self.deliveryDeadline = deliveryDeadline
        self.clock = clock
        self.count = count
        self.ready = ready
    }

    /// What the spool keeps of an answer until it is a delivery; nil if this exit does not deliver to the address.
    ///
    ///     release u64 ms | record 25,909 | canonical address
    static func item(
        _ record: ReplyRecord, to address: Address, gate: some RecipientGate, release: Timestamp, deadline: Timestamp
    ) -> ReplyItem? {
        guard gate.refusal(of: address) == nil else { return nil }
        var writer = WireWriter(capacity: 8 + ReplyRecord.size + MessageLimits.address)
        writer.integer(UInt64(max(0, release.milliseconds)))
        writer.append(record.encoded)
        writer.append(address.description.utf8)
        return ReplyItem(kind: itemKind, body: writer.bytes, deadline: deadline)
    }

    private struct Item {
        let release: Timestamp
        let record: ReplyRecord
        let address: Address

        init(_ bytes: [UInt8]) throws {
            var reader = WireReader(bytes)
            release = Timestamp(milliseconds: Int64(clamping: try reader.integer(UInt64.self)))
            record = try ReplyRecord(decoding: try reader.slice(ReplyRecord.size))
            address = try Address(canonical: try reader.text(reader.remaining))
        }
    }

    /// Turns an item into a delivery.
    func deliver(_ item: ItemRowID) {
        queue.async { [self] in
            do { try work(on: item) } catch SpoolError.unknown { return } catch SpoolError.closed {
                return
            } catch {
                // The disk is full or failing: the item is kept, also for the next start.
                later(item)
            }
        }
    }

    private func later(_ item: ItemRowID, without file: FinishedFile? = nil) {
        count("reply_mails_delayed")
        // Asks the database, which the writer's thread must not wait for.
        if let file { queue.async { [spool] in try? spool.discard(file) } }
        queue.asyncAfter(deadline: .now() + Self.pauseAfterFailure) { [weak self] in self?.deliver(item) }
    }

    /// Waits until everything asked for so far is done.
    func drain() { queue.sync {} }

    private static let pauseAfterFailure = DispatchTimeInterval.seconds(5)

    private func work(on id: ItemRowID) throws {
        let bytes: [UInt8]
        do throws(SpoolError) { bytes = try spool.readItem(id) } catch .damaged {
            count("reply_mails_damaged")
            return try spool.submit([.removeItems([id])]) { _ in }
        }
        guard let item = try? Item(bytes) else {
            count("reply_mails_damaged")
            return try spool.submit([.removeItems([id])]) { _ in }
        }
        var writer = try spool.makeFile()
        try writer.append(try Self.message(item.record, to: item.address))
        let file = try writer.finish()
        let delivery = NewDelivery(
            recipient: item.address.description, file: file, deadline: clock() + deliveryDeadline,
            nextAttempt: item.release)
        do {
            try spool.submit([.addDeliveries([delivery]), .removeItems([id])]) { [self] results in
                guard case .completed(let ids)? = results.first, let made = ids.first else {
                    return later(id, without: file)
                }
                count("reply_mails")
                ready([
                    PendingDelivery(
                        id: made, message: MessageID(), recipient: delivery.recipient, file: file.name,
                        deadline: delivery.deadline, release: item.release, attempts: 0)
                ])
            }
        } catch {
            try? spool.discard(file)
            throw error
        }
    }

    /// The encoded message: text of one line, and the armor.
    static func message(_ record: ReplyRecord, to address: Address) throws -> [UInt8] {
        let armor = Armor.encode(ArmoredMessage.reply(record).encoded, kind: .message)
        let text = "This is an answer through one of your reply blocks; open it with `nightjar decode`.\n\n" + armor
        let envelope = try Envelope(
            recipients: [address],
            fields: [
                .subject: subject, .mimeVersion: "1.0", .contentType: "text/plain; charset=us-ascii",
                .contentTransferEncoding: "7bit",
            ])
        return try MessageEncoder.encode(envelope, body: Array(text.replacing("\n", with: "\r\n").utf8))
    }
}
