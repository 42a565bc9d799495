// From what came to messages for people: packets of nymservers are taken into the book, items that are complete are
// opened and put among the received messages, and what another device left is taken over. Each step is durable before
// the next, and may be done again: nothing is lost and nothing is there twice, wherever it is killed.

internal import Daemon
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

/// What an intake came to.
struct NymIntakeReport: Equatable, Sendable {
    /// Packets of servers.
    var packets = 0
    /// Mails that became complete.
    var mails: [MessageID] = []
    /// Nyms that another device has handed over.
    var nyms: [String] = []
    /// What cannot be used.
    var problems: [String] = []
}

/// Takes in what came for nyms. Made by the process that has the inbox open.
struct NymIntake {
    let store: ReceivedStore
    let keyring: Keyring
    let places: ClientPlaces
    let now: Timestamp

    private var book: NymBook { NymBook(store.records) }

    /// Does all that can be done.
    func run() throws -> NymIntakeReport {
        var report = NymIntakeReport()
        guard keyring.items.contains(where: { $0.nym != nil || $0.nymLink != nil }) else { return report }
        for (name, record) in try store.internalMessages() {
            if case .identity(let identity) = record.origin {
                try takePacket(name, record, identity: identity, &report)
            } else {
                try NymLinkIntake(intake: self).take(name, record, &report)
            }
            try store.drop(name, record, now: now)
        }
        for nym in keyring.nyms() { try open(nym, &report) }
        return report
    }

    // MARK: Packets

    private func takePacket(
        _ name: MessageID, _ record: ReceivedRecord, identity: String, _ report: inout NymIntakeReport
    ) throws {
        guard let nym = keyring.nym(identity: identity) else { return }
        guard let packet = try? NymPacket(decoding: store.message(name, record).body()) else {
            report.problems.append("a packet for \(nym.address) is not well-formed")
            return
        }
        guard packet.status.account.text == nym.name else {
            report.problems.append("a packet for \(nym.address) is about another nym")
            return
        }
        // The keyring first: killed before the book has settled the request, the same is done again.
        try finishRotation(packet.status.results, nym)
        guard let consequences = try book.take(packet, of: nym.address, at: now) else { return }
        report.packets += 1
        try noteMoved(packet.status.results, nym)
        try NymMirrorQueue(store.records).add(
            results: packet.status.results, of: nym.address, links: keyring.links(of: nym.address), now: now)
        for case .forget(let request) in consequences {
            try NymRequestFiles(places).remove(request, log: SentLog(store.records))
        }
    }

    /// Devices that have asked under the number of their link have the mailbox of its secret: they are written to there.
    private func noteMoved(_ results: [NymResult], _ nym: OwnNym) throws {
        for link in keyring.links(of: nym.address) {
            let (device, mailbox) = (link.secret.device, try link.secret.mailbox())
            guard link.box != mailbox,
                results.contains(where: { $0.device == device && $0.number == LinkSecret.firstNumber })
            else { continue }
            try keyring.changeLink(mailbox) { $0.box = mailbox }
        }
    }

    /// Makes the keys that the server has taken the nym's, or gives them up. May be done again.
    func finishRotation(_ results: [NymResult], _ nym: OwnNym) throws {
        guard let isDone = try book.state(nym.address)?.rotation(in: results) else { return }
        try keyring.finishRotation(of: nym.address, isDone: isDone, at: now)
        if isDone { try NymMirrorQueue(store.records).addKeys(of: nym.address, links: keyring.links(of: nym.address)) }
    }

    // MARK: Items

    private func open(_ nym: OwnNym, _ report: inout NymIntakeReport) throws {
        for item in try book.complete(of: nym.address) {
            guard let state = try book.state(nym.address) else { return }
            let isKnown =
                state.finished.contains(item.item)
                || item.kind == .synopsis && state.synopses.contains { $0.item == item.item }
            guard !isKnown, let sealed = try book.bytes(item) else {
                try book.finish(item, of: nym.address) { _, _ in }
                continue
            }
            guard let plain = try open(sealed, nym) else {
                report.problems.append("a mail for \(nym.address) cannot be opened: it is sealed to other keys")
                try book.finish(item, of: nym.address) { state, _ in
                    state.unreadable &+= 1
                    if item.kind != .synopsis { state.finish(item.item) }
                }
                continue
            }
            switch item.kind {
            case .synopsis:
                try book.finish(item, of: nym.address) { state, _ in
                    guard let synopsis = try? NymSynopsis(decoding: plain) else { return }
                    state.add(
                        NymState.Synopsis(
                            item: item.item, from: synopsis.from, subject: synopsis.subject, size: synopsis.size,
                            day: synopsis.day))
                }
            case .mail, .notice:
                let name = try keep(plain, nym.address, item.item, &report)
                let links = keyring.links(of: nym.address)
                try book.finish(item, of: nym.address) { state, transaction in
                    state.finish(item.item)
                    guard let name else { return }
                    try NymMirrorQueue.add(mail: name, item.item, of: nym.address, links: links, transaction)
                }
            }
        }
    }

    /// Keeps a mail; nil if it is nothing that can be kept.
    func keep(
        _ mail: [UInt8], _ address: String, _ item: UInt64, _ report: inout NymIntakeReport
    ) throws -> MessageID? {
        let isNew = try store.record(ReceivedStore.nymMail(address, item)) == nil
        do {
            let name = try store.keepNymMail(mail, address: address, item: item, now: now)
            if isNew { report.mails.append(name) }
            return name
        } catch is MessageError {
            report.problems.append("a mail for \(address) is larger than a message may be")
            return nil
        }
    }

    private func open(_ sealed: [UInt8], _ nym: OwnNym) throws -> [UInt8]? {
        for keys in keyring.openingKeys(of: nym) {
            do throws(CryptoError) {
                return try NymSeal.open(sealed, with: try Self.sealing(keys))
            } catch {
                guard error == .notAuthentic || error == .malformed else { throw error }
            }
        }
        return nil
    }

    private static func sealing(_ keys: NymKeys) throws(CryptoError) -> KEMPrivateKey {
        do { return try keys.sealing() } catch { throw error as? CryptoError ?? .noLockedMemory }
    }
}
