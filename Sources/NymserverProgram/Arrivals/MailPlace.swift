// Whom a recipient's address means at this server.

internal import Exits
internal import NymProtocol

/// A place for mail at the domain.
enum MailPlace: Hashable, Sendable {
    /// A name that a nym may have.
    case nym(NymName)
    /// Takes requests.
    case server
    /// postmaster and abuse.
    case forOperator
    /// An address of the domain that nobody can have.
    case nobody

    /// Nil for an address at another domain. An extension (`alice+lists@`) counts for nothing.
    init?(_ recipient: String, domain: String) {
        // RFC 5321 section 4.5.1: postmaster is an address without a domain too.
        guard recipient.lowercased() != "postmaster" else {
            self = .forOperator
            return
        }
        guard let at = recipient.lastIndex(of: "@"), recipient[recipient.index(after: at)...].lowercased() == domain
        else {
            return nil
        }
        guard let address = try? MailRecipient(recipient) else {
            self = .nobody
            return
        }
        switch address.plainUser {
        case ReservedNames.server: self = .server
        case "postmaster", "abuse": self = .forOperator
        case let user: self = NymName(user).map(MailPlace.nym) ?? .nobody
        }
    }
}
