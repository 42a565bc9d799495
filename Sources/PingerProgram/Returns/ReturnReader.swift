// What a block in an own mailbox is. Anybody can put things there, the node that holds it above all, so nothing is believed
// but what the database knows.

internal import Messages
internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// A block as it may be a probe.
enum ReturnedBlock: Hashable, Sendable {
    /// It names a probe; what it says, nil if it cannot be read.
    case named(tag: [UInt8], content: Digest?)
    /// It can be none of ours.
    case foreign
}

/// Reads blocks.
struct ReturnReader: Sendable {
    let maker: SURBMaker

    func read(_ fragment: MailFragment) -> ReturnedBlock {
        // Loops are messages of one packet, and so of one piece.
        guard fragment.count == 1 else { return .foreign }
        return .named(tag: fragment.message.bytes, content: .sha256(fragment.bytes))
    }

    func read(_ record: ReplyRecord) -> ReturnedBlock {
        do throws(SURBError) {
            let info = try ReplyInfo(record.surb.bytes + record.sealedKeys)
            return .named(
                tag: record.surb.bytes, content: .sha256(try maker.open(info, payload: record.payload).content))
        } catch {
            // The keys in it are sealed for us: with those of somebody else, or changed ones, it may still have the name of
            // one of ours, and then it was changed.
            return .named(tag: record.surb.bytes, content: nil)
        }
    }
}
