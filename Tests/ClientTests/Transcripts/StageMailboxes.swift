import Daemon
import MMTP
import Messages
import MixCrypto
import Synchronization
import WireFormat

/// The mailboxes of one node in a session: what the format says of them and nothing more. `NodeTests` and
/// `IntegrationTests` have the real ones.
final class StageMailboxes: BlockResponder {
    private struct Box {
        var policy: MailboxPolicy
        var blocks: [(id: UInt64, record: ReplyRecord)] = []
        var last: UInt64 = 0

        /// - Parameter beyond: the block that goes with it.
        func status(beyond: Int = 0) -> MailboxStatus {
            MailboxStatus(
                waiting: UInt32(blocks.count - beyond), used: UInt32(blocks.count), quota: 1000,
                expires: Timestamp(seconds: 4_000_000_000))
        }
    }

    private let node: NodeID
    private let boxes = Mutex<[String: Box]>([:])

    init(node: NodeID) { self.node = node }

    /// An answer for the mailbox that `address` names; lost if there is none.
    func put(_ record: ReplyRecord, for address: Address) {
        boxes.withLock { boxes in
            guard var box = boxes[address.user] else { return }
            box.last += 1
            box.blocks.append((box.last, record))
            boxes[address.user] = box
        }
    }

    func respond(to type: FrameType, body: [UInt8], reply: @escaping @Sendable (Answer, [UInt8]) -> Void) {
        guard let request = try? UnverifiedMailboxRequest(body).verify(node: node, at: ScaledClock.systemTime()) else {
            return reply(.received, MailboxBlock.refused(.malformed).encoded)
        }
        let name = Hex.encode(request.mailbox.bytes)
        let block = boxes.withLock { boxes -> MailboxBlock in
            if case .create(let policy) = request.operation { boxes[name] = boxes[name] ?? Box(policy: policy) }
            guard var box = boxes[name] else { return .refused(.noSuchMailbox) }
            defer { boxes[name] = box }
            switch request.operation {
            case .fetch(let ids):
                box.blocks.removeAll { ids.contains($0.id) }
                guard let first = box.blocks.first else { return .empty(box.status()) }
                return .reply(id: first.id, first.record, box.status(beyond: 1))
            case .create, .status: return .done(box.status())
            case .configure(let policy):
                box.policy = policy
                return .done(box.status())
            case .delete:
                box.blocks = []
                return .done(box.status())
            }
        }
        reply(.received, block.encoded)
    }
}
