// What a gateway does by itself: what has come goes into the Maildir, and failures of what was sent become notices.

internal import Daemon
internal import Messages
internal import NymProtocol
internal import Spool
internal import WireFormat

/// One look at what is new.
struct GatewayRounds: Sendable {
    let client: Client
    let records: RecordStore
    let maildir: GatewayMaildir

    /// Puts messages that were not read yet into the Maildir, and then marks them as read.
    /// - Returns: how many, and what went wrong first.
    func fill() -> (count: Int, failure: (any Error)?) {
        var count = 0
        var failure: (any Error)?
        do {
            let store = client.received(records)
            let log = GatewayLog(records: records)
            for (name, record) in try store.all() where record.state == .unread && !record.isInternal {
                do {
                    let message = try store.message(name, record)
                    if case .nym(let address) = message.origin {
                        // Its mail goes where its owner has said, and to one place only.
                        guard client.config.nyms.maildir(of: address) == nil else { continue }
                        if let id = try Self.messageID(message) {
                            try log.note(id, of: address, now: client.time.clock.now())
                        }
                    }
                    var options = OutputOptions()
                    options.output = .maildir(try maildir.place(for: message.origin))
                    _ = try MessageWriter(terminal: client.terminal, options: options).write([message]) { message in
                        try store.markRead(
                            [message.id], keep: client.config.inbox.keepRead, now: client.time.clock.now())
                    }
                    count += 1
                } catch {
                    // The next one may be well.
                    failure = failure ?? error
                }
            }
        } catch {
            failure = error
        }
        return (count, failure)
    }

    /// The Message-ID of a mail that came to a nym.
    private static func messageID(_ message: ReceivedMessage) throws -> String? {
        let next = try message.openBody()
        var head: [UInt8] = []
        while head.count < mostHead, let piece = try next() { head += piece }
        return try? SubmittedHeader(head).messageID
    }

    private static let mostHead = 64 << 10

    /// Puts a notice into the Maildir for every recipient that a mail has not reached.
    func notice() throws {
        let log = GatewayLog(records: records)
        let sent = client.sentLog(records)
        let now = client.time.clock.now()
        try noticeOfNyms(log, now: now)
        for (name, record) in try log.all() where !record.messages.isEmpty {
            var record = record
            let before = record
            var isOpen = false
            for (number, id) in record.messages.enumerated() {
                guard let message = try sent.message(id) else { continue }
                for (index, (recipient, outcome)) in zip(message.recipients, message.outcomes).enumerated() {
                    let place = GatewayRecord.Place(message: UInt8(clamping: number), recipient: UInt8(clamping: index))
                    let status = SentEntry.status(outcome, of: message, now: now)
                    isOpen = isOpen || !(outcome.status?.isFinal ?? false) && now < message.deadline
                    guard GatewayNotice.failures.contains(status), !record.noticed.contains(place) else { continue }
                    let notice = GatewayNotice(
                        recipient: recipient, status: status, code: outcome.code, messageID: record.messageID,
                        made: record.made, id: id.hex)
                    try maildir.deliver(head: notice.head(now: now), body: notice.body, token: notice.token)
                    record.noticed.insert(place)
                }
            }
            // Nothing more will happen; that the mail was taken is remembered.
            if !isOpen { record.messages = [] }
            if record != before { try log.update(name, record) }
        }
    }

    /// The same for mail of nyms, of which their servers tell.
    private func noticeOfNyms(_ log: GatewayLog, now: Timestamp) throws {
        let book = NymBook(records)
        for (name, record) in try log.all() where record.number > 0 && record.noticed.isEmpty {
            guard let sent = try book.state(record.nym)?.sent.first(where: { $0.number == record.number }),
                let result = sent.result
            else { continue }
            if result.code != NymResultCode.done.rawValue {
                let notice = GatewayNotice(
                    recipient: sent.recipients, status: "refused", code: 0, messageID: record.messageID,
                    made: record.made, id: "\(sent.number) of \(record.nym)", answer: result.text)
                try maildir.deliver(head: notice.head(now: now), body: notice.body, token: notice.token)
            }
            var record = record
            record.noticed = [result.code == NymResultCode.done.rawValue ? .well : .ofNym]
            try log.update(name, record)
        }
    }
}
