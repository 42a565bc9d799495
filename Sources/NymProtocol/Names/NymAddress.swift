public import Messages

/// A nym's address: a name at a nymserver's domain.
public struct NymAddress: Hashable, Sendable, CustomStringConvertible {
    public let name: NymName
    /// A host name in lower case.
    public let domain: String

    /// Reads `alice@nym.example`, in any case of letters; nil for anything that is no nym's address.
    public init?(_ text: some StringProtocol) {
        guard let address = try? Address("nym:" + text.lowercased()), let name = NymName(address.user) else {
            return nil
        }
        self.name = name
        domain = address.host
    }

    /// A name at a domain; nil if the domain is no host name.
    public init?(_ name: NymName, at domain: some StringProtocol) { self.init("\(name.text)@\(domain)") }

    public var description: String { "\(name.text)@\(domain)" }

    /// The same as the recipient of a message.
    public var address: Address? { try? Address(canonical: "nym:\(description)") }
}
