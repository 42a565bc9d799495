// Encodings of what a keyring holds of nyms. The secret stands behind each.
//
//     nym        = created u64 | address text | network text | server's key 1216 | has mailbox u8 | mailbox id 32
//     spare keys = created u64 | use u8 | address text
//     link       = created u64 | side u8 | is used u8 | address text | network text | device text | node 32 | its name
//   text | mailbox id 32

internal import Messages
internal import MixCrypto
internal import WireFormat

extension OwnNym {
    var head: [UInt8] {
        var writer = WireWriter()
        writer.integer(UInt64(clamping: created.seconds))
        writer.name(address)
        writer.name(network)
        writer.append(server.bytes)
        writer.integer(UInt8(mailbox == nil ? 0 : 1))
        writer.fixed(mailbox ?? MailboxID())
        return writer.bytes
    }

    init(from reader: inout WireReader, secret: LockedSecret) throws {
        created = try reader.keyringTime()
        address = try reader.keyringText()
        network = try reader.keyringText()
        server = try KEMPublicKey(try reader.slice(KEM.publicKeySize))
        let flag = try reader.integer(UInt8.self)
        guard flag <= 1 else { throw WireError.unknownValue }
        let id: MailboxID = try reader.fixed()
        mailbox = flag == 1 ? id : nil
        keys = NymKeys(secret)
    }
}

extension SpareNymKeys {
    var head: [UInt8] {
        var writer = WireWriter()
        writer.integer(UInt64(clamping: created.seconds))
        writer.integer(use.rawValue)
        writer.name(address)
        return writer.bytes
    }

    init(from reader: inout WireReader, secret: LockedSecret) throws {
        created = try reader.keyringTime()
        guard let use = Use(rawValue: try reader.integer()) else { throw WireError.unknownValue }
        self.use = use
        address = try reader.keyringText()
        keys = NymKeys(secret)
    }
}

extension OwnNymLink {
    var head: [UInt8] {
        var writer = WireWriter()
        writer.integer(UInt64(clamping: created.seconds))
        writer.integer(side.rawValue)
        writer.integer(UInt8(isUsed ? 1 : 0))
        writer.name(address)
        writer.name(network)
        writer.name(device)
        writer.fixed(node)
        writer.name(nodeName)
        writer.fixed(box)
        return writer.bytes
    }

    init(from reader: inout WireReader, secret: LockedSecret) throws {
        created = try reader.keyringTime()
        guard let side = Side(rawValue: try reader.integer()) else { throw WireError.unknownValue }
        self.side = side
        let flag = try reader.integer(UInt8.self)
        guard flag <= 1 else { throw WireError.unknownValue }
        isUsed = flag == 1
        address = try reader.keyringText()
        network = try reader.keyringText()
        device = try reader.keyringText()
        node = try reader.fixed()
        nodeName = try reader.keyringText()
        box = try reader.fixed()
        self.secret = LinkSecret(secret)
    }
}
