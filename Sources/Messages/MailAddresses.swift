// Whom a mail names in its own header, for whoever asks that it be sent to these (like `sendmail -t`).

/// Addresses in the header of a mail that a person hands over.
public enum MailAddresses {
    /// More than any message may have; a longer list is not read further.
    static let maximum = 64

    /// The addresses (`user@host`) in To, Cc and Bcc, in this order, each once without regard to case. Empty for a text
    /// without a header. Display names, comments and names of groups are left out. Throws as `OutgoingMail` does.
    public static func recipients(of text: [UInt8]) throws(OutgoingMailError) -> [String] {
        let mail = try MailText(text)
        var found: [String] = []
        for name in ["to", "cc", "bcc"] {
            for field in mail.fields where field.name.lowercased() == name {
                for address in list(field.value) where found.count < maximum {
                    if !found.contains(where: { $0.lowercased() == address.lowercased() }) { found.append(address) }
                }
            }
        }
        return found
    }

    /// The addresses of an address list (RFC 5322 section 3.4), leniently: what is not an address is left for the
    /// address parser to name.
    static func list(_ value: [UInt8]) -> [String] {
        var addresses: [String] = []
        var words: [UInt8] = []
        var angle: [UInt8]?
        var isQuoted = false
        var depth = 0
        var position = 0
        func finish() {
            // With angle brackets the words before them are a display name.
            let text = String(decoding: (angle ?? words).filter { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self)
            if !text.isEmpty { addresses.append(text) }
            words = []
            angle = nil
        }
        var isInAngle = false
        while position < value.count {
            let byte = value[position]
            position += 1
            if byte == 0x5C, isQuoted || depth > 0 {
                position += 1
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where depth == 0: isQuoted.toggle()
            case _ where isQuoted: break
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth = max(0, depth - 1)
            case _ where depth > 0: break
            case UInt8(ascii: "<"):
                angle = []
                isInAngle = true
            case UInt8(ascii: ">"): isInAngle = false
            case UInt8(ascii: ":") where !isInAngle && !words.contains(0x40) && !isScheme(words):
                // The name of a group.
                words = []
            case UInt8(ascii: ","), UInt8(ascii: ";"):
                isInAngle = false
                finish()
            default:
                if isInAngle { angle?.append(byte) } else if angle == nil { words.append(byte) }
            }
        }
        finish()
        return addresses
    }

    /// Whether `word` is a kind of address of ours, which a colon may follow.
    private static func isScheme(_ word: [UInt8]) -> Bool {
        let text = String(decoding: word.filter { $0 != 0x20 }, as: UTF8.self)
        return Address.Kind(rawValue: text) != nil
    }
}
