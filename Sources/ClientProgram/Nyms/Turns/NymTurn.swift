// What has to be done for nyms again and again, by `nightjar run` or by hand: requests that were not answered are sent
// again, reply blocks made before they run out, mails passed on to other devices. What is done when never depends on
// mail.

internal import Daemon
internal import Directory
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

/// What a turn came to.
struct NymTurnReport: Sendable {
    /// Messages that were written down to be sent.
    var messages = 0
    var failure: (any Error)?
}

/// A turn for the nyms of one network.
struct NymTurn {
    let requests: NymRequests

    /// Refills without a result; with more of them the server is not there, and the next takes the place of one of
    /// them.
    private static let mostRefills = 4

    private var client: Client { requests.client }
    private var book: NymBook { requests.book }
    private var keyring: Keyring { requests.keyring }

    /// Does what is due. One nym that fails keeps no other from its turn.
    /// - Parameters:
    ///   - refilling: nyms whose refill is due now, by address.
    ///   - looking: nyms that are looked after besides those; nil: all.
    ///   - resting: nyms of which only what was never sent is sent now, as their mailboxes were not polled for long.
    func take(
        at now: Timestamp, looking: Set<String>? = nil, resting: Set<String> = [], refilling: Set<String>
    ) -> NymTurnReport {
        var report = NymTurnReport()
        for nym in keyring.nyms() where nym.network == requests.network.name {
            guard looking?.contains(nym.address) ?? true || refilling.contains(nym.address) else { continue }
            let rests = resting.contains(nym.address)
            do {
                if !rests { try look(after: nym, at: now, refills: refilling.contains(nym.address)) }
            } catch {
                report.failure = report.failure ?? error
            }
            let (count, failure) = requests.transmitDue(nym, at: now, repeats: !rests)
            report.messages += count
            report.failure = report.failure ?? failure
        }
        do {
            try passOn(at: now, &report)
            try NymRequestFiles(client.places).clean(book)
        } catch {
            report.failure = report.failure ?? error
        }
        return report
    }

    private func look(after nym: OwnNym, at now: Timestamp, refills: Bool) throws {
        guard let state = try book.state(nym.address), state.isPrimary, state.stage == .active else { return }
        if NymStock.isLost(state, now: now) { try renew(nym, at: now) }
        guard let state = try book.state(nym.address) else { return }
        let stock = NymStock(state, now: now)
        if stock.needsMore {
            try add(stock.missing, to: nym, state, at: now)
        } else if refills {
            try refill(nym, at: now)
        }
    }

    /// Begins a new generation: all that was made before counts for nothing, here and at the server.
    /// - Parameter takesOver: the user wants it, and this device is to have the mail: the generation is newer than any
    ///   that another device can come to by itself. One that renews because it hears nothing takes the mail from
    ///   nobody.
    func renew(_ nym: OwnNym, takesOver: Bool = false, at now: Timestamp) throws {
        let lost = try book.update(nym.address) { state in
            state.generation &+= 1
            if takesOver { state.generation = max(state.generation, UInt32(clamping: now.seconds / 60)) }
            state.renewed = now
            (state.isPrimary, state.replaced) = (true, nil)
            let lost =
                state.isStuck ? state.changeDevice(because: "its server was silent for too long", at: now) : []
            for index in state.waiting.indices { try requests.empty(&state.waiting[index], of: nym, state) }
            return lost
        }
        for request in lost ?? [] {
            try NymRequestFiles(client.places).remove(request, log: client.sentLog(requests.records))
        }
    }

    /// Adds to the stock at once, beside the refills.
    func add(_ missing: Int, to nym: OwnNym, _ state: NymState, at now: Timestamp, progress: (Int) -> Void = { _ in })
        throws
    {
        var left = missing
        while left > 0 {
            let count = min(left, NymBatch.mostBlocks)
            let before = missing - left
            let blocks = try requests.makeBlocks(count, of: nym, at: now) { progress(before + $0) }
            try requests.add(
                .stock, [.surbs(try NymBatch(generation: state.generation, blocks: blocks))], blocks: count, of: nym,
                at: now)
            left -= count
        }
    }

    /// A refill: the reply blocks that are missing, what is to be acknowledged, what is to be sent again. All refills
    /// of a class have one length, and come at times that nothing moves.
    func refill(_ nym: OwnNym, at now: Timestamp) throws {
        guard let state = try book.state(nym.address) else { return }
        let open = state.waiting.filter { $0.purpose == .refill }
        let overdue = open.first { $0.sent.map { sent in sent + NymState.patience(1) <= now } ?? false }
        let replaced = overdue ?? (open.count < Self.mostRefills ? nil : open.first)
        let limit = NymStock.refillLimit(state.packets)
        let count = min(NymStock(state, now: now).missing + Int(replaced?.blocks ?? 0), limit)
        let blocks = try requests.makeBlocks(count, of: nym, at: now)
        let told = Set(state.waiting.filter { $0.number != replaced?.number }.flatMap(\.acknowledged))
        let items = Array(
            state.unacknowledged.filter { !told.contains($0) }.prefix(NymStock.mostAcknowledged))
        var ranges = try book.overdue(of: nym.address, at: now)
        ranges = Array(ranges.prefix(NymStock.mostRanges))
        var commands: [NymCommand] = []
        if !items.isEmpty { commands.append(.acknowledge(items)) }
        if !blocks.isEmpty { commands.append(.surbs(try NymBatch(generation: state.generation, blocks: blocks))) }
        if !ranges.isEmpty { commands.append(.get(ranges)) }
        if let replaced {
            return try requests.replaceRefill(
                commands, blocks: blocks.count, acknowledging: items, of: nym, at: now, number: replaced.number)
        }
        try requests.add(
            .refill, commands, blocks: blocks.count, acknowledging: items, of: nym, at: now
        ) { state, _ in state.refilled = now }
    }

    // MARK: Other devices

    /// One link that leads nowhere keeps nothing from the others.
    private func passOn(at now: Timestamp, _ report: inout NymTurnReport) throws {
        let queue = NymMirrorQueue(requests.records)
        let store = client.received(requests.records)
        let links = keyring.items.compactMap(\.nymLink).filter {
            $0.side == .giving && $0.network == requests.network.name
        }
        var dead: Set<MailboxID> = []
        for (name, mirror) in try queue.waiting() {
            guard let link = try links.first(where: { try $0.secret.mailbox() == mirror.mailbox }) else { continue }
            guard !dead.contains(mirror.mailbox) else { continue }
            do {
                if let message = try message(mirror, link, store) {
                    try requests.post(message, to: Self.address(link), kind: .raw, at: now)
                    report.messages += 1
                }
                try queue.finish(name, mirror, now: now)
            } catch {
                dead.insert(mirror.mailbox)
                report.failure = report.failure ?? NymClientError.deadLink(link.device, "\(error)")
            }
        }
    }

    /// The sealed message; nil if there is nothing left of what it would carry.
    private func message(_ mirror: NymMirror, _ link: OwnNymLink, _ store: ReceivedStore) throws -> [UInt8]? {
        var generator = SystemRandomNumberGenerator()
        switch mirror.content {
        case .mail(let name, let item):
            guard let record = try store.record(name), record.file != nil else { return nil }
            let mail = try store.message(name, record).body()
            return try LinkMessage.seal(
                .mail, LinkMessage.mail(mail, address: mirror.address, item: item), with: link.secret,
                using: &generator)
        case .results(let results):
            return try LinkMessage.seal(
                .results, LinkMessage.results(results, address: mirror.address), with: link.secret, using: &generator)
        case .keys:
            guard let nym = keyring.nyms().first(where: { $0.address == mirror.address }) else { return nil }
            let grant = keyring.grant(of: nym, try book.state(nym.address))
            return try grant.withEncoded {
                try LinkMessage.seal(.keys, $0, with: link.secret, using: &generator)
            }
        case .done: return nil
        }
    }

    /// Where the other device looks.
    static func address(_ link: OwnNymLink) throws -> Address {
        try Address("box:\(link.box.hex)@\(link.nodeName)")
    }
}
