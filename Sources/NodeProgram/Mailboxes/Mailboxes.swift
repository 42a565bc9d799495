// The mailboxes of a node as intake, exit and desk see them: which there are, and whom they let in.

internal import Messages
internal import Mixing
internal import Spool
internal import WireFormat

/// Kinds of blocks in the spool.
enum MailBlockKind {
    /// A `ReplyRecord`.
    static let reply = 1
    /// A `MailFragment`.
    static let fragment = 2
}

/// The mailboxes in a node's spool.
struct Mailboxes: Sendable {
    let spool: Spool
    let names: NodeNames

    /// How long a block waits to be fetched.
    static let blockLifetime = Interval.days(28)

    /// The mailbox that an address names, if it is a `box:` address of this node.
    func mailbox(_ address: Address) -> MailboxID? {
        guard address.kind == .box, names.contains(address.host) else { return nil }
        return MailboxID(hex: address.user)
    }

    /// The policy of a mailbox; nil if there is no such mailbox. A policy that does not decode lets nobody in.
    func policy(of mailbox: MailboxID) throws(SpoolError) -> MailboxPolicy? {
        guard let bytes = try spool.mailboxPolicy(mailbox) else { return nil }
        do throws(MessageError) { return try MailboxPolicy(decoding: bytes) } catch { throw .damaged }
    }

    /// The block that an answer becomes.
    static func block(_ record: ReplyRecord, release: Timestamp, now: Timestamp) -> NewMailBlock {
        NewMailBlock(
            kind: MailBlockKind.reply, release: release, expires: now + blockLifetime, body: record.encoded)
    }

    /// The blocks that an encoded message becomes. `malformedRecord` for one that is longer than messages are.
    static func blocks(
        of message: MessageID, encoded: [UInt8], release: Timestamp, now: Timestamp
    ) throws(MessageError) -> [NewMailBlock] {
        let count = MailFragment.count(ofLength: encoded.count)
        var blocks: [NewMailBlock] = []
        blocks.reserveCapacity(count)
        for index in 0..<count {
            let start = index * MailFragment.maximumSize
            let piece = Array(encoded[start..<min(start + MailFragment.maximumSize, encoded.count)])
            let fragment = try MailFragment(message: message, index: index, count: count, bytes: piece)
            blocks.append(
                NewMailBlock(
                    kind: MailBlockKind.fragment, release: release, expires: now + blockLifetime,
                    body: fragment.encoded))
        }
        return blocks
    }
}

extension Mailboxes: RecipientGate {
    /// Whether a message for `address` can be put into a mailbox here. Whether its sender is let in is seen later, because
    /// the answer to that hangs on the message.
    func refusal(of address: Address) -> DropReason? {
        guard let mailbox = mailbox(address) else { return .recipientRefused }
        do throws(SpoolError) {
            return try spool.mailboxPolicy(mailbox) == nil ? .unknownMailbox : nil
        } catch {
            // A disk that does not answer refuses nobody: the delivery has the last word.
            return nil
        }
    }
}

/// Whom a node delivers to, in mailboxes and outside.
struct NodeGate: RecipientGate {
    /// Nil for a node that is no exit.
    let exit: ExitGate?
    /// Nil for a node without mailboxes.
    let mailboxes: Mailboxes?

    func refusal(of address: Address) -> DropReason? {
        let gate: (any RecipientGate)? = address.kind == .box ? mailboxes : exit
        guard let gate else { return .recipientRefused }
        return gate.refusal(of: address)
    }
}
