// Why something that came cannot be made a message, in words for people.

public import Daemon
public import WireFormat

/// What is wrong with a received thing, or with the inbox.
public enum InboxError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No identity, mailbox or key of this keyring opens it.
    case notOurs
    /// Sealed to a public key whose secret is not in this keyring.
    case otherKey
    /// Changed on its way.
    case damaged
    /// What came does not make a message of a form that this version knows; the words say why.
    case malformed(String)
    /// It came by a way on which only other things come: a receipt that is no answer of an exit, mail for receipts.
    case wrongWay(String)
    /// The message was decoded before and is not kept any more.
    case gone(Timestamp)
    /// A part of a message that was given up before it was complete.
    case givenUp
    /// A file of the inbox was changed or cut off.
    case damagedFile

    public var description: String {
        switch self {
        case .notOurs:
            "not an answer to a reply block of this keyring; decode it where the block was made"
        case .otherKey: "sealed to a public key whose secret is not in this keyring"
        case .damaged: "damaged on its way; ask for it again with a new reply block"
        case .malformed(let why): "not a message that can be read: \(why)"
        case .wrongWay(let why): why
        case .gone(let time): "was decoded on \(time) already and is not kept any more"
        case .givenUp: "part of a message that was given up, by `nightjar fragments purge` or after 60 days"
        case .damagedFile: "damaged on this disk; ask for it again"
        }
    }
}

extension InboxError: ExitCodeProviding {
    public var exitCode: ExitCode { .failed }
}
