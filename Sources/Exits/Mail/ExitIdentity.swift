// What an exit says of itself in every mail. All of it is the operator's; a sender can add a display name, tagged.

internal import Messages
public import WireFormat

/// The exit's part of the header.
public struct ExitIdentity: Hashable, Sendable {
    /// The address in From, such as `anonymous@exit.example`; its host also ends the Message-IDs.
    public var address: MailRecipient
    /// Where recipients complain.
    public var complaints: MailRecipient
    /// Whether a sender's display name is shown, always with the tag that says that nobody vouches for it.
    public var showsDisplayNames: Bool
    /// Stands in From for senders who gave no name, or whose name is not shown; must pass the rules for display names.
    public var senderName: String = HeaderRules.anonymousName
    /// The Subject when the sender set none; mail without one is often taken for spam.
    public var defaultSubject: String
    /// Date is rounded down to this. The mail server's own trace lines tell the time of the handing over to the second,
    /// so what Date must not add is another time, such as when the message came together. It is therefore that of the
    /// attempt, and coarse. An hour is as coarse as spam filters let pass: several count a Date three hours off or more
    /// against a mail, so a day would cost deliveries and hide nothing that the trace lines do not show.
    public var dateStep: Interval

    public init(
        address: MailRecipient, complaints: MailRecipient, showsDisplayNames: Bool = true,
        defaultSubject: String = "Anonymous message", dateStep: Interval = .hours(1)
    ) {
        self.address = address
        self.complaints = complaints
        self.showsDisplayNames = showsDisplayNames
        self.defaultSubject = defaultSubject
        self.dateStep = dateStep
    }
}
