// Mailboxes as programs see them: made, asked about, changed and deleted at their nodes and here.

internal import Daemon
internal import Directory
internal import Mailboxes
internal import Messages
internal import Spool
public import WireFormat

/// What is known of a mailbox of ours.
public struct MailboxInfo: Sendable, Hashable {
    /// What its owner calls it, and its network.
    public let name, network: String
    /// 32 bytes in hexadecimal: the hash of its key.
    public let id: String
    /// `box:ID@NODE`.
    public let address: String
    /// The node's nickname.
    public let node: String
    /// Whether only introduced senders may write; answers to reply blocks always come.
    public let introducedOnly: Bool
    /// Introductions given out.
    public let introductions: Int
    /// Whether the node has to be told the policy yet; the next poll does it.
    public let policyChanged: Bool
    public let created: Timestamp
    /// When its node last answered.
    public let polled: Timestamp?
    /// Blocks that waited then, that were held, and that may be held.
    public let waiting, used, quota: Int?
    /// When the node will remove it if it is not polled again.
    public let expires: Timestamp?
    /// Whether reply blocks end here if nobody says otherwise.
    public let isDefault: Bool

    init(_ box: OwnMailbox, _ state: MailboxRecord, isDefault: Bool) {
        name = box.name
        network = box.network
        id = box.id.hex
        address = "box:\(box.id.hex)@\(box.nodeName)"
        node = box.nodeName
        introducedOnly = box.policy.introducedOnly
        introductions = box.policy.introductions.count
        policyChanged = box.policyChanged
        created = box.created
        polled = state.polled
        waiting = state.status.map { Int($0.waiting) }
        used = state.status.map { Int($0.used) }
        quota = state.status.map { Int($0.quota) }
        expires = state.status?.expires
        self.isDefault = isDefault
    }
}

extension Client {
    /// What a mailbox is called if nobody says otherwise.
    public static let standardMailbox = "default"

    /// Makes a mailbox at a node: at the one called `node`, or at one chosen at random among those that offer mailboxes.
    /// The first of a network becomes the place where answers go.
    /// - Throws: `MailboxError`, errors for people. Nothing is kept here then.
    public func createMailbox(
        _ name: String, at nodeName: String?, introducedOnly: Bool, network networkName: String?,
        passphrase: PassphraseSource
    ) async throws -> MailboxInfo {
        let network = try network(networkName)
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let name = try EntryName.check(name, of: "a mailbox")
        guard !keyring.mailboxes(in: network.name).contains(where: { $0.name == name }) else {
            throw KeyringError.taken(what: "a mailbox", name)
        }
        let node = try mailboxNode(nodeName, network, keyring)
        var generator = SystemRandomNumberGenerator()
        var box = try OwnMailbox.new(
            name: name, network: network.name, node: node.id, nodeName: node.name, introducedOnly: introducedOnly,
            at: time.clock.now(), using: &generator)
        let status = try await ask(box, network) { try await $0.change(.create(box.policy)) }
        box.noteSent(box.policy)
        try keyring.add(box)
        return try note(status, of: box, keyring)
    }

    /// The mailboxes, of all networks or one, with what the last poll said.
    public func mailboxes(network: String?, passphrase: PassphraseSource) throws -> [MailboxInfo] {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let boxes = network.map { keyring.mailboxes(in: $0) } ?? keyring.mailboxes()
        guard !boxes.isEmpty else { return [] }
        let records = try records()
        defer { records.close() }
        return try boxes.map { box in
            MailboxInfo(
                box, try MailboxRecord.load(box.id, from: records),
                isDefault: keyring.defaultMailbox(in: box.network)?.id == box.id)
        }
    }

    /// Asks the node of a mailbox how it stands.
    public func mailboxStatus(
        _ name: String?, network networkName: String?, passphrase: PassphraseSource
    ) async throws -> MailboxInfo {
        let network = try network(networkName)
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let box = try mailbox(name, network, keyring)
        return try note(try await ask(box, network) { try await $0.change(.status) }, of: box, keyring)
    }

    /// Changes who may write to a mailbox, makes it the one that answers go to, and tells the node what it does not know
    /// yet.
    /// - Parameters:
    ///   - introducedOnly: nil leaves it as it is.
    ///   - isDefault: reply blocks end here from now on if nobody says otherwise.
    public func configureMailbox(
        _ name: String?, introducedOnly: Bool?, isDefault: Bool, network networkName: String?,
        passphrase: PassphraseSource
    ) async throws -> MailboxInfo {
        let network = try network(networkName)
        let keyring = try Keyring.open(self, passphrase: passphrase)
        var box = try mailbox(name, network, keyring)
        if let introducedOnly {
            box =
                try keyring.changeMailbox(box.id) { $0.changePolicy { $0.introducedOnly = introducedOnly } } ?? box
        }
        if isDefault { try keyring.setDefaultMailbox(box) }
        guard box.policyChanged else {
            let records = try records()
            defer { records.close() }
            return MailboxInfo(
                box, try MailboxRecord.load(box.id, from: records),
                isDefault: keyring.defaultMailbox(in: box.network)?.id == box.id)
        }
        let sent = box.policy
        let status = try await ask(box, network) { try await $0.change(.configure(sent)) }
        box = try keyring.changeMailbox(box.id) { $0.noteSent(sent) } ?? box
        return try note(status, of: box, keyring)
    }

    /// Deletes a mailbox and all that is in it: first at its node, then here.
    /// - Parameter locally: only here, when the node is gone or has forgotten it.
    public func deleteMailbox(
        _ name: String, locally: Bool, network networkName: String?, passphrase: PassphraseSource
    ) async throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let box: OwnMailbox
        if locally {
            box = try localMailbox(name, networkName, keyring)
        } else {
            let network = try network(networkName)
            box = try keyring.mailbox(named: name, in: network.name)
            do {
                _ = try await ask(box, network) { try await $0.change(.delete) }
            } catch MailboxError.refused(_, .noSuchMailbox) {
                note("the node did not have it any more")
            }
        }
        try keyring.removeMailbox(box.id)
        let records = try records()
        defer { records.close() }
        try MailboxRecord.forget(box.id, in: records)
    }

    // MARK: Steps

    /// A mailbox by its name alone: its network may be gone.
    private func localMailbox(_ name: String, _ network: String?, _ keyring: Keyring) throws -> OwnMailbox {
        let found = keyring.mailboxes().filter {
            ($0.name == name || $0.id.hex == name) && (network == nil || $0.network == network)
        }
        guard found.count <= 1 else {
            throw CommandFailure(
                "several networks have a mailbox \(Printable.text(name)); choose one with --network NAME", code: .usage)
        }
        guard let box = found.first else {
            throw KeyringError.unknown(what: "mailbox", name, command: "nightjar mailbox list")
        }
        return box
    }

    /// The mailbox called `name`; without a name the one that answers go to.
    private func mailbox(_ name: String?, _ network: Network, _ keyring: Keyring) throws -> OwnMailbox {
        if let name { return try keyring.mailbox(named: name, in: network.name) }
        guard let box = keyring.defaultMailbox(in: network.name) else {
            throw MailboxChoiceError.noMailbox(network: network.name)
        }
        return box
    }

    /// A node that holds none of ours yet, as long as there is one: it would see one address poll both.
    func mailboxNode(_ name: String?, _ network: Network, _ keyring: Keyring) throws -> Descriptor {
        let blocked = blocked(in: network)
        if let name {
            guard let node = network.node(named: name) else { throw PathError.unknownNode(Printable.text(name)) }
            guard node.offersMailboxes else { throw MailboxChoiceError.notOffered(node: node.name) }
            return node
        }
        let offered = network.nodes.filter { $0.offersMailboxes && !blocked.contains($0.id) }
        let ours = Set(keyring.mailboxes(in: network.name).map(\.node))
        guard let node = offered.filter({ !ours.contains($0.id) }).randomElement() ?? offered.randomElement() else {
            throw MailboxChoiceError.noneOffered(network: network.name)
        }
        return node
    }

    private func ask<T>(
        _ box: OwnMailbox, _ network: Network, _ question: (MailboxSession) async throws -> T
    ) async throws -> T {
        let session = try await MailboxSession.open(box, network: network, client: self)
        do {
            let answer = try await question(session)
            await session.close()
            return answer
        } catch {
            await session.close()
            throw error
        }
    }

    /// Remembers what the node said.
    private func note(_ status: MailboxStatus, of box: OwnMailbox, _ keyring: Keyring) throws -> MailboxInfo {
        let records = try records()
        defer { records.close() }
        var state = try MailboxRecord.load(box.id, from: records)
        state.status = status
        state.polled = time.clock.now()
        try state.save(box.id, in: records)
        return MailboxInfo(box, state, isDefault: keyring.defaultMailbox(in: box.network)?.id == box.id)
    }
}

extension Descriptor {
    /// Whether it offers mailboxes.
    var offersMailboxes: Bool { fields.capabilities.contains { $0.name == Capability.Name.mailbox } }
}
