// How messages stand, in words and as JSON. Pure.

internal import Directory
internal import Messages
internal import WireFormat

/// One recipient of a message that was sent.
struct SentRecipient: Equatable, Encodable, Sendable {
    var address: String
    /// `recorded`, `waiting`, `under way`, `handed over`, `incomplete`, `queued`, `delivered`, `deferred`, `refused`,
    /// `declined`, `expired`, `unknown` or `not sent`.
    var status: String
    /// What the mail server said.
    var code: UInt16?
    var heard: String?
}

/// A message that was sent.
struct SentEntry: Equatable, Encodable, Sendable {
    var id: String
    var network: String
    var made: String
    /// When the exit gives it up.
    var deadline: String
    /// Nickname of the exit, or the beginning of its id.
    var exit: String
    var isReliable: Bool
    var hasReceipt: Bool
    var parts: Int
    var packets: Int
    var handedOver: Int
    /// Shares that the exit was last known to hold, and that it needs.
    var sharesHeld: Int?
    var sharesNeeded: Int?
    var recipients: [SentRecipient]

    init(_ message: SentMessage, exitName: String, now: Timestamp) {
        id = message.id.hex
        network = message.network
        made = message.made.description
        deadline = message.deadline.description
        exit = exitName
        isReliable = message.isReliable
        hasReceipt = message.hasReceipt
        parts = message.layout?.parts ?? 0
        packets = message.packets
        handedOver = message.handedOver
        sharesHeld = message.held?.shares
        sharesNeeded = message.held?.needed
        recipients = zip(message.recipients, message.outcomes).map { address, outcome in
            SentRecipient(
                address: address, status: Self.status(outcome, of: message, now: now),
                code: outcome.code == 0 ? nil : outcome.code, heard: outcome.heard?.description)
        }
    }

    /// One word, or two, for how it stands with a recipient.
    static func status(_ outcome: SentMessage.Outcome, of message: SentMessage, now: Timestamp) -> String {
        if let status = outcome.status, status.isFinal || now < message.deadline { return word(status) }
        let isOver = now >= message.deadline || message.stage == .settled
        if message.packets == 0, isOver { return "not sent" }
        if message.stage == .recorded, !isOver { return "recorded" }
        guard message.hasReceipt || message.isReliable else {
            return message.waiting.isEmpty ? "handed over" : "waiting"
        }
        if isOver { return "unknown" }
        if message.packets > 0, message.handedOver == 0 { return "waiting" }
        return message.held == nil ? "under way" : "incomplete"
    }

    private static func word(_ status: DeliveryStatus) -> String {
        switch status {
        case .queued: "queued"
        case .delivered: "delivered"
        case .deferred: "deferred"
        case .refused: "refused"
        case .declined: "declined"
        case .expired: "expired"
        }
    }

    /// For the table: all recipients' words, each once, with codes.
    var summary: String {
        var words: [String] = []
        for recipient in recipients {
            let word = recipient.code.map { "\(recipient.status) \($0)" } ?? recipient.status
            if !words.contains(word) { words.append(word) }
        }
        return words.joined(separator: ", ")
    }

    /// The whole entry.
    var lines: [String] {
        var lines = [
            "message      \(id)", "network      \(network)", "made         \(made)", "until        \(deadline)",
            "exit         \(exit)",
            "packets      \(handedOver) of \(packets) handed over" + (isReliable ? " (sent until it has arrived)" : ""),
            "receipt      \(hasReceipt ? "asked for" : "none asked for")",
        ]
        if let sharesHeld, let sharesNeeded {
            lines.append("parts        \(sharesHeld) at the exit, which needs \(sharesNeeded)")
        }
        for recipient in recipients {
            var line = "recipient    \(recipient.address): \(recipient.status)"
            if let code = recipient.code { line += " (\(code))" }
            if let heard = recipient.heard { line += ", heard \(heard)" }
            lines.append(line)
        }
        return lines
    }
}
