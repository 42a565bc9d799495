// The name in a reply address: says nothing to anybody but this exit, and is the same at every attempt to deliver a mail.

internal import MixCrypto
internal import WireFormat

/// 20 bytes; 32 characters of lower-case base32 (RFC 4648 section 6) in an address.
struct ReplyToken: Sendable, Hashable {
    let bytes: [UInt8]

    static let size = 20

    /// The token of a message's recipient.
    init(message: MessageID, recipient: String, key: SymmetricSecret) {
        let name = Array("reply to \(message.hex) \(recipient)".utf8)
        bytes = Array(name.withUnsafeBytes { key.mac($0) }.bytes.prefix(Self.size))
    }

    /// Takes the 20 bytes; nil for another number of them.
    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads 32 characters; mail programs may have changed their case.
    init?(_ text: some StringProtocol) {
        guard let bytes = AddressText.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    var text: String { AddressText.encode(bytes) }
}
