// The mailboxes in a keyring. Nodes are asked and told by the mailbox commands; here stands only what we hold ourselves.

internal import Messages
internal import WireFormat

extension Keyring {
    private static let defaultMailbox = "default-mailbox"

    /// In the order in which they were made.
    func mailboxes() -> [OwnMailbox] { items.compactMap(\.mailbox) }

    /// The mailboxes at nodes of a network.
    func mailboxes(in network: String) -> [OwnMailbox] { mailboxes().filter { $0.network == network } }

    /// The mailbox called `name`.
    /// - Throws: `KeyringError.unknown`.
    func mailbox(named name: String, in network: String) throws(KeyringError) -> OwnMailbox {
        guard let box = mailboxes(in: network).first(where: { $0.name == name || $0.id.hex == name }) else {
            throw .unknown(what: "mailbox", name, command: "nightjar mailbox list")
        }
        return box
    }

    /// Where answers go if nobody says otherwise: the mailbox chosen for it, else the first one of the network. Never that
    /// of a nym: who saw both would know that they are one person's.
    func defaultMailbox(in network: String) -> OwnMailbox? {
        let boxes = mailboxes(in: network).filter { !NymIdentity.isName($0.name) }
        let chosen = setting("\(Self.defaultMailbox).\(network)")
        return boxes.first { $0.id.hex == chosen } ?? boxes.first
    }

    /// Chooses where answers go.
    func setDefaultMailbox(_ box: OwnMailbox) throws {
        try set("\(Self.defaultMailbox).\(box.network)", box.id.hex)
    }

    /// Keeps a mailbox.
    /// - Throws: `KeyringError.badName`, `taken` if another of its network has its name.
    func add(_ box: OwnMailbox) throws {
        _ = try EntryName.check(box.name, of: "a mailbox")
        try change { items in
            let isTaken = items.contains {
                $0.mailbox.map { $0.name == box.name && $0.network == box.network && $0.id != box.id } ?? false
            }
            guard !isTaken else { throw KeyringError.taken(what: "a mailbox", box.name) }
            if let index = items.firstIndex(where: { $0.mailbox?.id == box.id }) {
                items[index] = .mailbox(box)
            } else {
                items.append(.mailbox(box))
            }
        }
    }

    /// Changes a mailbox as the keyring has it now.
    /// - Returns: the changed mailbox; nil if it is gone.
    @discardableResult
    func changeMailbox(_ id: MailboxID, _ body: (inout OwnMailbox) throws -> Void) throws -> OwnMailbox? {
        try change { items in
            guard let index = items.firstIndex(where: { $0.mailbox?.id == id }), var box = items[index].mailbox else {
                return nil
            }
            try body(&box)
            items[index] = .mailbox(box)
            return box
        }
    }

    /// Forgets a mailbox and its key.
    func removeMailbox(_ id: MailboxID) throws { try change { $0.removeAll { $0.mailbox?.id == id } } }

    /// A value of our own that is not worth a file.
    func setting(_ name: String) -> String? {
        for case .setting(name, let value) in items { return value }
        return nil
    }

    /// Sets such a value; nil removes it.
    func set(_ name: String, _ value: String?) throws {
        try change { items in
            items.removeAll { if case .setting(name, _) = $0 { true } else { false } }
            if let value { items.append(.setting(name: name, value: value)) }
        }
    }
}
