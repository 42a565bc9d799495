// By what a mail is known that comes twice: mail servers hand a mail over again if the connection broke before our answer.

internal import MixCrypto
internal import WireFormat

enum ArrivalDigest {
    /// More of a mail's beginning is not searched for its fields.
    private static let mostHeader = 64 << 10
    /// Of the header these count, as they stand: what another server adds on a second way changes nothing.
    private static let fields = ["message-id", "from", "subject", "date"].map { Array($0.utf8) }

    /// HMAC of recipient, the fields that count, and the body. A mail without an id counts as a whole.
    static func of(_ mail: [UInt8], for recipient: String, key: SymmetricSecret) -> Digest {
        let start = Array("\(recipient)\n".utf8)
        var message = start
        var position = 0
        var (hasID, isKept) = (false, false)
        while position < min(mail.count, mostHeader) {
            let end = mail[position...].firstIndex(of: 0x0A) ?? mail.count
            let line = mail[position..<end]
            position = min(end + 1, mail.count)
            if line.isEmpty || line.elementsEqual([0x0D]) { break }
            if line.first != 0x20, line.first != 0x09 {
                let name = line.prefix { $0 != 0x3A }.map { $0 | 0x20 }
                isKept = fields.contains(name)
                hasID = hasID || name == fields[0]
            }
            if isKept { message += line + [0x0A] }
        }
        message = hasID ? message + mail[position...] : start + mail
        return message.withUnsafeBytes { key.mac($0) }
    }
}
