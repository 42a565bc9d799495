// What all commands about nyms share.

internal import Daemon
internal import Directory
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

extension Client {
    /// Addresses of all nyms, and of their aliases, of one network or all.
    public func nymAddresses(network: String?, passphrase: PassphraseSource) throws -> [String] {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let records = try records()
        defer { records.close() }
        return try nymAddresses(network: network, keyring: keyring, book: NymBook(records))
    }

    func nymAddresses(network: String?, keyring: Keyring, book: NymBook) throws -> [String] {
        try keyring.nyms().filter { network == nil || $0.network == network }.flatMap { nym in
            [nym.address] + (try book.state(nym.address)?.aliases ?? []).map { "\($0)@\(nym.domain)" }
        }
    }

    /// The same with what is open already.
    func nymAddresses(keyring: Keyring, network: String) throws -> [String] {
        let records = try records()
        defer { records.close() }
        return try nymAddresses(network: network, keyring: keyring, book: NymBook(records))
    }

    /// The nym that `text` names: an address, an alias or a name alone, and the local part that mail comes from.
    func nym(_ text: String, keyring: Keyring, book: NymBook) throws -> (nym: OwnNym, from: NymName) {
        let wanted = text.lowercased()
        for nym in keyring.nyms() {
            for alias in try book.state(nym.address)?.aliases ?? [] where "\(alias)@\(nym.domain)" == wanted {
                if let name = NymName(alias) { return (nym, name) }
            }
        }
        let nym = try keyring.nym(wanted)
        guard let name = NymName(nym.name) else { throw NymClientError.badAddress(text) }
        return (nym, name)
    }

    /// Everything that a command about one nym needs, open.
    struct OpenNym {
        let nym: OwnNym
        let from: NymName
        let requests: NymRequests

        var turn: NymTurn { NymTurn(requests: requests) }

        func state() throws -> NymState {
            guard let state = try requests.book.state(nym.address) else { throw NymClientError.unknown(nym.address) }
            return state
        }
    }

    /// Opens keyring, records and network for one nym and gives them back afterwards.
    func withNym<Value>(
        _ text: String, passphrase: PassphraseSource, _ body: (OpenNym) async throws -> Value
    ) async throws -> Value {
        try await withNym(text, keyring: try Keyring.open(self, passphrase: passphrase), body)
    }

    func withNym<Value>(
        _ text: String, keyring: Keyring, _ body: (OpenNym) async throws -> Value
    ) async throws -> Value {
        let records = try records()
        defer { records.close() }
        let (nym, from) = try nym(text, keyring: keyring, book: NymBook(records))
        let network = try network(nym.network)
        return try await body(
            OpenNym(
                nym: nym, from: from,
                requests: NymRequests(client: self, network: network, records: records, keyring: keyring)))
    }

    /// Writes down what is due to leave for a nym, and sends it unless `nightjar run` does.
    /// - Throws: `CommandFailure` of code `temporary` if packets wait; nothing is lost then.
    func sendNymRequests(_ open: OpenNym) async throws {
        let now = time.clock.now()
        let (_, failure) = open.requests.transmitDue(open.nym, at: now)
        if let failure { throw failure }
        try await sendNymMessages(open.requests)
    }

    /// Makes packets of the messages that were written down, unless `nightjar run` does.
    func sendNymMessages(_ requests: NymRequests) async throws {
        let network = requests.network
        if RunLock.isHeld(places, network: network.name) {
            return note("handed to `nightjar run`, which sends it at its own times")
        }
        // Opening it makes the packets of what was written down.
        let queue = try await openQueue(network)
        defer { queue.close() }
        let turn = try sendTurn(network: network, log: sentLog(requests.records)) { requests.keyring }
        let (made, failure) = try turn.turn(at: time.clock.now(), queue: queue)
        let known = Set(made.map(\.id))
        let chosen = made + queue.waiting.filter { !known.contains($0.id) }
        let delivery = try await deliver(chosen, awaiting: chosen, from: queue, network: network, timeout: nil)
        // Notes which packets have left.
        _ = try turn.turn(at: time.clock.now(), queue: queue)
        for line in QueueReport.losses(delivery.dropped) { terminal.message(line) }
        if let failure { throw failure }
        let waiting = queue.stillWaiting(chosen.map(\.id))
        guard waiting == 0 else {
            let hints = QueueReport.hints(delivery.failures).map { "\n\($0)" }.joined()
            throw CommandFailure(
                "\(Count.waiting(waiting, of: chosen.count)) in the queue because "
                    + "\(QueueReport(network: network).reasons(delivery.left)); run: nightjar queue flush, or let "
                    + "`nightjar run` send them" + hints,
                code: .temporary)
        }
        if delivery.handedOver > 0 { note("\(Count.text(delivery.handedOver, "packet")) handed over") }
    }

    /// Work for a name; shows how far it is.
    func work(for address: NymAddress, key: VerificationKey, bits: Int) async -> ProofOfWork {
        let progress = ProgressLine(terminal)
        let work = await ProofOfWork.search(address, key: key, bits: bits) { tries in
            progress.show { "working for the name \(address): \(tries >> 10) Ki of about \(1 << max(0, bits - 10)) Ki" }
        }
        progress.clear()
        return work
    }
}

extension ProofOfWork {
    private static let chunk = 1 << 14

    /// Searches until there is one, giving way to other tasks.
    /// - Parameter progress: told how much was tried.
    static func search(
        _ address: NymAddress, key: VerificationKey, bits: Int, progress: (UInt64) -> Void = { _ in }
    ) async -> ProofOfWork {
        var generator = SystemRandomNumberGenerator()
        let first: UInt64 = generator.next()
        var tries: UInt64 = 0
        while true {
            if let work = find(
                domain: address.domain, name: address.name, key: key, bits: bits, from: first &+ tries, tries: chunk)
            {
                return work
            }
            tries &+= UInt64(chunk)
            progress(tries)
            await Task.yield()
        }
    }
}
