// `nightjar keyring`: what is in it, without secrets, and its passphrase.

internal import Daemon
internal import Messages
internal import MixCrypto
internal import WireFormat

/// The keyring as JSON.
private struct KeyringReport: Encodable {
    struct Identity: Encodable {
        var name: String
        var since: String
        var secrets: Int
        var makesUntil: String
    }
    struct Mailbox: Encodable {
        var name: String
        var network: String
        var address: String
        var created: String
        var introducedOnly: Bool
        var introductions: Int
        /// Whether the node has yet to be told how the mailbox is to be.
        var isChanged: Bool
        var isDefault: Bool
    }
    struct Key: Encodable {
        var name: String
        var created: String
        var fingerprint: String
    }

    var file: String
    var hasPassphrase: Bool
    var identities: [Identity]
    var mailboxes: [Mailbox]
    var keys: [Key]
    /// Of newer versions.
    var unknownItems: Int

    init(_ keyring: Keyring) throws {
        file = keyring.path
        hasPassphrase = keyring.isProtected
        identities = keyring.identities().map {
            Identity(
                name: $0.name, since: $0.since.description, secrets: $0.secrets, makesUntil: $0.makesUntil.description)
        }
        mailboxes = try keyring.mailboxes().map { box in
            Mailbox(
                name: box.name, network: box.network, address: try box.address.description,
                created: box.created.description, introducedOnly: box.policy.introducedOnly,
                introductions: box.policy.introductions.count, isChanged: box.policyChanged,
                isDefault: keyring.defaultMailbox(in: box.network)?.id == box.id)
        }
        keys = try keyring.keys().map {
            Key(name: $0.name, created: $0.created.description, fingerprint: $0.publicKey.fingerprint.description)
        }
        unknownItems = keyring.items.count { if case .unknown = $0 { true } else { false } }
    }
}

extension Client {
    /// Shows what the keyring holds, without secrets.
    public func showKeyring(passphrase: PassphraseSource, json: Bool) throws {
        let report = try KeyringReport(try Keyring.open(self, passphrase: passphrase))
        if json { return try terminal.print(JSONText.encode(report)) }
        try terminal.print("file        \(report.file)")
        try terminal.print(
            "passphrase  \(report.hasPassphrase ? "yes" : "no: whoever can read the file has its secrets")")
        if !report.identities.isEmpty {
            var table = TextTable(["IDENTITY", "SINCE", "SECRETS", "NEXT SECRET"])
            for item in report.identities { table.add([item.name, item.since, "\(item.secrets)", item.makesUntil]) }
            try show(table)
        }
        if !report.mailboxes.isEmpty {
            var table = TextTable(["MAILBOX", "NETWORK", "SINCE", "TAKES MAIL FROM", "ADDRESS"])
            for box in report.mailboxes {
                table.add([
                    box.name + (box.isDefault ? " (default)" : ""), box.network, box.created,
                    box.introducedOnly ? Count.text(box.introductions, "introduced sender") : "everybody",
                    Self.short(box.address),
                ])
            }
            try show(table)
        }
        if !report.keys.isEmpty {
            var table = TextTable(["KEY", "SINCE", "FINGERPRINT"])
            for key in report.keys { table.add([key.name, key.created, key.fingerprint]) }
            try show(table)
        }
        if report.unknownItems > 0 {
            note("\(Count.text(report.unknownItems, "item")) of a newer version, kept as they are")
        }
        note("keep a copy of the file: without it nobody can read the answers, mailboxes and mails that belong to it")
    }

    private func show(_ table: TextTable) throws {
        try terminal.print("")
        for line in table.lines { try terminal.print(line) }
    }

    /// Sets, changes or removes the passphrase.
    /// - Parameters:
    ///   - passphrase: where the present one comes from.
    ///   - new: where the new one comes from; the terminal is asked twice.
    public func changePassphrase(passphrase: PassphraseSource, new: PassphraseSource, remove: Bool) throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        if remove {
            guard keyring.isProtected else { return note("the keyring has no passphrase") }
            try keyring.setPassphrase(.empty)
            return note("the keyring has no passphrase any more")
        }
        let chosen = try newPassphrase(new)
        guard !chosen.isEmpty else {
            throw CommandFailure(
                "the new passphrase is empty; nothing was changed (--remove takes the passphrase away)", code: .usage)
        }
        let hadOne = keyring.isProtected
        try keyring.setPassphrase(chosen)
        note(
            hadOne
                ? "the passphrase is changed; older copies of the file still open with the old one"
                : "the keyring now has a passphrase: nobody can help if it is forgotten")
    }

    private func newPassphrase(_ source: PassphraseSource) throws -> Passphrase {
        switch source {
        case .none: return .empty
        case .descriptor(let descriptor): return try Passphrase.read(descriptor)
        case .terminal:
            guard let first = try TerminalPassphrase.ask("new passphrase of the keyring: ") else {
                throw CommandFailure(
                    "there is no terminal to ask for the new passphrase; give it with --new-passphrase-fd N")
            }
            guard !first.isEmpty else { return first }
            guard let second = try TerminalPassphrase.ask("the same once more: "), first.equals(second) else {
                throw KeyringError.passphrasesDiffer
            }
            return first
        }
    }
}
