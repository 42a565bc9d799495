// Why a mailbox's node did not do what it was asked for, in words for people.

public import Daemon
public import Messages

/// What went wrong with a request to a mailbox's node.
public enum MailboxError: Error, Hashable, Sendable, CustomStringConvertible, ExitCodeProviding {
    /// The node does not do it; its name and reason.
    case refused(node: String, MailboxRefusal)
    /// The node did not take the request; the words are those of the link.
    case unanswered(node: String, String)
    /// What the node answered is no answer.
    case malformedAnswer(node: String)

    public var description: String {
        switch self {
        case .refused(let node, let reason): "node \(node): \(Self.words(reason))"
        case .unanswered(let node, let why): "node \(node): \(why)"
        case .malformedAnswer(let node):
            "node \(node) answers in a form that this version does not know; update nightjar, or tell its operator"
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
        default: .failed
        }
    }

    /// Whether a later try may go well.
    public var isTemporary: Bool { exitCode == .temporary }
}
