// A mail that waits for the mail server, as the store keeps it, sealed.

internal import NymProtocol
internal import WireFormat

/// A nym's mail on its way out.
///
///     accepted u64 ms | token 32 | pending u8 (bit i: recipient i) | the mail
struct WaitingMail: Hashable, Sendable {
    let mail: NymMail
    /// When it was accepted.
    let accepted: Timestamp
    /// Becomes the Message-ID.
    let token: Digest
    /// Recipients whose end is not known, by their places in the mail.
    private var pending: UInt8

    init(_ mail: NymMail, accepted: Timestamp, token: Digest) {
        self.mail = mail
        self.accepted = accepted
        self.token = token
        pending = UInt8(truncatingIfNeeded: (1 << mail.recipients.count) - 1)
    }

    /// Places of the recipients whose end is not known.
    var open: [Int] { mail.recipients.indices.filter { pending & (1 << UInt8($0)) != 0 } }

    /// This recipient's end is known.
    mutating func settle(_ place: Int) { pending &= ~(1 << UInt8(place)) }

    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 1024)
        writer.integer(UInt64(max(0, accepted.milliseconds)))
        writer.fixed(token)
        writer.integer(pending)
        writer.append(mail.encoded)
        return writer.bytes
    }

    /// Reads what `encoded` makes; nil for anything else.
    init?(decoding bytes: [UInt8]) {
        var reader = WireReader(bytes)
        guard let time = try? reader.integer(UInt64.self), let milliseconds = Int64(exactly: time),
            let token = try? reader.fixed(Digest.self), let pending = try? reader.integer(UInt8.self),
            let mail = try? NymMail(decoding: Array(reader.rest()))
        else { return nil }
        self.mail = mail
        accepted = Timestamp(milliseconds: milliseconds)
        self.token = token
        self.pending = pending
    }
}
