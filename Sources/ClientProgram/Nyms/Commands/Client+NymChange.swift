// Changing a nym: its policy, other names, keys, and its end; and what is done with single mails at the server.

internal import Daemon
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

extension Client {
    /// Mails that wait at the server are sent after all, or forgotten there.
    /// - Parameter deletes: forget them.
    public func fetchNymMails(
        _ text: String, items: [Int], deletes: Bool, passphrase: PassphraseSource
    ) async throws {
        let numbers = items.compactMap { UInt64(exactly: $0) }
        guard numbers.count == items.count, !numbers.isEmpty else {
            throw CommandFailure("name items by the numbers that `nightjar nym list NAME` shows", code: .usage)
        }
        try await withNym(text, passphrase: passphrase) { open in
            let state = try open.state()
            try checkActive(open, state)
            for number in numbers where !state.synopses.contains(where: { $0.item == number }) {
                throw NymClientError.unknownItem("\(number)")
            }
            let now = time.clock.now()
            let command: NymCommand = deletes ? .acknowledge(numbers) : .get(numbers.map { NymRange(item: $0) })
            try open.requests.add(
                .get, [command], acknowledging: deletes ? numbers : [], of: open.nym, at: now
            ) { state, _ in
                if deletes {
                    for number in numbers { state.finish(number) }
                } else {
                    for index in state.synopses.indices where numbers.contains(state.synopses[index].item) {
                        state.synopses[index].isWanted = true
                    }
                }
            }
            try await sendNymRequests(open)
            note(
                deletes
                    ? "the server is told to forget \(Count.text(numbers.count, "mail"))"
                    : "the server is asked for \(Count.text(numbers.count, "mail")); they come with the next packets")
        }
    }

    /// Changes how mail comes.
    /// - Parameters:
    ///   - packets: packets in each cycle; nil leaves them.
    ///   - delivers: `whole`, `synopses` or `nothing`.
    ///   - synopsisAbove: of larger mails only a synopsis comes; 0: of none.
    public func changeNymPolicy(
        _ text: String, packets: Int?, delivers: String, synopsisAbove: Int, passphrase: PassphraseSource
    ) async throws {
        let delivery: NymPolicy.Delivery
        switch delivers {
        case "whole": delivery = .whole
        case "synopses": delivery = .synopses
        case "nothing": delivery = .nothing
        default: throw CommandFailure("--deliver takes whole, synopses or nothing", code: .usage)
        }
        guard let above = UInt32(exactly: synopsisAbove) else {
            throw CommandFailure("--synopsis-above takes a number of bytes, or 0", code: .usage)
        }
        try await withNym(text, passphrase: passphrase) { open in
            let state = try open.state()
            try checkActive(open, state)
            var chosen = state.packets
            if let packets {
                guard let named = UInt8(exactly: packets).flatMap(NymClass.init(rawValue:)) else {
                    throw CommandFailure("--packets takes 1, 2 or 4", code: .usage)
                }
                chosen = named
            }
            let policy = NymPolicy(packets: chosen, delivers: delivery, synopsisAbove: above)
            try open.requests.add(.policy, [.policy(policy)], of: open.nym, at: time.clock.now()) { state, _ in
                state.packets = chosen
            }
            try await sendNymRequests(open)
            note("the server is told; see `nightjar nym status \(open.nym.address)`")
        }
    }

    /// Adds another name, or takes one away.
    public func changeNymAlias(
        _ text: String, alias: String, removes: Bool, passphrase: PassphraseSource
    ) async throws {
        try await withNym(text, passphrase: passphrase) { open in
            let state = try open.state()
            try checkActive(open, state)
            let full = alias.contains("@") ? alias : "\(alias)@\(open.nym.domain)"
            guard let address = NymAddress(full), address.domain == open.nym.domain else {
                throw NymClientError.badAddress(full)
            }
            guard !ReservedNames.contains(address.name) else { throw NymClientError.reservedName(address.name.text) }
            let name = address.name
            let command: NymCommand
            if removes {
                guard state.aliases.contains(name.text) else {
                    throw KeyringError.unknown(
                        what: "alias", name.text, command: "nightjar nym status \(open.nym.address)")
                }
                command = .removeAlias(name)
            } else {
                let bits = max(Int(state.difficulty), Int(state.report?.difficulty ?? 0), NymLimits().workBits)
                command = .addAlias(
                    name,
                    await work(for: address, key: try open.nym.keys.signing().verificationKey, bits: bits))
            }
            try open.requests.add(.alias, [command], of: open.nym, at: time.clock.now()) { state, number in
                state.aliases.removeAll { $0 == name.text }
                guard !removes else { return }
                state.aliases.append(name.text)
                for index in state.waiting.indices where state.waiting[index].number == number {
                    state.waiting[index].alias = name.text
                }
            }
            try await sendNymRequests(open)
            note("the server is asked; see `nightjar nym status \(open.nym.address)`")
        }
    }

    /// Makes new keys and has the server take them.
    public func rotateNymKeys(_ text: String, passphrase: PassphraseSource) async throws {
        try await withNym(text, passphrase: passphrase) { open in
            let state = try open.state()
            try checkActive(open, state)
            guard state.isPrimary else { throw NymClientError.notPrimary(open.nym.address) }
            let now = time.clock.now()
            if !state.waiting.contains(where: { $0.purpose == .rotate }) {
                try open.requests.addRotation(of: open.nym, state, at: now)
            }
            try await sendNymRequests(open)
            note("new keys are made and used as soon as the server has them; make a new copy of the keyring")
        }
    }

    /// Ends a nym: asks the server to erase it, or only forgets it here.
    /// - Parameter locally: nobody is asked.
    public func closeNym(_ text: String, locally: Bool, isConfirmed: Bool, passphrase: PassphraseSource) async throws {
        guard isConfirmed else {
            throw CommandFailure(
                locally
                    ? "the keys of \(Printable.text(text)) are destroyed, and nobody can use the nym any more; add "
                        + "--yes if that is meant"
                    : "\(Printable.text(text)) ends for good, with all mail for it, and nobody gets the name again; "
                        + "add --yes if that is meant", code: .usage)
        }
        if locally { return try forgetNym(text, passphrase: passphrase) }
        try await withNym(text, passphrase: passphrase) { open in
            let state = try open.state()
            guard state.stage == .active || state.stage == .pending else {
                throw NymClientError.notActive(
                    open.nym.address,
                    why: "is \(state.stage); forget it here with: nightjar nym close \(open.nym.address) --local --yes")
            }
            try open.requests.add(.close, [.close], of: open.nym, at: time.clock.now()) { state, _ in
                state.stage = .closing
            }
            try await sendNymRequests(open)
            note(
                "the server is asked to erase it; when `nightjar nym status` says closed, forget it here: nightjar "
                    + "nym close "
                    + "\(open.nym.address) --local --yes")
        }
    }

    private func forgetNym(_ text: String, passphrase: PassphraseSource) throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let records = try records()
        defer { records.close() }
        let book = NymBook(records)
        let nym = try nym(text, keyring: keyring, book: book).nym
        let files = NymRequestFiles(places)
        for request in try book.state(nym.address)?.waiting ?? [] {
            try files.remove(request, log: sentLog(records))
        }
        for link in keyring.links(of: nym.address) { try NymMirrorQueue(records).forget(link.secret.mailbox()) }
        try book.forget(nym.address)
        try keyring.removeNym(nym.address)
        note("\(nym.address) is forgotten here")
        if let box = keyring.mailboxes(in: nym.network).first(where: { $0.id == nym.mailbox }) {
            note("delete its mailbox with: nightjar mailbox delete \(box.name) --yes")
        }
    }

    private func checkActive(_ open: OpenNym, _ state: NymState) throws(NymClientError) {
        switch state.stage {
        case .active: return
        case .pending:
            throw .notActive(open.nym.address, why: "is not confirmed by its server yet; try again later")
        case .refused, .closing, .closed:
            throw .notActive(open.nym.address, why: "is \(state.stage); see `nightjar nym status`")
        }
    }
}
