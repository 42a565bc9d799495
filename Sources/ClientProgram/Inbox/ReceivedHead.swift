// The header of a received message, made here: the writer has a say in a few fields only, each of which must pass the rules
// that exits apply as well.

internal import Messages
internal import WireFormat

extension ReceivedMessage {
    /// Host of addresses that lead nowhere (RFC 2606).
    private static let nowhere = "nightjar.invalid"

    /// Header fields and the empty line after them, ASCII with CRLF. Says when the message was complete, to which of our
    /// names it came, and what of the writer's fields passes `HeaderRules`.
    /// - Parameter isEncoded: the body that will follow is the base64 of bytes that are no mail.
    public func head(encodingBody isEncoded: Bool = false) -> [UInt8] {
        // A mail from outside has its own header, whole, at the beginning of what is kept as its body.
        if case .nym(let address) = origin {
            return (try? HeaderField("X-Nightjar-Nym", address))?.serialized ?? []
        }
        var lines: [HeaderField?] = [
            try? HeaderField("Date", Self.date(received)),
            (try? HeaderRules.from(displayName: fields[.displayName], address: "anonymous@\(Self.nowhere)"))
                ?? (try? HeaderRules.from(displayName: nil, address: "anonymous@\(Self.nowhere)")),
            try? HeaderField("To", recipient),
            try? HeaderField("Message-ID", "<\(token)@\(Self.nowhere)>"),
        ]
        for (field, value) in fields.sorted(by: { $0.key < $1.key })
        where field != .displayName && !(isEncoded && field.isMIME) {
            lines += Self.checked(field, value)
        }
        if isEncoded {
            lines.append(try? HeaderField("MIME-Version", "1.0"))
            lines.append(try? HeaderField("Content-Type", "application/octet-stream"))
            lines.append(try? HeaderField("Content-Transfer-Encoding", "base64"))
        }
        if origin != .file { lines.append(try? HeaderField("X-Nightjar-\(originField)", origin.name)) }
        if let key { lines.append(try? HeaderField("X-Nightjar-Sealed-To", key)) }
        if !replyBlocks.isEmpty { lines.append(try? HeaderField("X-Nightjar-Reply-Blocks", "\(replyBlocks.count)")) }
        return lines.compactMap(\.self).flatMap(\.serialized) + [0x0D, 0x0A]
    }

    /// Header fields of the writer's that pass the rules; the others are left out.
    private static func checked(_ field: SenderField, _ value: String) -> [HeaderField] {
        (try? HeaderRules.senderHeaders(from: [field: value])) ?? []
    }

    private var recipient: String {
        switch origin {
        case .file: "undisclosed-recipients:;"
        default: "\"\(origin.kind) \(origin.name)\" <\(origin.name)@\(origin.kind).\(Self.nowhere)>"
        }
    }

    private var originField: String {
        switch origin {
        case .identity: "Identity"
        case .mailbox: "Mailbox"
        case .nym: "Nym"
        case .key, .file: "Key"
        }
    }

    /// RFC 5322 section 3.3, in UTC.
    static func date(_ time: Timestamp) -> String {
        let seconds = max(time.seconds, 0)
        // 2026-11-21T06:00:00Z
        let iso = Timestamp(seconds: seconds).description.split(separator: "T")
        let date = iso[0].split(separator: "-")
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = months[((Int(date[1]) ?? 1) - 1) % 12]
        return "\(weekdays[Int(seconds / 86_400 % 7)]), \(date[2]) \(month) \(date[0]) \(iso[1].dropLast()) +0000"
    }
}
