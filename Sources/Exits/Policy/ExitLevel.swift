/// Whom an exit writes to by ordinary mail, before its rules have their say.
public enum ExitLevel: String, CaseIterable, Hashable, Sendable {
    /// Everybody whom no rule denies.
    case everyone
    /// Recipients that an `allow` rule names.
    case listed
    /// Nobody: nyms and local users alone.
    case nyms
    /// Recipients who said themselves that they want anonymous mail, less those whom a rule denies.
    case optedIn = "opted-in"

    /// How a descriptor says it: the value of the limit `level`; nil for an exit that writes to everybody.
    public var published: UInt64? {
        switch self {
        case .everyone: nil
        case .listed: 1
        case .nyms: 2
        case .optedIn: 3
        }
    }
}

extension RecipientPolicy {
    /// Nil if an exit of this level writes to `recipient`.
    /// - Parameter hasOptedIn: asked only where it counts.
    public func refusal(
        of recipient: MailRecipient, level: ExitLevel, hasOptedIn: (MailRecipient) -> Bool
    ) -> RefusalReason? {
        let rule = rules.first { $0.matches(recipient) }
        let isAllowed =
            switch level {
            case .everyone: rule?.isAllowed ?? allowsOthers
            case .listed: rule?.isAllowed ?? false
            case .nyms: false
            case .optedIn: rule?.isAllowed != false && hasOptedIn(recipient)
            }
        return isAllowed ? nil : .deniedByPolicy
    }
}
