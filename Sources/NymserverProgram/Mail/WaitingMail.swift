// A mail that waits for the mail server, as the store keeps it, sealed.

internal import Exits
internal import NymProtocol
internal import WireFormat

/// A mail on its way out.
///
///     kind u8 | accepted u64 ms | token 32 | pending u8 (bit i: recipient i) | the mail
struct WaitingMail: Hashable, Sendable {
    enum Content: Hashable, Sendable {
        /// From a nym.
        case nym(NymMail)
        /// For postmaster or abuse, as it came: goes to the operator.
        case forOperator([UInt8])
    }

    let content: Content
    /// When it was accepted: attempts end `RetrySchedule.lifetime` later.
    let accepted: Timestamp
    /// Becomes the Message-ID.
    let token: Digest
    /// Recipients whose end is not known, by their places in the mail.
    var pending: UInt8

    init(_ content: Content, accepted: Timestamp, token: Digest) {
        self.content = content
        self.accepted = accepted
        self.token = token
        switch content {
        case .nym(let mail): pending = UInt8(truncatingIfNeeded: (1 << mail.recipients.count) - 1)
        case .forOperator: pending = 1
        }
    }

    /// Places of the recipients whose end is not known.
    var open: [Int] { (0..<8).filter { pending & (1 << $0) != 0 } }

    mutating func settle(_ place: Int) { pending &= ~(1 << UInt8(place)) }

    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 1024)
        switch content {
        case .nym: writer.integer(UInt8(1))
        case .forOperator: writer.integer(UInt8(2))
        }
        writer.integer(UInt64(max(0, accepted.milliseconds)))
        writer.fixed(token)
        writer.integer(pending)
        switch content {
        case .nym(let mail): writer.append(mail.encoded)
        case .forOperator(let bytes): writer.append(bytes)
        }
        return writer.bytes
    }

    /// Nil for anything that `encoded` does not write.
    init?(decoding bytes: [UInt8]) {
        var reader = WireReader(bytes)
        guard let kind = try? reader.integer(UInt8.self), let time = try? reader.integer(UInt64.self),
            let milliseconds = Int64(exactly: time), let token = try? reader.fixed(Digest.self),
            let pending = try? reader.integer(UInt8.self)
        else { return nil }
        let rest = Array(reader.rest())
        switch kind {
        case 1:
            guard let mail = try? NymMail(decoding: rest) else { return nil }
            content = .nym(mail)
        case 2: content = .forOperator(rest)
        default: return nil
        }
        accepted = Timestamp(milliseconds: milliseconds)
        self.token = token
        self.pending = pending
    }
}
