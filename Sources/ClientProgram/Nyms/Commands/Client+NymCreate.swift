// `nightjar nym create`: keys, a mailbox for the nym alone, work for the name, reply blocks, and the request that asks
// for it. Killed anywhere, it goes on where it was when it is called again.

internal import Daemon
internal import Directory
internal import Mailboxes
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

/// What `nightjar nym create` is asked for.
public struct NymCreateRequest: Sendable {
    /// `alice@nym.example`
    public var address: String
    /// Packets in each cycle: 1, 2 or 4.
    public var packets = 1
    /// The node of the nym's mailbox; nil for one chosen at random.
    public var node: String?
    /// A file with the server's key, or its fingerprint.
    public var serverKey: String?
    public var network: String?
    public var json = false
    public var passphrase = PassphraseSource.terminal

    public init(address: String) { self.address = address }
}

extension Client {
    /// Work for a first request; a server that wants more says so.
    private static let firstWork = NymLimits().workBits

    /// Makes a nym and asks its server for it.
    public func createNym(_ request: NymCreateRequest) async throws {
        guard let address = NymAddress(request.address) else { throw NymClientError.badAddress(request.address) }
        guard !ReservedNames.contains(address.name) else { throw NymClientError.reservedName(address.name.text) }
        guard let packets = UInt8(exactly: request.packets).flatMap(NymClass.init(rawValue:)) else {
            throw CommandFailure("--packets takes 1, 2 or 4", code: .usage)
        }
        let network = try network(request.network)
        let server = try serverKey(of: address.domain, request.serverKey, network)
        let keyring = try Keyring.open(self, passphrase: request.passphrase)
        let records = try records()
        defer { records.close() }
        let book = NymBook(records)
        let nym = try await prepare(address, server, request, network, keyring, book)
        let bits = Self.firstWork
        let work = await work(for: address, key: try nym.keys.signing().verificationKey, bits: bits)
        let requests = NymRequests(client: self, network: network, records: records, keyring: keyring)
        var generator = SystemRandomNumberGenerator()
        try book.begin(
            address.description,
            NymState(device: generator.next(), packets: packets, created: time.clock.now()))
        let progress = ProgressLine(terminal)
        try requests.create(nym, work: work, at: time.clock.now()) {
            progress.show("making reply blocks", $0, of: NymTiming.wantedBlocks(of: packets))
        }
        progress.clear()
        if request.json {
            try terminal.print(JSONText.encode(NymSummary(nym, try book.state(nym.address), now: time.clock.now())))
        } else {
            try terminal.print(nym.address)
        }
        note(
            "the key of \(nym.domain) is \(server.fingerprint); it was taken from the network and stays. Compare it "
                + "with what the domain's operator publishes: whoever has another key there reads what you ask and "
                + "send")
        note(
            "the nym is asked for, and pending until its server has answered, which takes some hours; see `nightjar "
                + "nym "
                + "status`. Let `nightjar run` run: it looks after the nym")
        let (_, failure) = requests.transmitDue(nym, at: time.clock.now())
        if let failure { throw failure }
        try await sendNymMessages(requests)
    }

    /// Keys and mailbox; those of an attempt that was cut off before anything was asked for are taken up again.
    private func prepare(
        _ address: NymAddress, _ server: KEMPublicKey, _ request: NymCreateRequest, _ network: Network,
        _ keyring: Keyring, _ book: NymBook
    ) async throws -> OwnNym {
        let old = keyring.nyms().first { $0.address == address.description }
        if let old {
            let state = try book.state(old.address)
            if state.map({ !$0.waiting.isEmpty || $0.stage != .pending || $0.nextNumber > 1 }) ?? false {
                throw KeyringError.taken(what: "a nym", old.address)
            }
        }
        let identity = NymIdentity.name(address: address.description, network: network.name)
        if !keyring.mailboxes(in: network.name).contains(where: { $0.name == identity }) {
            _ = try await createMailbox(
                identity, at: request.node, introducedOnly: true, network: network.name,
                passphrase: request.passphrase)
            try keyring.refresh()
        }
        guard let box = keyring.mailboxes(in: network.name).first(where: { $0.name == identity }) else {
            throw NymClientError.noMailbox(address.description)
        }
        if let old {
            return try keyring.changeNym(old.address) { $0.mailbox = box.id } ?? old
        }
        let nym = OwnNym(
            address: address.description, network: network.name,
            created: Timestamp(seconds: time.clock.now().seconds), server: server, mailbox: box.id,
            keys: try .random())
        try keyring.add(nym)
        return nym
    }

    /// The key that requests are sealed to: what the network says, and what the user knows from elsewhere.
    private func serverKey(of domain: String, _ given: String?, _ network: Network) throws -> KEMPublicKey {
        guard let given else { return try NymRequests.serverKey(domain, in: network) }
        let announced = network.nodes.flatMap { $0.fields.nymDomains.filter { $0.domain == domain }.map(\.key) }
        guard !announced.isEmpty else {
            // Says which domains there are.
            return try NymRequests.serverKey(domain, in: network)
        }
        let wanted: KeyFingerprint
        if let fingerprint = try? KeyFingerprint(given) {
            wanted = fingerprint
        } else {
            wanted = try PublicKeyText.read(given).fingerprint
        }
        guard let key = announced.first(where: { $0.fingerprint == wanted }) else {
            throw NymClientError.wrongKey(
                domain, announced: Set(announced.map(\.fingerprint.description)).sorted().joined(separator: ", "))
        }
        return key
    }
}

extension NymRequests {
    /// Asks for the nym, with the first reply blocks; more follow in requests of their own where one is too small.
    func create(
        _ nym: OwnNym, work: ProofOfWork, at now: Timestamp, progress: (Int) -> Void = { _ in }
    ) throws {
        guard let state = try book.state(nym.address) else { throw NymClientError.unknown(nym.address) }
        let total = NymTiming.wantedBlocks(of: state.packets)
        let first = min(total, NymBatch.mostBlocks)
        let creation = NymCreation(
            signing: try nym.keys.signing().verificationKey, sealing: try nym.keys.sealing().publicKey, work: work,
            packets: state.packets)
        let blocks = try makeBlocks(first, of: nym, at: now, progress: progress)
        try add(
            .create, [.create(creation), .surbs(try NymBatch(generation: state.generation, blocks: blocks))],
            blocks: first, of: nym, at: now
        ) { state, _ in
            state.stage = .pending
            state.needsWork = false
        }
        guard total > first else { return }
        let more = try makeBlocks(total - first, of: nym, at: now) { progress(first + $0) }
        try add(
            .stock, [.surbs(try NymBatch(generation: state.generation, blocks: more))], blocks: more.count, of: nym,
            at: now)
    }

    /// Asks once more with the work that the server wants, if it wants more.
    /// - Returns: whether it did.
    func repeatCreation(_ nym: OwnNym, at now: () -> Timestamp) async throws -> Bool {
        guard let state = try book.state(nym.address), state.stage == .pending, state.needsWork,
            let address = NymAddress(nym.address)
        else { return false }
        let work = await ProofOfWork.search(
            address, key: try nym.keys.signing().verificationKey, bits: Int(state.difficulty))
        // The refusal came through a block of the first request. Should a copy of that request come late, its blocks
        // are of an older generation, and none is used twice.
        try book.update(nym.address) { $0.generation &+= 1 }
        try create(nym, work: work, at: now())
        return true
    }
}
