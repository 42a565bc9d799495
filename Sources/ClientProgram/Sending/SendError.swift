internal import Daemon
internal import Messages

/// What cannot be sent, in words for people.
enum SendError: Error, Equatable, Sendable, CustomStringConvertible, ExitCodeProviding {
    case address(String, AddressError)
    case unsupportedAddress(String)
    case noLocalUsers(node: String)
    case noMailboxes(node: String)
    case noNymserver(domain: String)
    case sealedTooLarge(Int, limit: Int)
    case noRecipientInMail
    case nowhereForAnswers
    case contactWithoutKey(String)
    case emptyMessage
    case tooManyCopies(Int)
    case queueFull(waiting: Int, limit: Int, wanted: Int)
    case diskFull
    case noMailboxForReceipts(option: String)

    var description: String {
        switch self {
        case .address(let text, let error):
            text.isEmpty ? error.description : "\(Printable.text(text)): \(error.description)"
        case .unsupportedAddress(let address):
            "this version cannot send to \(address); use an address of the kind smtp:user@host, "
                + "mbox:name@node, box:id@node or nym:name@domain"
        case .noLocalUsers(let node):
            "node \(node) has no local users (mbox:); see `nightjar nodes` for nodes with exit-mbox"
        case .noMailboxes(let node):
            "node \(node) has no mailboxes (box:); see `nightjar nodes` for nodes with the capability mailbox"
        case .noNymserver(let domain):
            "no node of this network hands mail over for nyms of \(domain); check the spelling, run "
                + "`nightjar network update`, or see `nightjar nodes`"
        case .sealedTooLarge(let size, let limit):
            "the sealed mail has \(size) bytes, but as text in a mail \(limit) is the most; shorten it, or send it to a "
                + "mailbox (box:)"
        case .noRecipientInMail:
            "no recipient: neither --to nor the mail's To, Cc and Bcc name one; name a recipient with --to"
        case .nowhereForAnswers:
            "reply blocks need a place where answers come to: make a mailbox with `nightjar mailbox create`, or set "
                + "reply-address in client.toml"
        case .contactWithoutKey(let name):
            "the key of \(name) is not known; give the contact one with `nightjar contact add`, or name a key's file"
        case .emptyMessage: "the message is empty; give a mail on standard input or name a file"
        case .tooManyCopies(let count):
            "\(count) copies are not possible; --copies takes \(SendOptions.copyRange.lowerBound) to "
                + "\(SendOptions.copyRange.upperBound)"
        case .queueFull(let waiting, let limit, let wanted):
            "the queue has no room for this mail's \(Count.text(wanted, "packet")): it may hold \(limit) and \(waiting) wait; "
                + "run `nightjar queue flush`, or raise queue-limit in client.toml"
        case .noMailboxForReceipts(let option):
            "\(option) needs a mailbox that receipts come to; make one with `nightjar mailbox create`"
        case .diskFull:
            "no room on the disk for this mail's packets, so nothing of it was queued; make room and send it again"
        }
    }

    var exitCode: ExitCode {
        switch self {
        case .address, .emptyMessage, .tooManyCopies, .noRecipientInMail, .nowhereForAnswers, .noMailboxForReceipts:
            .usage
        case .unsupportedAddress, .noLocalUsers, .noMailboxes, .noNymserver, .contactWithoutKey: .failed
        case .sealedTooLarge: .refused
        case .queueFull, .diskFull: .temporary
        }
    }
}
