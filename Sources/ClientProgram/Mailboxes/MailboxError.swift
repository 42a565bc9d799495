// Why a mailbox's node did not do what it was asked for, in words for people.

public import Daemon
internal import MMTP
public import Messages

/// What went wrong with a mailbox.
public enum MailboxError: Error, Hashable, Sendable, CustomStringConvertible, ExitCodeProviding {
    /// The node does not do it; its name and reason.
    case refused(node: String, MailboxRefusal)
    /// The node did not take the request; the words are those of the link.
    case unanswered(node: String, String)
    /// What the node answered is no answer.
    case malformedAnswer(node: String)
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
        case .refused(let node, let reason): "node \(node): \(Self.words(reason))"
        case .unanswered(let node, let why): "node \(node): \(why)"
        case .malformedAnswer(let node):
            "node \(node) answers in a form that this version does not know; update nightjar, or tell its operator"
        case .nodeGone(let node):
            "node \(node) is not in the network any more; make a mailbox at another node with `nightjar mailbox create`, and "
                + "remove this one with `nightjar mailbox delete --local`"
        case .noneOffered(let network): "no node of the network \(network) offers mailboxes; ask its operators"
        case .notOffered(let node): "node \(node) offers no mailboxes; leave --at away, or see `nightjar nodes`"
        case .noMailbox(let network):
            "you have no mailbox in the network \(network); make one with `nightjar mailbox create`"
        }
    }

    private static func words(_ reason: MailboxRefusal) -> String {
        switch reason {
        case .noMailboxesHere: "it offers no mailboxes any more; make one elsewhere with `nightjar mailbox create`"
        case .noSuchMailbox:
            "it does not have this mailbox any more (mailboxes that are not polled for long are removed); what was sent to it "
                + "is lost. Make a new one with `nightjar mailbox create`, and remove this one with "
                + "`nightjar mailbox delete --local`"
        case .full: "it takes no more mailboxes; choose another node with --at"
        case .wrongTime:
            "its clock and the one here are more than 10 minutes apart; set the clock here, or tell its operator"
        case .malformed: "it does not understand the request; update nightjar, or tell its operator"
        case .busy: "it is busy; try again later"
        }
    }

    public var exitCode: ExitCode {
        switch self {
        case .refused(_, .busy), .unanswered: .temporary
        case .refused(_, .full), .refused(_, .noMailboxesHere): .refused
        case .notOffered: .usage
        default: .failed
        }
    }

    /// Whether a later try may go well.
    var isTemporary: Bool { exitCode == .temporary }
}
