// What one attempt at a mail has come to, for each of its recipients.

internal import Exits
internal import NymProtocol
internal import WireFormat

/// A mail after an attempt.
struct AttemptResult: Sendable {
    /// With those recipients open whose end is not known.
    private(set) var mail: WaitingMail
    /// Of whom the nym is to be told.
    private(set) var failures: [(recipient: String, reason: DeliveryNotice.Reason)] = []
    var attempts = 0
    /// When it is tried again, if there is somebody left.
    var next = Timestamp(milliseconds: 0)

    init(_ mail: WaitingMail) { self.mail = mail }

    /// Notes what became of a recipient; a word for it.
    mutating func note(_ place: Int, _ outcome: ExitOutcome) -> String {
        switch outcome {
        case .delivered:
            mail.settle(place)
            return "delivered"
        case .refused(let reason, let code):
            failures.append((mail.mail.recipients[place], .refused(reason, code: code)))
            mail.settle(place)
            return "refused"
        case .deferred: return "deferred"
        }
    }

    /// The time is over for all that are left.
    mutating func giveUp() {
        for place in mail.open {
            failures.append((mail.mail.recipients[place], .expired))
            mail.settle(place)
        }
    }
}
