// What `nightjar mailbox` shows.

internal import Daemon
internal import WireFormat

extension Client {
    private struct Line: Encodable {
        let name, network, id, address, node, created: String
        let introducedOnly, policyChanged, isDefault: Bool
        let introductions: Int
        let polled, expires: String?
        let waiting, used, quota: Int?

        init(_ info: MailboxInfo) {
            name = info.name
            network = info.network
            id = info.id
            address = info.address
            node = info.node
            created = info.created.description
            introducedOnly = info.introducedOnly
            policyChanged = info.policyChanged
            isDefault = info.isDefault
            introductions = info.introductions
            polled = info.polled?.description
            expires = info.expires?.description
            waiting = info.waiting
            used = info.used
            quota = info.quota
        }
    }

    /// Makes a mailbox and says where it is.
    public func showNewMailbox(
        _ name: String?, at node: String?, introducedOnly: Bool, network: String?, passphrase: PassphraseSource,
        json: Bool
    ) async throws {
        let made = try await createMailbox(
            name ?? Self.standardMailbox, at: node, introducedOnly: introducedOnly, network: network,
            passphrase: passphrase)
        if json { return try terminal.print(JSONText.encode(Line(made))) }
        try terminal.print(made.address)
        note("mailbox \(made.name) is ready at node \(made.node); it holds \(made.quota ?? 0) blocks of 32 KiB")
        if made.isDefault { note("reply blocks end there if you say nothing else") }
        if let expires = made.expires { note("poll it before \(expires), or the node removes it: nightjar receive") }
    }

    /// Shows the mailboxes as of their last polls.
    public func listMailboxes(network: String?, passphrase: PassphraseSource, json: Bool) throws {
        let all = try mailboxes(network: network, passphrase: passphrase)
        if json { return try terminal.print(JSONText.encode(all.map { Line($0) })) }
        guard !all.isEmpty else { return try terminal.print("no mailboxes; make one with `nightjar mailbox create`") }
        var table = TextTable(["NAME", "NETWORK", "NODE", "POLLED", "WAITING", "USED", "UNTIL", "SENDERS"])
        for box in all {
            let senders =
                (box.introducedOnly ? "introduced only (\(box.introductions))" : "all")
                + (box.policyChanged ? ", not told yet" : "")
            table.add([
                box.name + (box.isDefault ? " *" : ""), box.network, box.node, box.polled?.description ?? "never",
                box.waiting.map { "\($0)" } ?? "-", box.used.map { "\($0)/\(box.quota ?? 0)" } ?? "-",
                box.expires?.description ?? "-", senders,
            ])
        }
        for line in table.lines { try terminal.print(line) }
    }

    /// Asks a node and shows what it says.
    public func showMailboxStatus(
        _ name: String?, network: String?, passphrase: PassphraseSource, json: Bool
    ) async throws { try show(try await mailboxStatus(name, network: network, passphrase: passphrase), json: json) }

    /// Changes a mailbox and shows how it stands then.
    public func showConfiguredMailbox(
        _ name: String?, introducedOnly: Bool?, isDefault: Bool, network: String?, passphrase: PassphraseSource,
        json: Bool
    ) async throws {
        try show(
            try await configureMailbox(
                name, introducedOnly: introducedOnly, isDefault: isDefault, network: network, passphrase: passphrase),
            json: json)
    }

    private func show(_ box: MailboxInfo, json: Bool) throws {
        if json { return try terminal.print(JSONText.encode(Line(box))) }
        try terminal.print("mailbox  \(box.name)\(box.isDefault ? " (reply blocks end here)" : "")")
        try terminal.print("address  \(box.address)")
        try terminal.print("senders  \(box.introducedOnly ? "introduced only, \(box.introductions) of them" : "all")")
        if let used = box.used, let quota = box.quota {
            try terminal.print("blocks   \(used) of \(quota), \(box.waiting ?? 0) waiting")
        }
        if let expires = box.expires { try terminal.print("until    \(expires), if it is not polled again") }
    }

    /// Deletes a mailbox.
    public func removeMailbox(
        _ name: String, locally: Bool, isConfirmed: Bool, network: String?, passphrase: PassphraseSource
    ) async throws {
        guard isConfirmed else {
            throw CommandFailure(
                "what is in the mailbox \(Printable.text(name)), and every answer to reply blocks that end there, is lost for "
                    + "good; add --yes if that is meant", code: .usage)
        }
        try await deleteMailbox(name, locally: locally, network: network, passphrase: passphrase)
        note(
            locally
                ? "mailbox \(Printable.text(name)) forgotten here; its node keeps it until it expires"
                : "mailbox \(Printable.text(name)) deleted")
    }
}
