// Why there is no mailbox to ask, in words for people.

public import Daemon

/// What went wrong before a mailbox's node could be asked.
public enum MailboxChoiceError: Error, Hashable, Sendable, CustomStringConvertible, ExitCodeProviding {
    /// The node is not in the network any more.
    case nodeGone(String)
    /// No node of the network offers mailboxes.
    case noneOffered(network: String)
    /// The node that was named offers none.
    case notOffered(node: String)
    /// There is no mailbox to ask.
    case noMailbox(network: String)

    public var description: String {
        switch self {
        case .nodeGone(let node):
            "node \(node) is not in the network any more; make a mailbox at another node with `nightjar mailbox create`, and "
                + "remove this one with `nightjar mailbox delete --local`"
        case .noneOffered(let network): "no node of the network \(network) offers mailboxes; ask its operators"
        case .notOffered(let node): "node \(node) offers no mailboxes; leave --at away, or see `nightjar nodes`"
        case .noMailbox(let network):
            "you have no mailbox in the network \(network); make one with `nightjar mailbox create`"
        }
    }

    public var exitCode: ExitCode {
        if case .notOffered = self { .usage } else { .failed }
    }
}
