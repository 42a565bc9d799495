// Who the pinger is to the nodes: its mailboxes and its reply blocks. Both follow from one secret, so that a database that is
// lost takes no mailbox with it.

internal import Messages
internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// The secrets of a pinger, as a client of the network.
///
///     mailbox master seed 32 | SURB secret 32
struct PingerIdentity: Sendable {
    private let master: SymmetricSecret
    private let surbSecret: SymmetricSecret

    /// Bytes of the file.
    static let size = 64

    /// - Parameter secret: 64 bytes.
    init(_ secret: borrowing SecretBytes) {
        (master, surbSecret) = secret.withBytes { bytes in
            (
                SymmetricSecret(UnsafeRawBufferPointer(rebasing: bytes.prefix(32))),
                SymmetricSecret(UnsafeRawBufferPointer(rebasing: bytes.suffix(32)))
            )
        }
    }

    /// Makes reply blocks and opens answers.
    var surbMaker: SURBMaker { SURBMaker(secret: surbSecret) }

    /// The key of the mailbox at a node: another one at each, so that nodes cannot tell that they belong together.
    func mailboxKey(at node: NodeID) throws -> SigningKey {
        let seed = master.derive(salt: node.bytes, info: "nightjar-pinger mailbox", count: 32)
        var copy = seed.withBytes { Array($0) }
        return try SigningKey(seed: SecretBytes(moving: &copy))
    }

    /// The token that answers to the mailbox at a node carry. The mailbox lets everybody in, so it is no secret's keeper.
    func replyToken(at node: NodeID) -> MailboxToken {
        let bytes = master.derive(salt: node.bytes, info: "nightjar-pinger token", count: MailboxToken.byteCount)
        return bytes.withBytes { MailboxToken($0) } ?? MailboxToken()
    }
}
