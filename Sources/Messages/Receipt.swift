// What an exit tells the sender of a message, through a reply block that came with the message or with a question about it.

public import WireFormat

/// How it stands with one recipient.
public enum DeliveryStatus: UInt8, Hashable, Sendable, CaseIterable {
    /// Waits for its first attempt.
    case queued = 0
    /// Taken: by the next mail server (2xx), a Maildir or a mailbox.
    case delivered = 1
    /// Not taken yet (4xx); it is tried again.
    case deferred = 2
    /// Refused for good (5xx), or by this exit's rules.
    case refused = 3
    /// The recipient wants no anonymous mail, or none from this sender.
    case declined = 4
    /// Tried until its deadline, without success.
    case expired = 5

    /// Whether nothing more will happen.
    public var isFinal: Bool { self != .queued && self != .deferred }
}

/// An exit's word on one message. At most some 12 KiB, so that it fits into one packet.
///
///     version 1 u8 | state u8 | message id 16 | count u16 | entries
///
/// State 0 unknown: no entries. State 1 incomplete: for each group count u8 and the indices of the shares that are held,
/// ascending, u8 each. State 2 complete: for each recipient status u8 and SMTP code u16.
public struct Receipt: Hashable, Sendable {
    /// How it stands with a recipient.
    public struct Recipient: Hashable, Sendable {
        public let status: DeliveryStatus
        /// What the mail server said, 0 if none did.
        public let code: UInt16

        public init(_ status: DeliveryStatus, code: UInt16 = 0) {
            self.status = status
            self.code = code
        }
    }

    /// How it stands with the message.
    public enum State: Hashable, Sendable {
        /// The exit has seen none of it, or has forgotten it.
        case unknown
        /// Shares are missing: for each group the indices of those that are held, ascending.
        case incomplete([[Int]])
        /// It was complete; in the order of the envelope's recipients.
        case complete([Recipient])
    }

    /// The message that it is about.
    public let message: MessageID
    public let state: State

    /// Most groups of a message.
    public static let maximumGroups =
        (MessageLimits.encoded - 1) / (PartLayout.dataSharesPerGroup * ShareCapacity.injected.rawValue) + 1
    private static let version: UInt8 = 1

    /// - Throws: `malformedRecord` beyond the bounds: groups and their indices, 1 to 8 recipients.
    public init(message: MessageID, state: State) throws(MessageError) {
        switch state {
        case .unknown: break
        case .incomplete(let groups):
            guard (1...Self.maximumGroups).contains(groups.count), groups.allSatisfy(Self.isAscending) else {
                throw .malformedRecord
            }
        case .complete(let recipients):
            guard (1...MessageLimits.recipients).contains(recipients.count) else { throw .malformedRecord }
        }
        self.message = message
        self.state = state
    }

    private static func isAscending(_ indices: [Int]) -> Bool {
        guard indices.allSatisfy({ (0...254).contains($0) }) else { return false }
        return zip(indices, indices.dropFirst()).allSatisfy { $0 < $1 }
    }

    /// The wire form.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: 64)
        writer.integer(Self.version)
        func head(_ state: UInt8, _ count: Int) {
            writer.integer(state)
            writer.fixed(message)
            writer.integer(UInt16(count))
        }
        switch state {
        case .unknown: head(0, 0)
        case .incomplete(let groups):
            head(1, groups.count)
            for indices in groups {
                // The initialiser has bounded indices to 0 ... 254, ascending.
                writer.integer(UInt8(indices.count))
                writer.append(indices.map { UInt8($0) })
            }
        case .complete(let recipients):
            head(2, recipients.count)
            for recipient in recipients {
                writer.integer(recipient.status.rawValue)
                writer.integer(recipient.code)
            }
        }
        return writer.bytes
    }

    /// Reads exactly one receipt; `malformedRecord` or `unknownVersion`.
    public init(decoding bytes: [UInt8]) throws(MessageError) {
        guard bytes.first.map({ $0 == Self.version }) ?? true else { throw .unknownVersion }
        do {
            var reader = WireReader(bytes)
            _ = try reader.integer(UInt8.self)
            let state = try reader.integer(UInt8.self)
            let message: MessageID = try reader.fixed()
            let count = Int(try reader.integer(UInt16.self))
            switch state {
            case 0 where count == 0:
                try self.init(message: message, state: .unknown)
            case 1 where count <= Self.maximumGroups:
                var groups: [[Int]] = []
                for _ in 0..<count {
                    let held = Int(try reader.integer(UInt8.self))
                    groups.append(try reader.slice(held).map { Int($0) })
                }
                try self.init(message: message, state: .incomplete(groups))
            case 2 where count <= MessageLimits.recipients:
                var recipients: [Recipient] = []
                for _ in 0..<count {
                    guard let status = DeliveryStatus(rawValue: try reader.integer()) else {
                        throw MessageError.malformedRecord
                    }
                    recipients.append(Recipient(status, code: try reader.integer()))
                }
                try self.init(message: message, state: .complete(recipients))
            default: throw MessageError.malformedRecord
            }
            try reader.end()
        } catch {
            throw .malformedRecord
        }
    }
}
