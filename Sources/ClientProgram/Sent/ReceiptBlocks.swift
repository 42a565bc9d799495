// Reply blocks for receipts and for answers to questions: they end in a mailbox of ours.

internal import Daemon
internal import Directory
internal import Messages
internal import Sphinx
internal import WireFormat

/// Makes the reply blocks that exits answer through.
struct ReceiptBlocks: Sendable {
    /// Where answers end.
    let target: ReplyTarget
    private let maker: SURBMaker

    init(target: ReplyTarget, maker: SURBMaker) {
        self.target = target
        self.maker = maker
    }

    /// A block, and the nodes on its path.
    /// - Parameter avoiding: nodes to leave out if there are paths without them.
    func make(
        network: Network, blocked: Set<NodeID>, avoiding: Set<NodeID> = [], at now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) throws -> (encoded: [UInt8], block: RetransmissionPlan.Block) {
        do throws(PathError) {
            return try make(network, blocked.union(avoiding), now, &generator)
        } catch {
            guard !avoiding.isEmpty else { throw error }
            return try make(network, blocked, now, &generator)
        }
    }

    private func make(
        _ network: Network, _ blocked: Set<NodeID>, _ now: Timestamp,
        _ generator: inout some RandomNumberGenerator
    ) throws(PathError) -> (encoded: [UInt8], block: RetransmissionPlan.Block) {
        let blocks = ReplyBlockMaker(network: network, blocked: blocked, now: now)
        do {
            let nodes = try PathSelector(network: network, at: now).choose(
                .standard, demands: blocks.demands(for: target), using: &generator)
            let path = try PathSpecification(nodes.map(\.id.hex).joined(separator: ","))
            let made = try blocks.make(
                1, identity: SURBSecretSchedule.receipts, target: target, path: path, maker: maker, using: &generator)
            return (made[0].surb.encoded, RetransmissionPlan.Block(surb: made[0].id, back: nodes.map(\.id)))
        } catch let error as PathError {
            throw error
        } catch {
            throw .noExit("\(target.address)")
        }
    }
}

extension Client {
    /// What receipts come back through; nil without a mailbox in this network.
    /// - Parameter keyring: opens the keyring; asked only if there is one.
    func receiptBlocks(network: Network, keyring: () throws -> Keyring) throws -> ReceiptBlocks? {
        guard ClientPlaces.isThere(places.keyring) else { return nil }
        let keyring = try keyring()
        guard let target = keyring.defaultMailbox(in: network.name)?.replyTarget else { return nil }
        let maker = try keyring.currentMaker(identity: SURBSecretSchedule.receipts, at: time.clock.now())
        return ReceiptBlocks(target: target, maker: maker)
    }
}
