// What an address in From means. Pure.

internal import Messages

/// Who a mail is sent as.
enum GatewaySender: Hashable, Sendable {
    /// Nobody.
    case anonymous
    /// The nym of this address.
    case nym(String)
}

/// The addresses that From may have.
struct GatewaySenders: Hashable, Sendable {
    /// Addresses that mean nobody.
    let anonymous: [String]
    /// Addresses of our nyms, aliases included.
    let nyms: [String]

    /// What `address` means, in any case of letters; nil if nothing.
    func sender(_ address: String) -> GatewaySender? {
        let wanted = address.lowercased()
        if anonymous.contains(where: { $0.lowercased() == wanted }) { return .anonymous }
        return nyms.first { $0.lowercased() == wanted }.map { .nym($0) }
    }

    /// What is said about an address that means nothing: what is possible.
    func refusal(_ address: String) -> [String] {
        let all = anonymous.map { "\($0) (nobody)" } + nyms
        let what =
            address.isEmpty
            ? "notices without sender, such as read receipts, are not sent: they tell when you read"
            : "\(Printable.text(address)) is none of your addresses here; set From to one of:"
        return [what] + (address.isEmpty ? [] : all)
    }
}
