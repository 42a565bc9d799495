// By what a mail is known that comes twice: mail servers hand a mail over again if the connection broke before our answer.

internal import MixCrypto
internal import WireFormat

enum ArrivalDigest {
    /// More of a mail's beginning is not searched for its id.
    private static let mostHeader = 64 << 10

    /// HMAC of recipient, Message-ID and body: what another server adds to the header on a second way changes nothing. A mail
    /// without an id counts as a whole.
    static func of(_ mail: [UInt8], for recipient: String, key: SymmetricSecret) -> Digest {
        var message = Array("\(recipient)\n".utf8)
        var position = 0
        var id: ArraySlice<UInt8>?
        while position < min(mail.count, mostHeader) {
            let end = mail[position...].firstIndex(of: 0x0A) ?? mail.count
            let line = mail[position..<end]
            position = min(end + 1, mail.count)
            if line.isEmpty || line.elementsEqual([0x0D]) { break }
            if id == nil, line.prefix(11).map({ $0 | 0x20 }).elementsEqual("message-id:".utf8) {
                id = line.dropFirst(11)
            }
        }
        if let id {
            message += id
            message.append(0x0A)
            message += mail[position...]
        } else {
            message += mail
        }
        return message.withUnsafeBytes { key.mac($0) }
    }
}
