// What becomes of an answer whose reply block ends at this node: it goes into a mailbox, or is kept for whoever delivers to
// other addresses, in the same transaction that remembers its packet.

internal import Messages
internal import Mixing
internal import Sphinx
internal import Spool
internal import WireFormat

/// An answer for an address outside, as the spool keeps it until it has become a delivery.
struct ReplyItem: Sendable {
    /// The keeper's number for what it is.
    var kind: Int
    var body: [UInt8]
    var deadline: Timestamp
}

/// The decision about answers.
struct ReplyDoor: Sendable {
    enum Verdict {
        case mailbox(MailboxID, NewMailBlock)
        case item(ReplyItem)
        case drop(DropReason)
    }

    /// Nil for a node without mailboxes.
    let mailboxes: Mailboxes?
    /// Makes an item of an answer for an address that is no mailbox; nil if this node does not deliver there.
    let addresses:
        @Sendable (_ record: ReplyRecord, _ address: Address, _ release: Timestamp, _ now: Timestamp) -> ReplyItem?

    func decide(info: [UInt8], payload: [UInt8], release: Timestamp, now: Timestamp) -> Verdict {
        guard let info = try? ReplyInfo(info), let target = try? ReplyTarget(info.address),
            let record = try? ReplyRecord(surb: info.id, sealedKeys: info.sealedKeys, payload: payload)
        else { return .drop(.unknownMailbox) }
        guard target.address.kind == .box else {
            return addresses(record, target.address, release, now).map { .item($0) } ?? .drop(.unknownMailbox)
        }
        guard let mailboxes, let mailbox = mailboxes.mailbox(target.address) else { return .drop(.unknownMailbox) }
        do throws(SpoolError) {
            guard let policy = try mailboxes.policy(of: mailbox) else { return .drop(.unknownMailbox) }
            guard policy.admits(replyToken: target.token) else { return .drop(.recipientRefused) }
        } catch {
            // A policy that cannot be read lets nobody in; a disk that fails will refuse the packet at the commit.
            if error == .damaged { return .drop(.recipientRefused) }
        }
        return .mailbox(mailbox, Mailboxes.block(record, release: release, now: now))
    }
}
