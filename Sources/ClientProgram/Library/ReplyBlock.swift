internal import Daemon
internal import Messages
internal import Sphinx
public import WireFormat

/// A reply block as programs see it: sends one packet to whoever made it.
public struct ReplyBlock: Hashable, Sendable {
    /// 7,224 bytes.
    public let bytes: [UInt8]
    /// From then on no packet gets through with it.
    public let expiry: Timestamp

    /// Reads 7,224 bytes; nil if they are no reply block.
    public init?(_ bytes: [UInt8]) {
        guard let surb = try? SURB(bytes) else { return nil }
        self.bytes = bytes
        expiry = surb.expiry
    }

    init(_ surb: SURB) {
        bytes = surb.encoded
        expiry = surb.expiry
    }

    /// All reply blocks in a text: armor, quoted or not, between other lines.
    public static func all(in text: String) -> [ReplyBlock] {
        Armor.decode(text, kind: .replyBlock).blocks.compactMap { ReplyBlock($0) }
    }

    /// The text form that goes into a mail.
    public var armored: String { Armor.encode(bytes, kind: .replyBlock) }
}

extension ReceivedMessage {
    /// The reply blocks that the writer enclosed, for `MailClient.reply`.
    public var blocks: [ReplyBlock] { replyBlocks.compactMap { ReplyBlock($0) } }
}

extension Client {
    /// Makes reply blocks to the default mailbox.
    func replyBlocks(
        _ count: Int, identity: String?, network name: String?, passphrase: PassphraseSource
    ) throws -> [ReplyBlock] {
        guard SurbRequest.countRange.contains(count) else {
            throw CommandFailure(
                "\(SurbRequest.countRange.lowerBound) to \(SurbRequest.countRange.upperBound) reply blocks can be made at "
                    + "a time", code: .usage)
        }
        let network = try network(name)
        let keyring = try Keyring.open(self, passphrase: passphrase)
        guard let target = try ownReplyTarget(keyring, network) else {
            throw CommandFailure("there is no mailbox for answers; make one first", code: .usage)
        }
        let identity = try EntryName.check(identity ?? SURBSecretSchedule.standard, of: "an identity")
        guard identity != SURBSecretSchedule.receipts else { throw KeyringError.reservedIdentity }
        var generator = SystemRandomNumberGenerator()
        return try makeReplyBlocks(
            count, identity: identity, target: target, path: config.path, keyring: keyring, network: network,
            using: &generator
        ).map { ReplyBlock($0.surb) }
    }
}
