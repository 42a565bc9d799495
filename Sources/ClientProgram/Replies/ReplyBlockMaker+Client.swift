// Reply blocks as the client's commands need them.

internal import Daemon
internal import Directory
internal import Messages
internal import MixCrypto
internal import Sphinx
internal import Spool
internal import WireFormat

extension Client {
    /// Where answers go if nobody says otherwise: our default mailbox of the network, else `reply-address`; nil if there is
    /// neither.
    func ownReplyTarget(_ keyring: Keyring, _ network: Network) throws -> ReplyTarget? {
        if let target = keyring.defaultMailbox(in: network.name)?.replyTarget { return target }
        guard let text = config.replyAddress else { return nil }
        return ReplyTarget(address: try Self.address(text))
    }

    /// Makes reply blocks and notes them in the log, unless the settings turn it off.
    /// - Parameter identity: a name that `EntryName` allows, or `receipts`.
    func makeReplyBlocks(
        _ count: Int, identity: String, target: ReplyTarget, path: PathSpecification = .standard, keyring: Keyring,
        network: Network, using generator: inout some RandomNumberGenerator
    ) throws -> [(surb: SURB, id: SURBID)] {
        let now = time.clock.now()
        let maker = try keyring.currentMaker(identity: identity, at: now)
        let blocks = try ReplyBlockMaker(network: network, blocked: blocked(in: network), now: now)
            .make(count, identity: identity, target: target, path: path, maker: maker, using: &generator)
        if config.logsReplyBlocks {
            let records = try records()
            defer { records.close() }
            try ReplyBlockLog(records).add(
                blocks.map { surb, id in
                    OwnReplyBlock(
                        id: id, identity: identity, made: now, expiry: surb.expiry, target: target.text,
                        digest: surb.digest)
                })
        }
        return blocks
    }
}

extension SURB {
    /// SHA-256 of the header: names a block of somebody else's, whose id only its maker can see.
    var digest: Digest { .sha256(header) }
}
