internal import Daemon
internal import Messages
internal import MixCrypto
internal import Spool
internal import WireFormat

/// Whom a person means.
struct ResolvedRecipient: Hashable, Sendable {
    let address: Address
    /// The contact's key, if there is one.
    var key: KEMPublicKey?
    /// What the contact's mailbox lets us in by.
    var introduction: MailboxToken?
    /// The contact's name, if a contact was meant.
    var contact: String?
}

extension Client {
    /// A contact's or an alias's name, else an address.
    /// - Throws: `SendError.address`, `CommandFailure` for a name that nobody has.
    func resolve(_ text: String) throws -> ResolvedRecipient {
        // Addresses have an @ or a colon, names never.
        guard EntryName.isValid(text) else { return ResolvedRecipient(address: try Self.address(text)) }
        if let contact = try contact(text) {
            guard let address = contact.address else {
                throw CommandFailure(
                    "the contact \(text) has no address; give it one: nightjar contact add \(text) --address ADDRESS",
                    code: .usage)
            }
            return ResolvedRecipient(
                address: address, key: contact.key, introduction: contact.introduction, contact: contact.name)
        }
        if let address = config.aliases[text] { return ResolvedRecipient(address: address) }
        throw CommandFailure(
            "there is no contact and no alias called \(text); see `nightjar contact list`, or write an address such as "
                + "user@example.org", code: .usage)
    }

    /// The contact called `name`; nil if there is none.
    func contact(_ name: String) throws -> Contact? {
        guard EntryName.isValid(name), ClientPlaces.isThere(places.records) else { return nil }
        let records = try records()
        defer { records.close() }
        return try Contacts(records).get(name)
    }
}
