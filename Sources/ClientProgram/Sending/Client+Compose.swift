// From a request to messages: recipients looked up, paths tried, the mail read, keys and reply blocks fetched.

internal import Daemon
internal import Directory
internal import Messages
internal import MixCrypto
internal import Sphinx

extension Client {
    /// What `request` sends: a message for each exit, mailbox and key. Reads the mail, from standard input too. Says what
    /// was left out of its header.
    /// - Parameters:
    ///   - planner: of the network, with the path and the nodes that the request allows.
    ///   - keyring: opens the keyring; asked only if reply blocks are to be enclosed.
    func compose(
        _ request: SendRequest, network: Network, planner: PacketPlanner, keyring: () throws -> Keyring
    ) throws -> [ComposedMessage] {
        let recipients = try request.recipients.map { try correspondent($0, request.message) }
        if !request.takesRecipientsFromMail || !recipients.isEmpty { try tryPaths(to: recipients, planner: planner) }
        let key = try sealingKey(request.message)
        let text = try MailInput.read(request.message, bodyLimit: planner.bodyLimit, terminal: terminal)
        var correspondents = recipients
        if request.takesRecipientsFromMail {
            for name in try MailAddresses.recipients(of: text) {
                let one = try correspondent(name, request.message)
                if !correspondents.contains(where: { $0.address == one.address }) { correspondents.append(one) }
            }
            guard !correspondents.isEmpty else { throw SendError.noRecipientInMail }
            try tryPaths(to: correspondents, planner: planner)
        }
        if let key {
            for index in correspondents.indices { correspondents[index].key = key }
        }
        let composition = try Composition(text, request: request.message)
        tellLeftOut(composition.leftOut)
        return try composition.messages(
            to: correspondents, planner: planner, seal: Self.seal,
            replyBlocks: { try enclosedBlocks(request.message, network: network, keyring: keyring) })
    }

    /// Says which fields of the header do not travel.
    func tellLeftOut(_ fields: [String]) {
        guard !fields.isEmpty else { return }
        note(
            "left out of the mail's header, as it would tell who you are: "
                + fields.map(Printable.text).joined(separator: ", "))
    }

    /// Whoever asks for an impossible path should hear of it before he has typed the mail.
    private func tryPaths(to correspondents: [Correspondent], planner: PacketPlanner) throws {
        var generator = SystemRandomNumberGenerator()
        for group in try Composition.groups(of: correspondents, planner: planner) {
            _ = try planner.path(for: group.errand, using: &generator)
        }
    }

    private func correspondent(_ text: String, _ request: ComposeRequest) throws -> Correspondent {
        let found = try resolve(text)
        return Correspondent(
            address: found.address, key: request.sealsToContacts ? found.key : nil, introduction: found.introduction)
    }

    /// The message for whoever made the reply blocks that carry it.
    func composeReply(_ text: [UInt8], _ request: ComposeRequest, network: Network) throws -> ComposedMessage {
        let key = try sealingKey(request)
        let composition = try Composition(text, request: request)
        tellLeftOut(composition.leftOut)
        let blocks = try enclosedBlocks(request, network: network) {
            try Keyring.open(self, passphrase: request.passphrase)
        }
        guard let key else { return composition.reply(enclosing: blocks) }
        return try composition.reply(enclosing: blocks, sealedTo: key, seal: Self.seal)
    }

    /// The reply blocks of our own that one message encloses.
    private func enclosedBlocks(
        _ request: ComposeRequest, network: Network, keyring: () throws -> Keyring
    ) throws -> [[UInt8]] {
        guard request.enclose > 0 else {
            guard request.identity == nil else {
                throw CommandFailure("--identity is about enclosed reply blocks; add --enclose N", code: .usage)
            }
            return []
        }
        guard request.enclose <= ComposeRequest.maximumEnclosed else { throw EnvelopeError.tooManyReplyBlocks }
        let keyring = try keyring()
        guard let target = try ownReplyTarget(keyring, network) else { throw SendError.nowhereForAnswers }
        var generator = SystemRandomNumberGenerator()
        return try makeReplyBlocks(
            request.enclose, identity: request.identity ?? SURBSecretSchedule.standard, target: target,
            keyring: keyring, network: network, using: &generator
        ).map(\.surb.encoded)
    }

    /// The key that `--encrypt-to` names: of a contact, in a file, or written out; nil without the option.
    private func sealingKey(_ request: ComposeRequest) throws -> KEMPublicKey? {
        guard let text = request.encryptTo else { return nil }
        if let contact = try contact(text) {
            guard let key = contact.key else { throw SendError.contactWithoutKey(contact.name) }
            return key
        }
        guard !EntryName.isValid(text) || ClientPlaces.isThere(text) else {
            throw CommandFailure(
                "there is no contact and no file called \(text); see `nightjar contact list`, or name a file with the key",
                code: .usage)
        }
        return try PublicKeyText.read(text)
    }

    /// The HPKE box of a mail.
    static func seal(_ mail: [UInt8], _ key: KEMPublicKey) throws -> [UInt8] { try MailSeal.seal(mail, to: key) }

    /// How packets travel: the settings, and over them what was asked for.
    func options(in network: Network) -> SendOptions {
        var options = SendOptions()
        options.path = config.path
        options.copies = config.copies
        options.blocked = blocked(in: network)
        options.blockedEntries = nodes(config.blockedEntries, named: "blocked-entries", in: network)
        options.blockedExits = nodes(config.blockedExits, named: "blocked-exits", in: network)
        return options
    }

    /// How the packets of `request` travel.
    func options(for request: SendRequest, in network: Network) throws -> SendOptions {
        var options = options(in: network)
        if let path = request.path { options.path = try PathSpecification(path) }
        if let copies = request.copies {
            guard SendOptions.copyRange.contains(copies) else { throw SendError.tooManyCopies(copies) }
            options.copies = copies
        }
        options.isUrgent = request.isUrgent
        return options
    }
}
