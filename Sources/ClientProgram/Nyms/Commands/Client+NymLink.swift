// Several devices: the new one shows a code, the first one seals the nym's keys to it and passes the mail on from then
// on.

internal import Daemon
internal import Directory
internal import Mailboxes
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
public import WireFormat

extension Client {
    /// Real time between two polls while waiting.
    private static let pauseBetweenPolls = Duration.seconds(15)

    /// Makes a mailbox for another device of ours to write to, and shows the code that names it.
    /// - Parameter patience: how long to wait for the keys (real time); nil: only show the code.
    public func linkNym(
        at nodeName: String?, wait patience: Interval?, network name: String?, passphrase: PassphraseSource, json: Bool
    ) async throws {
        struct Line: Encodable {
            var code: String
            var node: String
        }
        let network = try network(name)
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let link: OwnNymLink
        if let open = keyring.takingLinks().first(where: { !$0.isUsed && $0.network == network.name }) {
            // One that nobody has used yet is as good as a new one.
            link = open
        } else {
            link = try await newLink(at: nodeName, network, keyring)
        }
        let code = LinkCode(node: link.nodeName, secret: link.secret).text
        try terminal.print(json ? JSONText.encode(Line(code: code, node: link.nodeName)) : code)
        note(
            "type this on the device that has the nym: nightjar nym approve NYM --device NAME\nShow it to nobody: "
                + "whoever sees it before the keys have come can take them")
        guard let patience else {
            return note("the keys come with `nightjar run`, `nightjar nym check`, or: nightjar nym link --wait 1h")
        }
        try await wait(for: link, patience, network, keyring)
    }

    private func newLink(at nodeName: String?, _ network: Network, _ keyring: Keyring) async throws -> OwnNymLink {
        let node = try mailboxNode(nodeName, network, keyring)
        let now = Timestamp(seconds: time.clock.now().seconds)
        let secret = try LinkSecret.random()
        let link = OwnNymLink(
            address: "", network: network.name, device: "", side: .taking, node: node.id, nodeName: node.name,
            created: now, isUsed: false, box: try secret.mailbox(), secret: secret)
        try await makeMailbox(of: link, network, keyring)
        try keyring.add(link)
        return link
    }

    /// Makes the mailbox of a link's secret.
    private func makeMailbox(of link: OwnNymLink, _ network: Network, _ keyring: Keyring) async throws {
        var generator = SystemRandomNumberGenerator()
        // The other device is not introduced: its messages are known by what they are sealed with.
        var box = try OwnMailbox(
            name: NymIdentity.name(generator.bytes(32)), network: network.name, node: link.node,
            nodeName: link.nodeName, seed: link.secret.mailboxSeed(),
            policy: MailboxPolicy(introducedOnly: false, replyToken: .random(using: &generator)),
            created: Timestamp(seconds: time.clock.now().seconds), policyChanged: true)
        let session = try await MailboxSession.open(box, network: network, client: self)
        do {
            _ = try await session.change(.create(box.policy))
            await session.close()
        } catch {
            await session.close()
            throw error
        }
        box.noteSent(box.policy)
        try keyring.add(box)
    }

    /// Moves links whose code was used to mailboxes that the code does not give, and has the first devices know: each
    /// sees the result of a request with a number that only the two of them know. Until then they write to the code's.
    func moveLinks(_ network: Network, _ keyring: Keyring, _ records: RecordStore) async throws {
        let requests = NymRequests(client: self, network: network, records: records, keyring: keyring)
        for link in keyring.takingLinks() where link.isUsed && link.network == network.name {
            guard let nym = keyring.nyms().first(where: { $0.address == link.address }),
                try requests.mayMove(link)
            else { continue }
            let id = try link.secret.mailbox()
            if !keyring.mailboxes(in: network.name).contains(where: { $0.id == id }) {
                try await makeMailbox(of: link, network, keyring)
            }
            try requests.addMoved(link, nym, at: time.clock.now())
        }
    }

    private func wait(
        for link: OwnNymLink, _ patience: Interval, _ network: Network, _ keyring: Keyring
    ) async throws {
        let id = link.box
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(patience.milliseconds))
        while ContinuousClock.now < deadline {
            if !RunLock.isHeld(places, network: network.name),
                let box = keyring.mailboxes(in: network.name).first(where: { $0.id == id })
            {
                let result = try await MailboxPoller(client: self, keyring: keyring).poll(
                    box, network: network, blocks: config.inbox.blocksPerPoll)
                if let failure = result.failure { throw failure }
            }
            try keyring.refresh()
            let found = keyring.takingLinks().first { $0.box == id }
            if let found, found.isUsed { return note("\(found.address) has come; it is in `nightjar nym list`") }
            try await Task.sleep(for: Self.pauseBetweenPolls)
        }
        throw CommandFailure("nothing has come yet; wait longer, or let `nightjar run` run", code: .temporary)
    }

    /// Seals a nym's keys to the device that shows `code`, and passes mail on to it from now on.
    /// - Parameter device: what the other device is called here.
    public func approveNymDevice(
        _ text: String, code typed: String?, device: String, passphrase: PassphraseSource
    ) async throws {
        if typed == nil { terminal.message("type the code that the other device shows:") }
        let code = try LinkCode(typed ?? readLine() ?? "")
        let device = try EntryName.check(device, of: "a device")
        try await withNym(text, passphrase: passphrase) { open in
            let state = try open.state()
            guard state.stage == .active else {
                throw NymClientError.notActive(open.nym.address, why: "is not active; see `nightjar nym status`")
            }
            guard state.isPrimary else { throw NymClientError.notPrimary(open.nym.address) }
            let (network, keyring) = (open.requests.network, open.requests.keyring)
            guard let node = network.node(named: code.node) else {
                throw PathError.unknownNode(Printable.text(code.node))
            }
            let id = try code.secret.mailbox()
            guard !keyring.items.contains(where: { $0.nymLink?.box == id }) else {
                throw CommandFailure("this code was used already; have the other device show a new one", code: .usage)
            }
            let now = time.clock.now()
            let link = OwnNymLink(
                address: open.nym.address, network: network.name, device: device, side: .giving, node: node.id,
                nodeName: node.name, created: Timestamp(seconds: now.seconds), isUsed: true, box: id,
                // All that follows is under a secret that the code does not give.
                secret: try .random())
            var generator = SystemRandomNumberGenerator()
            let message = try LinkMessage.withGrant(keyring.grant(of: open.nym, state), link.secret) {
                try LinkMessage.seal(.grant, $0, with: code.secret, using: &generator)
            }
            try open.requests.post(message, to: NymTurn.address(link), kind: .raw, at: now)
            try keyring.add(link)
            note("the keys of \(open.nym.address) are on their way to \(device), and its mail from now on")
            try await sendNymMessages(open.requests)
        }
    }

    /// Shows the devices that a nym's mail is passed on to.
    public func listNymDevices(_ text: String, passphrase: PassphraseSource, json: Bool) throws {
        struct Line: Encodable {
            var device: String
            var node: String
            /// Whether it goes to a mailbox that who saw the code cannot find.
            var hasMoved: Bool
            var since: String
        }
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let records = try records()
        defer { records.close() }
        let nym = try nym(text, keyring: keyring, book: NymBook(records)).nym
        let lines = try keyring.links(of: nym.address).map {
            Line(
                device: $0.device, node: $0.nodeName, hasMoved: try $0.box == $0.secret.mailbox(),
                since: $0.created.description)
        }
        if json { return try terminal.print(JSONText.encode(lines)) }
        guard !lines.isEmpty else {
            return try terminal.print("no other devices; see `nightjar help nym link`")
        }
        var table = TextTable(["DEVICE", "SINCE", "MAILBOX AT"])
        for line in lines { table.add([line.device, line.since, line.node + (line.hasMoved ? "" : " (the code's)")]) }
        for line in table.lines { try terminal.print(line) }
    }

    /// Passes nothing on to a device any more. It keeps what it has: change the keys to shut it out.
    public func unlinkNymDevice(_ text: String, device: String, passphrase: PassphraseSource) throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let records = try records()
        defer { records.close() }
        let nym = try nym(text, keyring: keyring, book: NymBook(records)).nym
        guard let link = keyring.links(of: nym.address).first(where: { $0.device == device }) else {
            throw KeyringError.unknown(what: "device", device, command: "nightjar nym devices \(nym.address)")
        }
        try NymMirrorQueue(records).forget(link.secret.mailbox())
        _ = try keyring.removeLink(of: nym.address, device: device)
        note(
            "nothing is passed on to \(device) any more. It still has the keys; if it is lost or stolen, change "
                + "them: nightjar nym rotate \(nym.address)")
    }
}
