/// Why something of the nym protocol is refused. Peers' bytes never give any other error.
public enum NymError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not the one form that the format has.
    case malformed
    /// Of a version that this program does not know.
    case unknownVersion
    /// Beyond the bound that is named.
    case tooLarge(String)
    /// Sealed to another key or for another purpose, or changed.
    case notAuthentic
    /// Not signed by the account's key, or for another domain.
    case badSignature
    /// A recipient that is no mail address.
    case badRecipient(String)

    public var description: String {
        switch self {
        case .malformed: "it is not well-formed"
        case .unknownVersion: "it is of a version that this program does not know; update nightjar"
        case .tooLarge(let bound): "it is too large: \(bound)"
        case .notAuthentic: "it is sealed to another key, or was changed"
        case .badSignature: "it is not signed by the nym's key"
        case .badRecipient(let text): "\(text) is no mail address; write for example user@example.org"
        }
    }
}
