// What one device leaves for another in a mailbox: sealed under a key that only the two have. The mailbox's node sees
// its length, and when it comes.
//
//     message = "nightjar nym link 1\n" | kind u8 | nonce 12 | AES-256-GCM(key, nonce, aad = what is before) of content
//     grant   = secret 16 | a grant             (kind 1, under the code's grant key)
//     keys    = a grant                         (kind 2: after a change of keys; this and all others under the mirror
//                                                key of the secret that came with the grant)
//     mail    = address text | item u64 | mail  (kind 3)
//     results = address text | count u8 | (device u64 | number u64 | code u8 | text u16) *      (kind 4)

internal import MixCrypto
internal import NymProtocol
internal import WireFormat

/// One message of a link.
struct LinkMessage: Sendable {
    enum Kind: UInt8, Sendable {
        case grant = 1
        case keys = 2
        case mail = 3
        case results = 4
    }

    static let mark = Array("nightjar nym link 1\n".utf8)
    /// Random bytes behind a mark and a kind, so that lengths tell less.
    private static let headSize = mark.count + 1 + SealedBox.nonceSize

    /// Seals `content`.
    static func seal(
        _ kind: Kind, _ content: [UInt8], with secret: LinkSecret, using generator: inout some RandomNumberGenerator
    ) throws -> [UInt8] {
        let head = mark + [kind.rawValue] + generator.bytes(SealedBox.nonceSize)
        return head
            + (try SealedBox.seal(
                content, key: key(kind, secret), nonce: Array(head.suffix(SealedBox.nonceSize)), authenticating: head))
    }

    /// Opens a message; nil if it is none, or not of this link.
    static func open(_ message: [UInt8], with secret: LinkSecret) -> (kind: Kind, content: [UInt8])? {
        guard message.starts(with: mark), message.count > headSize, let kind = Kind(rawValue: message[mark.count])
        else {
            return nil
        }
        let head = Array(message[..<headSize])
        let content = try? SealedBox.open(
            Array(message[headSize...]), key: key(kind, secret), nonce: Array(head.suffix(SealedBox.nonceSize)),
            authenticating: head)
        return content.map { (kind, $0) }
    }

    private static func key(_ kind: Kind, _ secret: LinkSecret) -> SymmetricSecret {
        kind == .grant ? secret.grantKey : secret.mirrorKey
    }

    // MARK: Contents

    /// Gives the content that hands a nym over, with the secret of all that follows, and wipes it afterwards.
    static func withGrant<Value>(
        _ grant: NymGrant, _ secret: LinkSecret, _ body: ([UInt8]) throws -> Value
    ) throws -> Value {
        try grant.withEncoded { encoded in
            var content = secret.bytes.bytes.withBytes { Array($0) } + encoded
            defer { content.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
            return try body(content)
        }
    }

    static func readGrant(_ content: [UInt8]) throws -> (secret: LinkSecret, grant: NymGrant) {
        guard content.count > LinkSecret.size else { throw WireError.unknownValue }
        let bytes = try content[..<LinkSecret.size].withUnsafeBytes { try LockedSecret(copying: $0) }
        return (LinkSecret(bytes), try NymGrant(decoding: Array(content[LinkSecret.size...])))
    }

    static func mail(_ mail: [UInt8], address: String, item: UInt64) -> [UInt8] {
        var writer = WireWriter(capacity: mail.count + 300)
        writer.name(address)
        writer.integer(item)
        writer.append(mail)
        return writer.bytes
    }

    static func readMail(_ content: [UInt8]) throws(WireError) -> (address: String, item: UInt64, mail: [UInt8]) {
        var reader = WireReader(content)
        return (try reader.keyringText(), try reader.integer(), Array(reader.rest()))
    }

    static func results(_ results: [NymResult], address: String) -> [UInt8] {
        var writer = WireWriter()
        writer.name(address)
        writer.integer(UInt8(clamping: results.count))
        for result in results.prefix(Int(UInt8.max)) {
            writer.integer(result.device)
            writer.integer(result.number)
            writer.integer(result.code.rawValue)
            writer.nymText(result.text)
        }
        return writer.bytes
    }

    static func readResults(_ content: [UInt8]) throws(WireError) -> (address: String, results: [NymResult]) {
        var reader = WireReader(content)
        let address = try reader.keyringText()
        var results: [NymResult] = []
        for _ in 0..<(try reader.integer(UInt8.self)) {
            let (device, number): (UInt64, UInt64) = (try reader.integer(), try reader.integer())
            guard let code = NymResultCode(rawValue: try reader.integer()) else { throw .unknownValue }
            results.append(NymResult(device: device, number: number, code: code, text: try reader.nymText()))
        }
        try reader.end()
        return (address, results)
    }
}
