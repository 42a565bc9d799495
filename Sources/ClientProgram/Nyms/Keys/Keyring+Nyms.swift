// The nyms in a keyring.

internal import Daemon
internal import Messages
internal import MixCrypto
internal import WireFormat

extension Keyring {
    /// Our nyms, in the order in which they came here.
    func nyms() -> [OwnNym] { items.compactMap(\.nym) }

    /// The nym called `text`: its address, or its name alone if only one nym has it.
    /// - Throws: `KeyringError.unknown`, `CommandFailure` if several have the name.
    func nym(_ text: String) throws -> OwnNym {
        let text = text.lowercased().hasPrefix("nym:") ? String(text.lowercased().dropFirst(4)) : text.lowercased()
        let found = nyms().filter { $0.address == text || $0.name == text }
        guard found.count <= 1 else {
            throw CommandFailure(
                "several nyms are called \(Printable.text(text)); give the whole address", code: .usage)
        }
        guard let nym = found.first else {
            throw KeyringError.unknown(what: "nym", text, command: "nightjar nym list")
        }
        return nym
    }

    /// The nym whose reply blocks have this identity.
    func nym(identity: String) -> OwnNym? { nyms().first { $0.identity == identity } }

    /// Keeps a new nym.
    /// - Throws: `KeyringError.taken` if there is one of its address.
    func add(_ nym: OwnNym) throws {
        try change { items in
            guard !items.contains(where: { $0.nym?.address == nym.address }) else {
                throw KeyringError.taken(what: "a nym", nym.address)
            }
            items.append(.nym(nym))
        }
    }

    /// Changes a nym as the keyring has it now; nil if it is gone.
    @discardableResult
    func changeNym(_ address: String, _ body: (inout OwnNym) throws -> Void) throws -> OwnNym? {
        try change { items in
            guard let index = items.firstIndex(where: { $0.nym?.address == address }), var nym = items[index].nym
            else { return nil }
            try body(&nym)
            items[index] = .nym(nym)
            return nym
        }
    }

    /// Destroys a nym's keys and all that belongs to it: what was sealed to them can never be read again.
    func removeNym(_ address: String) throws {
        try change { items in
            let identity = items.compactMap(\.nym).first { $0.address == address }?.identity
            items.removeAll { item in
                item.nym?.address == address || item.spareNymKeys?.address == address
                    || item.nymLink.map { $0.address == address } ?? false
                    || (identity != nil && item.surbSecret?.identity == identity)
            }
        }
    }

    // MARK: Rotation

    /// Keys that the server was asked to take.
    func nextKeys(of address: String) -> NymKeys? {
        items.lazy.compactMap(\.spareNymKeys).first { $0.address == address && $0.use == .next }?.keys
    }

    /// Every key that something for the nym can be sealed to, the likeliest first.
    func openingKeys(of nym: OwnNym) -> [NymKeys] {
        let spare = items.compactMap(\.spareNymKeys).filter { $0.address == nym.address }
        return [nym.keys] + spare.reversed().map(\.keys)
    }

    /// Makes the keys that a nym is to have; the same again until `finishRotation`.
    func beginRotation(of address: String, at now: Timestamp) throws -> NymKeys {
        try change { items in
            if let begun = items.lazy.compactMap(\.spareNymKeys).first(where: {
                $0.address == address && $0.use == .next
            }) {
                return begun.keys
            }
            let keys = try NymKeys.random()
            items.append(
                .spareNymKeys(
                    SpareNymKeys(address: address, created: Timestamp(seconds: now.seconds), use: .next, keys: keys)))
            return keys
        }
    }

    /// The server has taken the new keys, or refused them.
    func finishRotation(of address: String, isDone: Bool, at now: Timestamp) throws {
        try change { items in
            guard
                let next = items.firstIndex(where: {
                    $0.spareNymKeys.map { $0.address == address && $0.use == .next } ?? false
                }), let spare = items[next].spareNymKeys,
                let index = items.firstIndex(where: { $0.nym?.address == address }), var nym = items[index].nym
            else { return }
            guard isDone else {
                items.remove(at: next)
                return
            }
            items[next] = .spareNymKeys(
                SpareNymKeys(
                    address: address, created: Timestamp(seconds: now.seconds), use: .former, keys: nym.keys))
            nym.keys = spare.keys
            items[index] = .nym(nym)
        }
    }

    // MARK: Links

    /// Other devices that a nym's mails are passed on to.
    func links(of address: String) -> [OwnNymLink] {
        items.compactMap(\.nymLink).filter { $0.side == .giving && $0.address == address }
    }

    /// Mailboxes in which another device leaves keys and mails for this one.
    func takingLinks() -> [OwnNymLink] { items.compactMap(\.nymLink).filter { $0.side == .taking } }

    /// Keeps a link.
    /// - Throws: `KeyringError.taken` if the nym has one to a device of this name.
    func add(_ link: OwnNymLink) throws {
        try change { items in
            let isTaken = items.contains { item in
                item.nymLink.map {
                    $0.side == .giving && link.side == .giving && $0.address == link.address && $0.device == link.device
                } ?? false
            }
            guard !isTaken else { throw KeyringError.taken(what: "a device", link.device) }
            items.append(.nymLink(link))
        }
    }

    /// Changes the link that a secret belongs to.
    func changeLink(_ mailbox: MailboxID, _ body: (inout OwnNymLink) -> Void) throws {
        try change { items in
            for index in items.indices {
                guard var link = items[index].nymLink, try link.secret.mailbox() == mailbox else { continue }
                body(&link)
                items[index] = .nymLink(link)
            }
        }
    }

    /// Forgets the link to a device; whether there was one.
    func removeLink(of address: String, device: String) throws -> Bool {
        try change { items in
            let before = items.count
            items.removeAll { item in
                item.nymLink.map { $0.side == .giving && $0.address == address && $0.device == device } ?? false
            }
            return items.count < before
        }
    }

    /// Forgets the link of a mailbox of our own.
    func removeLink(_ mailbox: MailboxID) throws {
        try change { items in
            try items.removeAll { item in
                guard let link = item.nymLink else { return false }
                return try link.secret.mailbox() == mailbox
            }
        }
    }
}
