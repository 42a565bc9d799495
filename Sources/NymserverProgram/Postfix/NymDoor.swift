// What Postfix asks about mail for nyms before it takes it, so that a refusal is said in the dialogue with the sender's
// mail server and never becomes a bounce to somebody whose address was forged.

/// Answers whether a mail could be taken now.
public protocol NymDoor: Sendable {
    /// May block; is called on threads for that.
    /// - Parameters:
    ///   - recipient: a mail address as it stood in RCPT; anybody may have written it.
    ///   - size: bytes of the mail, as announced before it came and as counted after; nil if nobody knows yet.
    func verdict(recipient: String, size: Int?) -> NymVerdict
}

/// What is to become of a mail for one recipient.
public enum NymVerdict: Hashable, Sendable {
    /// The address is at no domain of ours: for Postfix's other rules.
    case elsewhere
    case welcome
    case unknown
    case overQuota
    /// - limit: bytes that would be taken.
    case tooLarge(limit: Int)
    /// Something of ours does not work at the moment.
    case later

    /// What Postfix is told to do: access(5). The refusals carry the codes of RFC 3463.
    var action: String {
        switch self {
        case .elsewhere, .welcome: "DUNNO"
        case .unknown: "550 5.1.1 there is no such address here"
        case .overQuota: "452 4.2.2 the mailbox is full; try again later"
        case .tooLarge(let limit): "552 5.3.4 the mail is too large; \(limit) bytes are taken"
        case .later: "451 4.3.0 try again later"
        }
    }

    /// Which one is said when a mail has several recipients and not all can have it: the sender sends it again after a
    /// refusal for the moment, and those who were at fault are then refused by name.
    var weight: Int {
        switch self {
        case .elsewhere: 0
        case .welcome: 1
        case .unknown: 2
        case .tooLarge: 3
        case .overQuota: 4
        case .later: 5
        }
    }
}
