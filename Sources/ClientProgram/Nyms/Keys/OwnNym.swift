// What makes a nym ours: its keys, and what it is tied to. All of it is in the keyring, so that a copy of that file is
// a copy of every nym.

internal import Messages
internal import MixCrypto
internal import WireFormat

/// The two keys of a nym, made from 64 secret bytes: the seed of the key that signs what we ask of the server, and the
/// seed of the key to which the server seals everything for us.
struct NymKeys: Sendable {
    /// Bytes of both seeds.
    static let size = 64

    let secret: LockedSecret

    init(_ secret: LockedSecret) { self.secret = secret }

    /// New keys from the system's randomness.
    static func random() throws -> NymKeys { NymKeys(LockedSecret(try SecretBytes.random(count: size))) }

    /// Signs requests.
    func signing() throws -> SigningKey { try SigningKey(seed: half(0)) }

    /// Opens what is sealed to the nym.
    func sealing() throws -> KEMPrivateKey { try KEMPrivateKey(seed: half(1)) }

    private func half(_ index: Int) throws -> SecretBytes {
        try secret.bytes.withBytes { all in
            let part = UnsafeRawBufferPointer(rebasing: all[index * 32..<index * 32 + 32])
            return try SecretBytes(count: 32) { (block) throws(Never) in block.copyMemory(from: part) }
        }
    }
}

/// A pseudonym of ours.
struct OwnNym: Sendable {
    /// `alice@nym.example`, in lower case.
    let address: String
    /// The network through which its server is reached.
    let network: String
    let created: Timestamp
    /// The server's key as it was when the nym was made; another one is never used without being asked for.
    let server: KEMPublicKey
    /// Where its packets come to, a mailbox for it alone; nil on a device to which another one passes the mail on.
    var mailbox: MailboxID?
    var keys: NymKeys

    /// What is before the @.
    var name: String { String(address.prefix { $0 != "@" }) }
    /// What is behind it.
    var domain: String { String(address.drop { $0 != "@" }.dropFirst()) }
    /// The identity whose reply blocks its server gets.
    var identity: String { NymIdentity.name(address: address, network: network) }
}

/// Names for what belongs to one nym: an identity for its reply blocks and a mailbox. Whoever sees the name learns
/// nothing of the address.
enum NymIdentity {
    private static let prefix = "nym-"
    private static let digits = 26

    static func name(address: String, network: String) -> String {
        name(Array("nightjar/1 nym identity\n\(network)\n\(address)".utf8))
    }

    /// The name of the mailbox whose key is made from a link's secret.
    static func name(_ bytes: [UInt8]) -> String { prefix + Base32.encode(Digest.sha256(bytes).bytes.prefix(16)) }

    /// Whether `name` is of that form: such a mailbox is nobody else's place for answers.
    static func isName(_ name: String) -> Bool {
        name.hasPrefix(prefix) && name.utf8.count == prefix.utf8.count + digits
            && Base32.decode(name.dropFirst(prefix.count)) != nil
    }
}

/// Keys of a nym besides those in use.
struct SpareNymKeys: Sendable {
    enum Use: UInt8, Sendable {
        /// The server was asked to take them, and has not said yet that it did.
        case next = 1
        /// They were in use before: what was sealed to them may still come.
        case former = 2
    }

    let address: String
    let created: Timestamp
    let use: Use
    let keys: NymKeys
}

/// The tie between a nym's first device and another one.
struct OwnNymLink: Sendable {
    /// Which of the two this device is.
    enum Side: UInt8, Sendable {
        /// The other device's: our mails are passed on to it.
        case giving = 1
        /// Ours: the mailbox that others leave keys and mails in.
        case taking = 2
    }

    /// The nym; empty on the side that takes until the keys have come.
    var address: String
    let network: String
    /// What its owner calls the other device.
    let device: String
    let side: Side
    let node: NodeID
    let nodeName: String
    let created: Timestamp
    /// Whether the keys were passed on: that is done once.
    var isUsed: Bool
    /// The mailbox that the code names; on the side that gives the one that is written to, which is the secret's own as
    /// soon as that is there.
    var box: MailboxID
    /// That of the code until the keys were passed on, then the one that came with them.
    var secret: LinkSecret
}
