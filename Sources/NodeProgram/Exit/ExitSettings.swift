// What an exit does, from its configuration.

internal import Exits
internal import WireFormat

/// The modules of an exit and their rules.
struct ExitSettings: Sendable {
    /// What the exit says of itself in every mail.
    var identity: ExitIdentity
    /// The envelope sender: where bounces go; nil for the null sender.
    var bounces: MailRecipient?
    /// The mail server that `smtp:` addresses go to; nil for a node that delivers none.
    var smtp: SMTPSettings?
    /// What `mbox:` names mean here; nil for a node that delivers none.
    var mailboxes: LocalMailboxes?
    /// Where answers by ordinary mail come in; nil for none.
    var gateway: GatewaySettings?
    var policy = RecipientPolicy()
    var perRecipient = MailRate(burst: 10, interval: .minutes(10))
    var perDomain = MailRate(burst: 200, interval: .seconds(20))
    /// Pauses between attempts and their end.
    var retries = RetrySchedule()
    /// Mails under way at one time.
    var concurrentDeliveries = 8
}
