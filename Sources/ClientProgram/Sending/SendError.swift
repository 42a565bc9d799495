internal import Daemon
internal import Messages

/// What cannot be sent, in words for people.
enum SendError: Error, Equatable, Sendable, CustomStringConvertible, ExitCodeProviding {
    case address(String, AddressError)
    case unsupportedAddress(String)
    case noLocalUsers(node: String)
    case emptyMessage
    case tooManyCopies(Int)
    case queueFull(waiting: Int, limit: Int, wanted: Int)
    case diskFull

    var description: String {
        switch self {
        case .address(let text, let error):
            text.isEmpty ? error.description : "\(Printable.text(text)): \(error.description)"
        case .unsupportedAddress(let address):
            "this version cannot send to \(address); use an address of the kind smtp:user@host or mbox:name@node"
        case .noLocalUsers(let node):
            "node \(node) has no local users (mbox:); see `nightjar nodes` for nodes with exit-mbox"
        case .emptyMessage: "the message is empty; give a mail on standard input or name a file"
        case .tooManyCopies(let count):
            "\(count) copies are not possible; --copies takes \(SendOptions.copyRange.lowerBound) to "
                + "\(SendOptions.copyRange.upperBound)"
        case .queueFull(let waiting, let limit, let wanted):
            "the queue has no room for this mail's \(Count.text(wanted, "packet")): it may hold \(limit) and \(waiting) wait; "
                + "run `nightjar queue flush`, or raise queue-limit in client.toml"
        case .diskFull:
            "no room on the disk for this mail's packets, so nothing of it was queued; make room and send it again"
        }
    }

    var exitCode: ExitCode {
        switch self {
        case .address, .emptyMessage, .tooManyCopies: .usage
        case .unsupportedAddress, .noLocalUsers: .failed
        case .queueFull, .diskFull: .temporary
        }
    }
}
