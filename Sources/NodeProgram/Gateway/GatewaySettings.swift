internal import Exits
internal import Messages
internal import WireFormat

/// The reply gateway of an exit: ordinary mail in, reply blocks out.
struct GatewaySettings: Sendable, Hashable {
    /// The part behind the @ of reply addresses. The mail server in front hands mail for it over by LMTP.
    var domain: String
    /// Where it is handed over.
    var listen: LMTPAddress
    /// How long an address stays in use at most.
    var keep = Interval.days(28)

    /// What stands before the token in an address.
    static let prefix = "r+"
    /// Bytes of a mail: as many as all reply blocks of a message could carry.
    static let maximumMail = MessageLimits.replyBlocks * ShareCapacity.full.rawValue
}
