// From what a nym needs to a request in the book, and from there to a message on its way to the server.

internal import Daemon
internal import Directory
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Sphinx
internal import Spool
internal import WireFormat

/// The requests of nyms in one network.
struct NymRequests {
    let client: Client
    let network: Network
    let records: RecordStore
    let keyring: Keyring

    var book: NymBook { NymBook(records) }
    private var files: NymRequestFiles { NymRequestFiles(client.places) }

    // MARK: Making

    /// Writes a request down. It waits in the book until the server has told its result.
    /// - Parameters:
    ///   - blocks: reply blocks that are sent with it.
    ///   - reserved: a number that was kept for it; nil takes the next one.
    ///   - change: what changes in the state in the same step.
    /// - Returns: its number.
    @discardableResult
    func add(
        _ purpose: NymState.Purpose, _ commands: [NymCommand], blocks: Int = 0, acknowledging items: [UInt64] = [],
        of nym: OwnNym, at now: Timestamp, reserved: UInt64? = nil,
        change: (inout NymState, UInt64) -> Void = { _, _ in }
    ) throws -> UInt64 {
        guard let address = NymAddress(nym.address) else { throw NymClientError.unknown(nym.address) }
        let number = try book.update(nym.address) { state in
            guard let number = reserved ?? state.takeNumber(for: purpose) else {
                throw NymClientError.tooManyRequests(nym.address)
            }
            let request = try NymRequest(
                account: address.name, device: state.device, number: number, resultsSeen: state.resultsSeen,
                commands: commands)
            let file = try files.write(request)
            state.waiting.append(
                NymState.Waiting(
                    number: number, purpose: purpose, made: now, sent: nil, blocks: UInt32(blocks),
                    acknowledged: items, file: file, message: nil))
            change(&state, number)
            return number
        }
        guard let number else { throw NymClientError.unknown(nym.address) }
        return number
    }

    /// Asks the server to take the keys that the keyring has made for the nym.
    func addRotation(of nym: OwnNym, _ state: NymState, at now: Timestamp) throws {
        guard let address = NymAddress(nym.address) else { throw NymClientError.unknown(nym.address) }
        let keys = try keyring.beginRotation(of: nym.address, at: now)
        let rotation = try NymRotation(
            to: keys.signing(), sealing: keys.sealing().publicKey, account: address.name, domain: address.domain)
        // Where nothing was heard yet this may be one device too many: all but this request is passed over, and the
        // answer needs a way.
        let blocks = state.isHeard ? [] : try makeBlocks(Self.answerBlocks, of: nym, at: now)
        var commands: [NymCommand] = []
        if !blocks.isEmpty { commands.append(.surbs(try NymBatch(generation: state.generation, blocks: blocks))) }
        try add(.rotate, commands + [.rotate(rotation)], of: nym, at: now)
    }

    /// Reply blocks that a change of keys brings: for two days of one packet an hour.
    private static let answerBlocks = 48

    /// Gives a refill that waits for its result new contents, in place of one more that nobody answers. If the server
    /// has executed the old contents and its answer is lost, the new ones do nothing: what they acknowledge comes once
    /// more then and is acknowledged again, and the blocks are used nowhere.
    func replaceRefill(
        _ commands: [NymCommand], blocks: Int, acknowledging items: [UInt64], of nym: OwnNym, at now: Timestamp,
        number: UInt64
    ) throws {
        guard let address = NymAddress(nym.address) else { throw NymClientError.unknown(nym.address) }
        try book.update(nym.address) { state in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return }
            let old = state.waiting.remove(at: index)
            let request = try NymRequest(
                account: address.name, device: state.device, number: old.number, resultsSeen: state.resultsSeen,
                commands: commands)
            // Behind the others, so that the next one takes another's place.
            state.waiting.append(
                NymState.Waiting(
                    number: old.number, purpose: .refill, made: now, sent: nil, times: old.times,
                    blocks: UInt32(blocks), acknowledged: items, file: try files.write(request), message: old.message))
            state.refilled = now
        }
    }

    /// Takes the reply blocks out of a request that has no result, as a newer generation makes them worthless. Its
    /// number has to come to the server all the same, or those after it would wait for ever.
    func empty(_ waiting: inout NymState.Waiting, of nym: OwnNym, _ state: NymState) throws {
        guard waiting.blocks > 0, waiting.purpose != .create, let address = NymAddress(nym.address) else { return }
        let request = try NymRequest(
            account: address.name, device: state.device, number: waiting.number, resultsSeen: state.resultsSeen,
            commands: [])
        // The file before it goes as one that nobody names. What it acknowledged is acknowledged anew.
        waiting = NymState.Waiting(
            number: waiting.number, purpose: waiting.purpose, made: waiting.made, sent: waiting.sent,
            times: waiting.times, blocks: 0, acknowledged: [], file: try files.write(request), message: waiting.message)
    }

    /// Whether a linked device has still to tell that its new mailbox is there.
    func mayMove(_ link: OwnNymLink) throws -> Bool {
        guard let state = try book.state(link.address) else { return false }
        let number = LinkSecret.firstNumber
        return state.device == link.secret.device && state.resultsSeen < number
            && !state.seenBeyond.contains(number) && !state.waiting.contains { $0.number == number }
    }

    /// Tells by a request without commands that the new mailbox of a linked device is there.
    func addMoved(_ link: OwnNymLink, _ nym: OwnNym, at now: Timestamp) throws {
        guard try mayMove(link) else { return }
        try add(.moved, [], of: nym, at: now, reserved: LinkSecret.firstNumber)
    }

    /// Reply blocks of the nym's own identity that end in its own mailbox.
    func makeBlocks(
        _ count: Int, of nym: OwnNym, at now: Timestamp, progress: (Int) -> Void = { _ in }
    ) throws -> [[UInt8]] {
        guard count > 0 else { return [] }
        guard let box = keyring.mailboxes(in: network.name).first(where: { $0.id == nym.mailbox }),
            let target = box.replyTarget
        else { throw NymClientError.noMailbox(nym.address) }
        let secrets = try keyring.currentMaker(identity: nym.identity, at: now)
        let maker = ReplyBlockMaker(network: network, blocked: client.blocked(in: network), now: now)
        var generator = SystemRandomNumberGenerator()
        var blocks: [[UInt8]] = []
        blocks.reserveCapacity(count)
        while blocks.count < count {
            let made = try maker.make(
                min(16, count - blocks.count), identity: nym.identity, target: target, maker: secrets,
                using: &generator)
            blocks += made.map(\.surb.encoded)
            progress(blocks.count)
        }
        return blocks
    }

    // MARK: Sending

    /// Gives every request that is due to the network's outgoing messages; they are made into packets as all others
    /// are.
    /// - Returns: how many there were, and the first thing that went wrong.
    /// - Parameter repeats: false leaves out what was given to the network before.
    func transmitDue(_ nym: OwnNym, at now: Timestamp, repeats: Bool = true) -> (count: Int, failure: (any Error)?) {
        var count = 0
        var failure: (any Error)?
        do {
            for request in try book.state(nym.address)?.due(at: now, repeats: repeats) ?? [] {
                do {
                    try transmit(request, nym, at: now)
                    count += 1
                } catch {
                    failure = failure ?? error
                }
            }
        } catch {
            failure = error
        }
        return (count, failure)
    }

    private func transmit(_ request: NymState.Waiting, _ nym: OwnNym, at now: Timestamp) throws {
        let contents = try files.read(request.file)
        let size = request.purpose == .refill ? NymStock.refillSize(try state(nym).packets) : 0
        let sealed = try contents.sealed(
            for: nym.domain, key: nym.keys.signing(), to: nym.server, padding: size)
        let message = try post(
            NymRequestText.text(sealed), to: Address(canonical: "nym:\(ReservedNames.server)@\(nym.domain)"),
            kind: .rfc5322, server: nym.server, at: now)
        let old = request.message
        try book.update(nym.address) { $0.noteSent(request.number, message: message, at: now) }
        // The message that carried it before says nothing to anybody any more.
        if let old { for gone in try client.sentLog(records).forget([old]) { try removeFile(of: gone) } }
    }

    private func removeFile(of message: SentMessage) throws {
        if let file = message.file { try Outbox(client.places).remove(file) }
    }

    private func state(_ nym: OwnNym) throws -> NymState {
        guard let state = try book.state(nym.address) else { throw NymClientError.unknown(nym.address) }
        return state
    }

    /// Writes a message down that `nightjar run`, or the command itself, makes packets of. No receipt is asked for:
    /// what becomes of it the server says, or nobody.
    @discardableResult
    /// - Parameter server: the key that the exit must announce for the domain of a `nym:` address.
    func post(
        _ body: [UInt8], to address: Address, kind: BodyKind, server: KEMPublicKey? = nil, at now: Timestamp
    ) throws -> MessageID? {
        let options = client.options(in: network)
        let planner = PacketPlanner(network: network, options: options, now: now)
        let composed = try planner.errands([address], nymserver: server).map { errand in
            ComposedMessage(
                recipients: errand.recipients, demands: errand.demands, bodyKind: kind, fields: [:], replyBlocks: [],
                body: body, leftOut: [], isSealed: kind == .raw)
        }
        let recording = MessageRecording(
            client: client, network: network, options: options, outbox: try Outbox(client.places),
            log: client.sentLog(records), receipts: nil, isReliable: false, path: client.config.path.text)
        return try recording.record(composed, at: now).first?.id
    }

    // MARK: The server's key

    /// Whether a node announces the nym's domain with another key than the one that was pinned.
    static func isDoubted(_ nym: OwnNym, _ network: Network) -> Bool {
        network.nodes.contains { node in node.nymDomain(nym.domain).map { $0.key != nym.server } ?? false }
    }

    /// The key to which requests for a domain are sealed, as the nodes of the network announce it.
    /// - Throws: `NymClientError` if nobody does, or if they do not agree.
    static func serverKey(_ domain: String, in network: Network) throws(NymClientError) -> KEMPublicKey {
        let announced = network.nodes.compactMap { node in
            node.fields.nymDomains.first { $0.domain == domain }.map { (node: node.name, key: $0.key) }
        }
        guard let first = announced.first else {
            let known = Set(network.nodes.flatMap { $0.fields.nymDomains.map(\.domain) }).sorted()
            throw .unknownDomain(domain, known: known)
        }
        guard announced.allSatisfy({ $0.key == first.key }) else {
            let keys = Dictionary(grouping: announced) { $0.key.fingerprint.description }
                .map { "\($0.value.map(\.node).sorted().joined(separator: ", ")): \($0.key)" }.sorted()
            throw .keysDiffer(domain, keys: keys)
        }
        return first.key
    }
}
