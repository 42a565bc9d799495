// What a recipient's address means that a mail program writes. A mail program knows `user@host` only, so that other kinds
// of addresses are written as hosts under nightjar.invalid, which no mail server has (RFC 2606). Pure.

internal import Messages

/// Reads recipients.
enum GatewayRecipients {
    private static let own = ".nightjar.invalid"

    /// What is wrong with a recipient, in words for people.
    struct Refusal: Error, Hashable {
        let text: String
    }

    /// The name of a contact or an alias, or an address, as `nightjar send --to` takes it.
    /// - Parameter nymDomains: domains of nymservers in the network, in lower case.
    static func name(of recipient: String, nymDomains: Set<String>) throws(Refusal) -> String {
        guard let at = recipient.lastIndex(of: "@") else {
            throw Refusal(text: "\(Printable.text(recipient)) is no address; write user@example.org")
        }
        let user = recipient[..<at]
        let host = recipient[recipient.index(after: at)...].lowercased()
        if host == "contact\(own)" {
            guard EntryName.isValid(user.lowercased()) else {
                throw Refusal(text: "\(Printable.text(String(user))) is no name of a contact")
            }
            return user.lowercased()
        }
        for kind in ["mbox", "box"] where host.hasSuffix(".\(kind)\(own)") {
            return "\(kind):\(user)@\(host.dropLast(kind.count + 1 + own.count))"
        }
        guard !host.hasSuffix(".invalid"), host != "invalid" else {
            throw Refusal(
                text: host == "nightjar.invalid" || host.hasSuffix(own)
                    ? "whoever wrote anonymously has no address; if reply blocks came with the mail, use: nightjar reply"
                    : "\(Printable.text(host)) is no host that mail can be sent to")
        }
        // An unknown domain is ordinary mail: its nymserver has a mail server too.
        return nymDomains.contains(host) ? "nym:\(user)@\(host)" : "smtp:\(user)@\(host)"
    }
}
