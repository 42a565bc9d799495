// From composed messages to records in the log, with the encoded messages beside them.

internal import Directory
internal import Messages
internal import Spool
internal import WireFormat

/// Writes messages down, before any packet of them is made.
struct MessageRecording {
    let client: Client
    let network: Network
    let options: SendOptions
    let outbox: Outbox
    let log: SentLog
    let receipts: ReceiptBlocks?
    let isReliable: Bool
    /// The path as it was asked for.
    let path: String

    /// Writes the messages down, all or none.
    /// - Parameter beside: what belongs to them and is written in the same step.
    func record(
        _ composed: [ComposedMessage], at now: Timestamp,
        beside: ([SentMessage], RecordTransaction) throws -> Void = { _, _ in }
    ) throws -> [SentMessage] {
        let planner = PacketPlanner(network: network, options: options, now: now)
        var generator = SystemRandomNumberGenerator()
        var messages: [SentMessage] = []
        do {
            for message in composed {
                // All parts meet at one exit, so it is chosen here, once.
                let exit = try planner.path(message.demands, using: &generator).last?.id
                guard let exit else { throw PathError.tooShort }
                let receipt = try receipts?.make(
                    network: network, blocked: options.blocked, at: now, using: &generator)
                let file = try outbox.write(message, receiptBlock: receipt?.encoded, limit: planner.bodyLimit)
                messages.append(
                    SentMessage(
                        id: .random(using: &generator), network: network.name,
                        recipients: message.recipients.map(\.description), made: now,
                        deadline: now + network.parameters.deliveryDeadline, isReliable: isReliable,
                        receiptBlock: receipt?.block,
                        journey: SentMessage.Journey(path: path, copies: options.copies, isUrgent: options.isUrgent),
                        length: file.length, exit: exit, file: file))
            }
            try log.add(messages) { try beside(messages, $0) }
        } catch {
            for file in messages.compactMap(\.file) { outbox.remove(file) }
            throw error
        }
        return messages
    }

    /// Takes messages back of which nothing has left.
    func takeBack(_ messages: [SentMessage]) {
        for message in (try? log.forget(messages.map(\.id))) ?? [] {
            if let file = message.file { outbox.remove(file) }
        }
    }
}

extension SentMessage {
    /// Packets that a first sending takes.
    var firstPackets: Int {
        guard let layout else { return 0 }
        return layout.parts * (layout.isSingle ? journey.copies : 1)
    }
}
