// A nym as it is handed on: in a file for a copy, or from one device to another. Everything that the keyring has of it.
//
//     grant = version 1 u8 | created u64 | address text | network text | server's key 1216 | packets u8
//             | generation u32 | count u8 | (use u8 | created u64 | seeds 64) *          use 0: in use

internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import WireFormat

/// All that makes a nym ours.
struct NymGrant: Sendable {
    let nym: OwnNym
    let spare: [SpareNymKeys]
    let packets: NymClass
    /// Of its stock of reply blocks, so that whoever takes over begins a newer one.
    let generation: UInt32

    private static let version: UInt8 = 1
    private static let mostKeys = 64

    /// Gives the encoding, and wipes it afterwards.
    func withEncoded<Value>(_ body: ([UInt8]) throws -> Value) throws -> Value {
        var writer = WireWriter(capacity: 2048 + spare.count * 80)
        writer.integer(Self.version)
        writer.integer(UInt64(clamping: nym.created.seconds))
        writer.name(nym.address)
        writer.name(nym.network)
        writer.append(nym.server.bytes)
        writer.integer(packets.rawValue)
        writer.integer(generation)
        let former = spare.suffix(Self.mostKeys - 1)
        writer.integer(UInt8(1 + former.count))
        writer.integer(0 as UInt8)
        writer.integer(UInt64(clamping: nym.created.seconds))
        nym.keys.secret.bytes.withBytes { writer.append($0) }
        for keys in former {
            writer.integer(keys.use.rawValue)
            writer.integer(UInt64(clamping: keys.created.seconds))
            keys.keys.secret.bytes.withBytes { writer.append($0) }
        }
        var bytes = writer.bytes
        writer = WireWriter()
        defer { bytes.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
        return try body(bytes)
    }

    init(nym: OwnNym, spare: [SpareNymKeys], packets: NymClass, generation: UInt32) {
        self.nym = nym
        self.spare = spare
        self.packets = packets
        self.generation = generation
    }

    /// Reads what `withEncoded` gives.
    init(decoding bytes: [UInt8]) throws {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == Self.version else { throw WireError.unknownValue }
        let created = try reader.keyringTime()
        let address = try reader.keyringText()
        guard let checked = NymAddress(address), checked.description == address else { throw WireError.unknownValue }
        let network = try reader.keyringText()
        let server = try KEMPublicKey(try reader.slice(KEM.publicKeySize))
        guard let packets = NymClass(rawValue: try reader.integer()) else { throw WireError.unknownValue }
        self.packets = packets
        generation = try reader.integer()
        var current: NymKeys?
        var spare: [SpareNymKeys] = []
        for _ in 0..<(try reader.integer(UInt8.self)) {
            let use = try reader.integer(UInt8.self)
            let made = try reader.keyringTime()
            let seeds = try reader.slice(NymKeys.size)
            let keys = NymKeys(try seeds.withUnsafeBytes { try LockedSecret(copying: $0) })
            if use == 0 {
                current = keys
            } else if let use = SpareNymKeys.Use(rawValue: use) {
                spare.append(SpareNymKeys(address: address, created: made, use: use, keys: keys))
            } else {
                throw WireError.unknownValue
            }
        }
        try reader.end()
        guard let current else { throw WireError.unknownValue }
        nym = OwnNym(
            address: address, network: network, created: created, server: server, mailbox: nil, keys: current)
        self.spare = spare
    }
}

extension Keyring {
    /// What is handed on of a nym.
    func grant(of nym: OwnNym, _ state: NymState?) -> NymGrant {
        NymGrant(
            nym: nym, spare: items.compactMap(\.spareNymKeys).filter { $0.address == nym.address },
            packets: state?.packets ?? .low, generation: state?.generation ?? 1)
    }

    /// Takes a nym over from elsewhere.
    /// - Throws: `KeyringError.taken` if there is one of its address.
    func add(_ grant: NymGrant) throws {
        guard !nyms().contains(where: { $0.address == grant.nym.address }) else {
            throw KeyringError.taken(what: "a nym", grant.nym.address)
        }
        try take(grant, isNewer: true)
    }

    /// Takes a nym from another device, or its keys. No key that is here is ever erased: one that is not in use any
    /// more still opens what comes late, and if the other device was wrong, it is there.
    /// - Parameter isNewer: the other device's keys come into use in place of those that are here.
    func take(_ grant: NymGrant, isNewer: Bool) throws {
        try change { items in
            let address = grant.nym.address
            var known: [VerificationKey] = try items.compactMap(\.spareNymKeys).filter { $0.address == address }
                .map { try $0.keys.signing().verificationKey }
            func keep(_ keys: NymKeys, created: Timestamp, use: SpareNymKeys.Use) throws {
                let key = try keys.signing().verificationKey
                guard !known.contains(key) else { return }
                known.append(key)
                items.append(
                    .spareNymKeys(SpareNymKeys(address: address, created: created, use: use, keys: keys)))
            }
            var isUsed = true
            if let index = items.firstIndex(where: { $0.nym?.address == address }), var old = items[index].nym {
                let isSame = try old.keys.signing().verificationKey == grant.nym.keys.signing().verificationKey
                isUsed = isNewer || isSame
                if isNewer, !isSame {
                    try keep(old.keys, created: grant.nym.created, use: .former)
                    old.keys = grant.nym.keys
                    items[index] = .nym(old)
                } else {
                    known.append(try old.keys.signing().verificationKey)
                }
            } else {
                items.append(.nym(grant.nym))
            }
            if !isUsed { try keep(grant.nym.keys, created: grant.nym.created, use: .former) }
            for spare in grant.spare {
                try keep(spare.keys, created: spare.created, use: isUsed ? spare.use : .former)
            }
        }
    }
}
