// `nightjar contact`: names for the people we write to, and introductions to our own mailbox.

internal import Daemon
internal import Directory
internal import Messages
internal import MixCrypto
internal import Spool
internal import WireFormat

/// What `nightjar contact add` is asked for.
public struct ContactRequest: Sendable {
    public var name: String
    public var address: String?
    /// A file with a public key, or the key written out.
    public var key: String?
    /// What the key's fingerprint must be.
    public var fingerprint: String?
    /// 32 hexadecimal digits.
    public var introduction: String?
    /// A file with a contact card.
    public var card: String?
    /// Takes another key than the one that is known.
    public var replace = false

    public init(name: String) { self.name = name }
}

/// A contact as JSON.
private struct ContactReport: Encodable {
    var name: String
    var address: String?
    var fingerprint: String?
    /// Whether its mailbox lets us in.
    var letsUsIn: Bool
    /// Whether our mailbox lets it in.
    var isIntroduced: Bool
    var added: String

    init(_ contact: Contact) {
        name = contact.name
        address = contact.address?.description
        fingerprint = contact.key?.fingerprint.description
        letsUsIn = contact.introduction != nil
        isIntroduced = contact.given != nil
        added = contact.added.description
    }
}

extension Contact {
    /// Takes a key, unless another one is known.
    mutating func take(key new: KEMPublicKey, replace: Bool) throws(PublicKeyError) {
        if let key, key != new, !replace {
            throw .otherKey(contact: name, old: key.fingerprint, new: new.fingerprint)
        }
        key = new
    }
}

extension Client {
    private static let cardLimit = 1 << 20

    /// Adds a contact, or adds to what is known of one.
    public func addContact(_ request: ContactRequest) throws {
        var address = try request.address.map { text throws(SendError) in try Self.address(text) }
        var key = try request.key.map { try publicKey($0, fingerprint: request.fingerprint) }
        var introduction = try request.introduction.map(Self.token)
        if let file = request.card {
            let bytes = try AtomicFile.read(file, limit: Self.cardLimit)
            let card = try ContactCard(armor: String(decoding: bytes, as: UTF8.self))
            address = address ?? card.address
            key = key ?? card.key
            introduction = introduction ?? card.introduction
        }
        guard address != nil || key != nil || introduction != nil else {
            throw CommandFailure(
                "nothing is said about \(Printable.text(request.name)); add --address, --key or --card", code: .usage)
        }
        let contact = try changeContact(request.name) { contact in
            if let key { try contact.take(key: key, replace: request.replace) }
            contact.address = address ?? contact.address
            contact.introduction = introduction ?? contact.introduction
        }
        if config.aliases[contact.name] != nil {
            note("there is an alias \(contact.name) in client.toml too; the contact goes before it")
        }
        note("\(contact.name): \(contact.address?.description ?? "no address yet")")
        if let key, request.fingerprint == nil {
            note("the key's fingerprint is \(key.fingerprint); compare it with its owner, by telephone for example")
        }
    }

    /// Changes a contact or makes one.
    @discardableResult
    func changeContact(_ name: String, _ body: (inout Contact) throws -> Void) throws -> Contact {
        let name = try EntryName.check(name, of: "a contact")
        let records = try records()
        defer { records.close() }
        var result = Contact(name: name, added: time.clock.now())
        try Contacts(records).change(name) { old in
            if let old { result = old }
            try body(&result)
            return result
        }
        return result
    }

    private static func token(_ text: String) throws(CommandFailure) -> MailboxToken {
        guard let token = MailboxToken(hex: text.lowercased()) else {
            throw CommandFailure("--introduction takes 32 hexadecimal digits", code: .usage)
        }
        return token
    }

    private func contacts() throws -> [Contact] {
        guard ClientPlaces.isThere(places.records) else { return [] }
        let records = try records()
        defer { records.close() }
        return try Contacts(records).all()
    }

    private func knownContact(_ name: String) throws -> Contact {
        guard let contact = try contact(name) else {
            throw KeyringError.unknown(what: "contact", name, command: "nightjar contact list")
        }
        return contact
    }

    /// Shows all contacts, and the aliases of the settings.
    public func listContacts(json: Bool) throws {
        let all = try contacts()
        if json { return try terminal.print(JSONText.encode(all.map(ContactReport.init))) }
        let names = Set(all.map(\.name))
        let aliases = config.aliases.filter { !names.contains($0.key) }.sorted { $0.key < $1.key }
        guard !all.isEmpty || !aliases.isEmpty else {
            return note("there are no contacts yet; add one with `nightjar contact add NAME --address ADDRESS`")
        }
        var table = TextTable(["NAME", "KEY", "INTRODUCED", "ADDRESS"])
        for contact in all {
            let introduced =
                contact.isMutual
                ? "mutually" : contact.given != nil ? "to us" : contact.introduction != nil ? "us to it" : "-"
            table.add([
                contact.name, contact.key == nil ? "-" : "yes", introduced,
                contact.address.map { Self.short($0.description) } ?? "-",
            ])
        }
        for (name, address) in aliases { table.add([name, "-", "alias", Self.short(address.description)]) }
        for line in table.lines { try terminal.print(line) }
    }

    /// Shows one contact.
    public func showContact(_ name: String, json: Bool) throws {
        let report = ContactReport(try knownContact(name))
        if json { return try terminal.print(JSONText.encode(report)) }
        try terminal.print("contact      \(report.name)")
        try terminal.print("since        \(report.added)")
        try terminal.print("address      \(report.address ?? "none")")
        try terminal.print("fingerprint  \(report.fingerprint ?? "no key")")
        try terminal.print("lets us in   \(report.letsUsIn ? "yes" : "no introduction from it")")
        try terminal.print("introduced   \(report.isIntroduced ? "yes: our mailbox lets it in" : "no")")
    }

    /// Forgets a contact, and shuts our mailbox to it.
    public func removeContact(_ name: String, passphrase: PassphraseSource) throws {
        let contact = try knownContact(name)
        if let given = contact.given {
            let keyring = try Keyring.open(self, passphrase: passphrase)
            let box = try keyring.changeMailbox(given.mailbox) { box in box.changePolicy { $0.withdraw(given.token) } }
            if let box {
                note("the mailbox \(box.name) lets \(name) in no longer, once its node knows: run `nightjar receive`")
            }
        }
        let records = try records()
        defer { records.close() }
        try Contacts(records).change(name) { _ in nil }
        note("the contact \(name) is forgotten")
    }

    /// Makes a card by which `name` can write to our mailbox, and prints it.
    /// - Parameters:
    ///   - mailbox: one of ours; without it the default one of the network.
    ///   - key: the key on the card; without it our first one, if there is any.
    public func introduce(
        _ name: String, mailbox: String?, key: String?, network networkName: String?, output: String?,
        passphrase: PassphraseSource
    ) throws {
        let name = try EntryName.check(name, of: "a contact")
        let network = try network(networkName)
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let chosen =
            try mailbox.map { try keyring.mailbox(named: $0, in: network.name) }
            ?? keyring.defaultMailbox(in: network.name)
        guard let chosen else {
            throw CommandFailure(
                "you have no mailbox in \(network.name) to introduce anybody to; make one with `nightjar mailbox create`",
                code: .usage)
        }
        let publicKey = try keyring.key(key)?.publicKey
        var generator = SystemRandomNumberGenerator()
        let old = try contact(name)?.given
        let token = old.flatMap { $0.mailbox == chosen.id ? $0.token : nil } ?? .random(using: &generator)
        var isFull = false
        let box = try keyring.changeMailbox(chosen.id) { box in
            box.changePolicy { isFull = !$0.introduce(token) }
        }
        guard let box, !isFull else {
            throw CommandFailure(
                "the mailbox \(chosen.name) has \(MailboxPolicy.maximumIntroductions) introductions already; take some back with "
                    + "`nightjar contact remove`")
        }
        try changeContact(name) { $0.given = Contact.Introduction(token: token, mailbox: box.id) }
        let card = ContactCard(address: try box.address, key: publicKey, introduction: token).armor
        if let output {
            try AtomicFile.write(text: card, to: output)
        } else {
            try terminal.write(bytes: Array(card.utf8))
        }
        note(
            "give the card to \(name) only, who adds it with: nightjar contact add YOU --card FILE")
        if box.policyChanged {
            note("the mailbox's node hears of it with the next `nightjar receive`, until which the card opens nothing")
        }
        if !box.policy.introducedOnly {
            note(
                "the mailbox \(box.name) takes mail from everybody as yet; shut it to all others with: "
                    + "nightjar mailbox configure \(box.name) --introduced-only")
        }
    }
}
