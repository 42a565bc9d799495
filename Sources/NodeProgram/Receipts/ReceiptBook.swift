// How it stands with each recipient of one message, as an exit remembers it. Recipients are named by a digest: the
// addresses stand in the deliveries and go with them.

internal import Exits
internal import Messages
internal import MixCrypto
internal import Mixing
internal import WireFormat

/// One message's recipients, in the order of its envelope.
///
///     version 1 u8 | flags u8 (1: nothing more to send) | forget u64 ms | count u8 | (digest 8 | status u8 | code u16)*
struct ReceiptBook: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        let recipient: [UInt8]
        var status: DeliveryStatus
        var code: UInt16
    }

    private(set) var entries: [Entry]
    /// Whether the receipt has gone, or there is no block to send it through.
    var isSettled: Bool
    /// When the book is forgotten.
    let forget: Timestamp

    private static let version: UInt8 = 1
    private static let digestSize = 8

    init(recipients: [(address: String, status: DeliveryStatus)], isSettled: Bool, forget: Timestamp) {
        entries = recipients.map { Entry(recipient: Self.digest($0.address), status: $0.status, code: 0) }
        self.isSettled = isSettled
        self.forget = forget
    }

    private static func digest(_ address: String) -> [UInt8] { Array(Digest.sha256(address).bytes.prefix(digestSize)) }

    /// Whether nothing more will happen to any recipient.
    var isFinal: Bool { entries.allSatisfy(\.status.isFinal) }

    /// How it stands with a recipient; nil for one that the message does not have.
    func status(of address: String) -> DeliveryStatus? {
        let digest = Self.digest(address)
        return entries.first { $0.recipient == digest }?.status
    }

    /// Takes a recipient's news; whether anything changed. What is final stays.
    mutating func note(_ address: String, _ status: DeliveryStatus, code: UInt16) -> Bool {
        let digest = Self.digest(address)
        guard let index = entries.firstIndex(where: { $0.recipient == digest }), !entries[index].status.isFinal,
            entries[index].status != status || entries[index].code != code
        else { return false }
        entries[index].status = status
        entries[index].code = code
        return true
    }

    func receipt(for message: MessageID) throws(MessageError) -> Receipt {
        try Receipt(message: message, state: .complete(entries.map { Receipt.Recipient($0.status, code: $0.code) }))
    }

    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 16 + entries.count * 11)
        writer.integer(Self.version)
        writer.integer(UInt8(isSettled ? 1 : 0))
        writer.integer(UInt64(max(0, forget.milliseconds)))
        writer.integer(UInt8(truncatingIfNeeded: entries.count))
        for entry in entries {
            writer.append(entry.recipient)
            writer.integer(entry.status.rawValue)
            writer.integer(entry.code)
        }
        return writer.bytes
    }

    /// Nil for bytes that this version did not write.
    init?(decoding bytes: [UInt8]) {
        do {
            var reader = WireReader(bytes)
            guard try reader.integer(UInt8.self) == Self.version else { return nil }
            isSettled = try reader.integer(UInt8.self) & 1 != 0
            guard let milliseconds = Int64(exactly: try reader.integer(UInt64.self)) else { return nil }
            forget = Timestamp(milliseconds: milliseconds)
            entries = []
            for _ in 0..<(try reader.integer(UInt8.self)) {
                let recipient = Array(try reader.slice(Self.digestSize))
                guard let status = DeliveryStatus(rawValue: try reader.integer()) else { return nil }
                entries.append(Entry(recipient: recipient, status: status, code: try reader.integer()))
            }
            try reader.end()
        } catch {
            return nil
        }
    }
}

extension DeliveryStatus {
    /// What a sender is told of a recipient whom the exit did not take.
    init(refusedFor reason: DropReason) {
        self = reason == .recipientOptedOut ? .declined : .refused
    }
}

extension ExitOutcome {
    /// What the sender is told.
    var receipt: (status: DeliveryStatus, code: UInt16) {
        switch self {
        case .delivered(let code): (.delivered, code)
        case .deferred(let deferral): (.deferred, deferral.code ?? 0)
        case .refused(.optedOut, _): (.declined, 0)
        case .refused(_, let code): (.refused, code ?? 0)
        }
    }
}
