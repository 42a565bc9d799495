// What an exit does, from its configuration.

internal import Directory
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
    /// Domains of nyms whose mail is handed to their nymserver, up to 4.
    var nyms: [NymHandover] = []
    /// Where answers by ordinary mail come in; nil for none.
    var gateway: GatewaySettings?
    /// Whom `smtp:` addresses may name, before the rules.
    var level = ExitLevel.everyone
    var policy = RecipientPolicy()
    var perRecipient = MailRate(burst: 10, interval: .minutes(10))
    var perDomain = MailRate(burst: 200, interval: .seconds(20))
    /// Mails with one body that may leave in a day; 0 for any number.
    var sameBody = 20
    /// Bytes that a module hands over in an hour; without an entry as many as there are.
    var hourlyBytes: [ExitModule: Int] = [:]
    /// How long a program may take over a mail, real time.
    var programTime = Interval.minutes(2)
    /// Where recipients are told what this mail is.
    var footer = ExitFooter.text
    /// What they are told.
    var texts = ExitTexts()
    /// Pauses between attempts and their end.
    var retries = RetrySchedule()
    /// Mails under way at one time.
    var concurrentDeliveries = 8
}

/// Where the notice to recipients stands.
enum ExitFooter: String, CaseIterable, Sendable {
    /// In the header, and under bodies of plain text.
    case text
    /// In the header alone.
    case header
}

extension ExitSettings {
    /// What the descriptor says that the exit does.
    var capabilities: [Capability] {
        var list: [Capability] = []
        // An exit that writes to nobody outside is no exit for mail, whatever server it has for local users.
        if smtp != nil, level != .nyms {
            list.append(Capability(Capability.Name.smtp, limits: level.published.map { [Capability.level: $0] } ?? [:]))
        }
        if mailboxes != nil { list.append(Capability(Capability.Name.mbox)) }
        if !nyms.isEmpty { list.append(Capability(Capability.Name.nymserver)) }
        return list
    }
}
