// An answer as it leaves the mix network: what the last node of a reply block's path hands over. Only the maker of the block
// can open it; the node sees the block's id, which is random, and noise.

public import WireFormat

/// What a reply's last node hands over, always 25,909 bytes.
///
///     SURB id 16 | sealed keys 241 | payload 25652
public struct ReplyRecord: Hashable, Sendable {
    /// Names the SURB.
    public let surb: SURBID
    /// What opens the answer, sealed to the SURB's maker: 241 bytes.
    public let sealedKeys: [UInt8]
    /// 25,652 bytes.
    public let payload: [UInt8]

    public static let sealedKeysSize = 241
    /// The packet's payload: a tag of 32 bytes and a content.
    public static let payloadSize = 32 + PayloadSize.content
    /// Bytes of the whole.
    public static let size = SURBID.byteCount + sealedKeysSize + payloadSize

    /// Checks the sizes; `malformedRecord` if one is off.
    public init(surb: SURBID, sealedKeys: [UInt8], payload: [UInt8]) throws(MessageError) {
        guard sealedKeys.count == Self.sealedKeysSize, payload.count == Self.payloadSize else { throw .malformedRecord }
        self.surb = surb
        self.sealedKeys = sealedKeys
        self.payload = payload
    }

    /// The 25,909 bytes.
    public var encoded: [UInt8] { surb.bytes + sealedKeys + payload }

    /// Reads exactly one record.
    public init(decoding bytes: some Collection<UInt8>) throws(MessageError) {
        let bytes = Array(bytes)
        guard bytes.count == Self.size, let surb = SURBID(bytes[..<SURBID.byteCount]) else { throw .malformedRecord }
        let keysEnd = SURBID.byteCount + Self.sealedKeysSize
        try self.init(
            surb: surb, sealedKeys: Array(bytes[SURBID.byteCount..<keysEnd]), payload: Array(bytes[keysEnd...]))
    }
}

/// What stands in armor or in a file for `nightjar decode`.
///
///     version 1 u8 | kind u8 | the rest
public enum ArmoredMessage: Hashable, Sendable {
    /// Kind 1: an answer through one of our reply blocks.
    case reply(ReplyRecord)
    /// Kind 2: a mail sealed to somebody's public key.
    case sealedMail([UInt8])
    /// Kind 3: an encoded message (`MessageReader`), as a mailbox or a file gives it.
    case message([UInt8])

    private static let version: UInt8 = 1

    public var encoded: [UInt8] {
        switch self {
        case .reply(let record): [Self.version, 1] + record.encoded
        case .sealedMail(let bytes): [Self.version, 2] + bytes
        case .message(let bytes): [Self.version, 3] + bytes
        }
    }

    /// `unknownVersion` or `malformedRecord`.
    public init(decoding bytes: [UInt8]) throws(MessageError) {
        guard bytes.count > 2 else { throw .malformedRecord }
        guard bytes[0] == Self.version else { throw .unknownVersion }
        switch bytes[1] {
        case 1: self = .reply(try ReplyRecord(decoding: bytes[2...]))
        case 2: self = .sealedMail(Array(bytes[2...]))
        case 3: self = .message(Array(bytes[2...]))
        default: throw .malformedRecord
        }
    }
}

/// Where a reply block's last node takes the answer: an address, and for a mailbox the token that lets answers in.
///
///     box:HEX@NODE?TOKEN        or any address alone
public struct ReplyTarget: Hashable, Sendable {
    public let address: Address
    /// 16 bytes; only with a `box:` address.
    public let token: MailboxToken?

    /// Nil if a token stands with an address that has no use for it.
    public init?(address: Address, token: MailboxToken? = nil) {
        guard token == nil || address.kind == .box else { return nil }
        self.address = address
        self.token = token
    }

    /// Reads the one spelling of `text`.
    public init(_ text: String) throws(AddressError) {
        guard text.hasPrefix("box:"), let mark = text.firstIndex(of: "?") else {
            address = try Address(canonical: text)
            token = nil
            return
        }
        address = try Address(canonical: text[..<mark])
        guard let token = MailboxToken(hex: text[text.index(after: mark)...]), text.hasSuffix("?\(token.hex)") else {
            throw .badMailbox
        }
        self.token = token
    }

    /// At most 353 bytes.
    public var text: String { address.description + (token.map { "?\($0.hex)" } ?? "") }
}
