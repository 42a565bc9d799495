// The name in the link that stands in each delivered mail. Everything that is needed to follow it stands in itself, so that
// nothing has to be kept for a mail that was delivered.

internal import Directory
internal import MixCrypto
internal import WireFormat

/// 35 bytes, 56 characters of base32 in an address.
///
///     day u16 (since 1970) | hash of the recipient 16 | tag of his host 3 | MAC 14
struct OptOutToken: Sendable, Hashable {
    /// Characters of a token in an address.
    static let length = 56
    /// How long a link works: as long as an opt-out is kept.
    static let keep = OptOutBook.keep
    private static let macSize = 14

    /// The day of the mail that it stands in, since 1970.
    let day: UInt16
    let hash: OptOutHash
    /// Stands for his host, so that its entries can be counted: under a key of the exit, as a hash of a host would name it.
    let host: [UInt8]
    private static let tagSize = 3

    init(hash: OptOutHash, host: String, key: SymmetricSecret, at now: Timestamp) {
        self.hash = hash
        self.host = Self.tag(host, key: key)
        day = UInt16(clamping: now.seconds / 86_400)
    }

    /// Reads a token that was made with `key`; nil for any other. Mail programs may have changed its case.
    init?(_ text: some StringProtocol, key: SymmetricSecret) {
        guard text.utf8.count == Self.length, let bytes = AddressText.decode(text), bytes.count == 35 else {
            return nil
        }
        guard let hash = OptOutHash(bytes[2..<18]) else { return nil }
        self.hash = hash
        host = Array(bytes[18..<21])
        day = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        let (claimed, made) = (Array(bytes[21...]), mac(key))
        guard claimed.withUnsafeBytes({ claimed in made.withUnsafeBytes { ConstantTime.equal(claimed, $0) } }) else {
            return nil
        }
    }

    func text(key: SymmetricSecret) -> String { AddressText.encode(body + mac(key)) }

    func hasExpired(at now: Timestamp) -> Bool {
        Timestamp(seconds: Int64(day) * 86_400) + Self.keep + .days(1) <= now
    }

    /// What stands for a host.
    static func tag(_ host: String, key: SymmetricSecret) -> [UInt8] {
        Array(Array("host \(host)".utf8).withUnsafeBytes { key.mac($0) }.bytes.prefix(tagSize))
    }

    private var body: [UInt8] { [UInt8(day >> 8), UInt8(day & 0xFF)] + hash.bytes + host }

    private func mac(_ key: SymmetricSecret) -> [UInt8] {
        Array(body.withUnsafeBytes { key.mac($0) }.bytes.prefix(Self.macSize))
    }
}

/// Bytes in the user part of an address: base32, which mail programs may have put into capital letters.
enum AddressText {
    static func encode(_ bytes: [UInt8]) -> String { Base32.encode(bytes) }

    /// Nil for what `encode` does not give, but for the case of letters.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let small = text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return Base32.decode(String(decoding: small, as: UTF8.self))
    }
}
