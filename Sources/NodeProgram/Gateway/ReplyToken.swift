// The name in a reply address: says nothing to anybody but this exit, and is the same at every attempt to deliver a mail.

internal import MixCrypto
internal import WireFormat

/// 20 bytes; 32 characters of lower-case base32 (RFC 4648 section 6) in an address.
struct ReplyToken: Sendable, Hashable {
    let bytes: [UInt8]

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
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
        guard text.utf8.count == 32 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for character in text.lowercased().utf8 {
            guard let value = Self.alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 5 | UInt32(value)
            count += 5
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
                bits &= (1 << count) - 1
            }
        }
        self.bytes = bytes
    }

    var text: String {
        var characters: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                characters.append(Self.alphabet[Int(bits >> count & 31)])
            }
            bits &= (1 << count) - 1
        }
        return String(decoding: characters, as: UTF8.self)
    }
}
