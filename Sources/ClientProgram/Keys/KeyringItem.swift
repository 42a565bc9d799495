// What a keyring holds, and its encoding (doc/CLIENT.md, keyring). Every item ends with its secret, so that secrets go
// straight from locked memory to locked memory.
//
//     item = kind u16 | length u32 | head | secret
//     text = length u8 | UTF-8

internal import Messages
internal import MixCrypto
internal import WireFormat

/// What makes and opens the reply blocks of an identity for some time.
struct SURBSecret: Sendable {
    let identity: String
    let created: Timestamp
    let secret: LockedSecret
}

/// A key of our own that others seal mail to.
struct OwnMailKey: Sendable {
    let name: String
    let created: Timestamp
    /// The seed of the X-Wing key.
    let seed: LockedSecret
}

/// One entry of a keyring.
enum KeyringItem: Sendable {
    case surbSecret(SURBSecret)
    case mailbox(OwnMailbox)
    case mailKey(OwnMailKey)
    case setting(name: String, value: String)
    case nym(OwnNym)
    case spareNymKeys(SpareNymKeys)
    case nymLink(OwnNymLink)
    /// Of a newer version; kept as it is.
    case unknown(kind: UInt16, LockedSecret?)

    private enum Kind {
        static let surbSecret: UInt16 = 1
        static let mailbox: UInt16 = 2
        static let mailKey: UInt16 = 3
        static let setting: UInt16 = 4
        static let nym: UInt16 = 5
        static let spareNymKeys: UInt16 = 6
        static let nymLink: UInt16 = 7
    }

    /// Bytes of the secret behind an item of a kind; nil for a kind that this version does not know.
    private static func secretSize(_ kind: UInt16) -> Int? {
        switch kind {
        case Kind.surbSecret, Kind.mailbox, Kind.mailKey: 32
        case Kind.setting: 0
        case Kind.nym, Kind.spareNymKeys: NymKeys.size
        case Kind.nymLink: LinkSecret.size
        default: nil
        }
    }

    var surbSecret: SURBSecret? { if case .surbSecret(let secret) = self { secret } else { nil } }
    var mailbox: OwnMailbox? { if case .mailbox(let box) = self { box } else { nil } }
    var mailKey: OwnMailKey? { if case .mailKey(let key) = self { key } else { nil } }

    var nym: OwnNym? { if case .nym(let nym) = self { nym } else { nil } }
    var spareNymKeys: SpareNymKeys? { if case .spareNymKeys(let keys) = self { keys } else { nil } }
    var nymLink: OwnNymLink? { if case .nymLink(let link) = self { link } else { nil } }

    /// Kind, what may be seen, and the secret behind it.
    var parts: (kind: UInt16, head: [UInt8], secret: LockedSecret?) {
        var writer = WireWriter()
        switch self {
        case .surbSecret(let item):
            writer.integer(UInt64(clamping: item.created.seconds))
            writer.name(item.identity)
            return (Kind.surbSecret, writer.bytes, item.secret)
        case .mailbox(let box):
            writer.integer(UInt64(clamping: box.created.seconds))
            writer.integer(UInt8(box.policyChanged ? 1 : 0))
            writer.name(box.name)
            writer.name(box.network)
            writer.fixed(box.node)
            writer.name(box.nodeName)
            let policy = box.policy.encoded
            writer.integer(UInt16(policy.count))
            writer.append(policy)
            return (Kind.mailbox, writer.bytes, box.seed)
        case .mailKey(let key):
            writer.integer(UInt64(clamping: key.created.seconds))
            writer.name(key.name)
            return (Kind.mailKey, writer.bytes, key.seed)
        case .setting(let name, let value):
            writer.name(name)
            writer.name(value)
            return (Kind.setting, writer.bytes, nil)
        case .nym(let nym): return (Kind.nym, nym.head, nym.keys.secret)
        case .spareNymKeys(let keys): return (Kind.spareNymKeys, keys.head, keys.keys.secret)
        case .nymLink(let link): return (Kind.nymLink, link.head, link.secret.bytes)
        case .unknown(let kind, let bytes): return (kind, [], bytes)
        }
    }

    /// Reads an item's body. What does not have the form that we know is of a newer version, and kept.
    init(kind: UInt16, body: UnsafeRawBufferPointer) throws {
        if let known = try? KeyringItem(known: kind, body: body) {
            self = known
        } else {
            self = .unknown(kind: kind, body.isEmpty ? nil : try LockedSecret(copying: body))
        }
    }

    private init(known kind: UInt16, body: UnsafeRawBufferPointer) throws {
        guard let secretSize = Self.secretSize(kind), body.count >= secretSize else { throw WireError.unknownValue }
        let split = body.count - secretSize
        var reader = WireReader(Array(body[..<split]))
        func secret() throws -> LockedSecret {
            try LockedSecret(copying: UnsafeRawBufferPointer(rebasing: body[split...]))
        }
        switch kind {
        case Kind.surbSecret:
            let created = try reader.keyringTime()
            let identity = try reader.keyringText()
            self = .surbSecret(SURBSecret(identity: identity, created: created, secret: try secret()))
        case Kind.mailbox:
            let created = try reader.keyringTime()
            let flags = try reader.integer(UInt8.self)
            guard flags <= 1 else { throw WireError.unknownValue }
            let name = try reader.keyringText()
            let network = try reader.keyringText()
            let node: NodeID = try reader.fixed()
            let nodeName = try reader.keyringText()
            let policy = try MailboxPolicy(decoding: try reader.slice(Int(try reader.integer(UInt16.self))))
            self = .mailbox(
                try OwnMailbox(
                    name: name, network: network, node: node, nodeName: nodeName, seed: try secret(), policy: policy,
                    created: created, policyChanged: flags == 1))
        case Kind.mailKey:
            let created = try reader.keyringTime()
            self = .mailKey(OwnMailKey(name: try reader.keyringText(), created: created, seed: try secret()))
        case Kind.nym: self = .nym(try OwnNym(from: &reader, secret: secret()))
        case Kind.spareNymKeys: self = .spareNymKeys(try SpareNymKeys(from: &reader, secret: secret()))
        case Kind.nymLink: self = .nymLink(try OwnNymLink(from: &reader, secret: secret()))
        default:
            let name = try reader.keyringText()
            self = .setting(name: name, value: try reader.keyringText())
        }
        try reader.end()
    }
}

extension WireWriter {
    /// A text of at most 255 bytes; longer ones are cut, which names and settings never are.
    mutating func name(_ text: String) {
        let bytes = Array(text.utf8.prefix(255))
        integer(UInt8(bytes.count))
        append(bytes)
    }
}

extension WireReader {
    mutating func keyringText() throws(WireError) -> String {
        try text(Int(try integer(UInt8.self)))
    }

    mutating func keyringTime() throws(WireError) -> Timestamp {
        guard let seconds = Int64(exactly: try integer(UInt64.self)) else { throw .unknownValue }
        return Timestamp(seconds: seconds)
    }
}
