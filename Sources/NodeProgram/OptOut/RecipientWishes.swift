// What an exit asks before each attempt about a recipient's wishes. Filled in by `OptOutDesk`; a node without a store of records
// knows of none.

internal import Exits

/// Questions about a recipient. All may take some 40 ms and wait for the disk: not for an event loop.
struct RecipientWishes: Sendable {
    /// Whether he wants no anonymous mail, said here or to any exit of the network, or his whole domain. Nil if that cannot be
    /// said now: the mail has to wait.
    var declines: @Sendable (MailRecipient) -> Bool?
    /// Whether he said here that he wants anonymous mail: for the exit level `opted-in`.
    var hasOptedIn: @Sendable (MailRecipient) -> Bool
    /// The address to which a mail of any content ends anonymous mail to him: for List-Unsubscribe and the footer of each mail.
    /// Nil at an exit without a gateway.
    var optOutLink: @Sendable (MailRecipient) -> MailRecipient?

    /// Nobody has said anything.
    static let unknown = RecipientWishes(declines: { _ in false }, hasOptedIn: { _ in false }, optOutLink: { _ in nil })
}
