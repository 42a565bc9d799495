internal import Daemon
internal import Directory
public import Messages
internal import Spool
public import WireFormat

/// How a message stands that was sent.
public struct SentSummary: Hashable, Sendable, Identifiable {
    /// How it stands with one recipient.
    public struct Recipient: Hashable, Sendable {
        /// The address as it was sent to.
        public let address: String
        /// One or two words, as `nightjar sent` shows them: delivered, deferred, refused, declined, expired, queued, under
        /// way, waiting, handed over, recorded, incomplete, unknown, not sent.
        public let status: String
        /// What the exit said last, if it said anything.
        public let answer: DeliveryStatus?
    }

    public let id: MessageID
    public let made: Timestamp
    /// When the exit gives it up.
    public let deadline: Timestamp
    /// Packets that were made, and how many of them first nodes have taken.
    public let packets, handedOver: Int
    public let recipients: [Recipient]

    init(_ message: SentMessage, now: Timestamp) {
        id = message.id
        made = message.made
        deadline = message.deadline
        packets = message.packets
        handedOver = message.handedOver
        recipients = zip(message.recipients, message.outcomes).map { address, outcome in
            Recipient(
                address: address, status: SentEntry.status(outcome, of: message, now: now), answer: outcome.status)
        }
    }
}

extension Client {
    /// The messages of a network in the log.
    func sentSummaries(network name: String?) throws -> [SentSummary] {
        guard ClientPlaces.isThere(places.records) else { return [] }
        let network = try network(name).name
        let records = try records()
        defer { records.close() }
        let now = time.clock.now()
        return try sentLog(records).messages().filter { $0.network == network }.map { SentSummary($0, now: now) }
    }
}
