// Taking what another device of ours has left in a mailbox that only it can have written to.

internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

/// The side of the new device.
struct NymLinkIntake {
    let intake: NymIntake

    /// Takes one message; what is not of a link of ours is passed over.
    func take(_ name: MessageID, _ record: ReceivedRecord, _ report: inout NymIntakeReport) throws {
        let body: [UInt8]
        do {
            body = try intake.store.message(name, record).body()
        } catch is InboxError {
            return
        } catch is MessageError {
            return
        }
        for link in intake.keyring.takingLinks() {
            guard let (kind, content) = LinkMessage.open(body, with: link.secret) else { continue }
            do {
                try take(kind, content, link, &report)
            } catch is WireError {
                report.problems.append("what another device has left is of another version; update nightjar on both")
            }
            return
        }
    }

    private func take(
        _ kind: LinkMessage.Kind, _ content: [UInt8], _ link: OwnNymLink, _ report: inout NymIntakeReport
    ) throws {
        let book = NymBook(intake.store.records)
        switch kind {
        case .grant:
            // Once: the code may have been seen by somebody since.
            guard !link.isUsed else { return }
            let (secret, grant) = try LinkMessage.readGrant(content)
            if try book.state(grant.nym.address) == nil {
                var state = NymState(
                    device: secret.device, packets: grant.packets, created: intake.now, isPrimary: false)
                state.stage = .active
                state.generation = grant.generation
                // The first number is for telling that the new mailbox is there.
                state.nextNumber = LinkSecret.firstNumber + 1
                try book.begin(grant.nym.address, state)
            } else {
                try book.update(grant.nym.address) { $0.replaced = nil }
            }
            let isHere = intake.keyring.nyms().contains { $0.address == grant.nym.address }
            try intake.keyring.take(grant, isNewer: try isMirror(grant.nym.address))
            try intake.keyring.changeLink(try link.secret.mailbox()) { link in
                link.isUsed = true
                link.address = grant.nym.address
                link.secret = secret
            }
            if !isHere { report.nyms.append(grant.nym.address) }
        case .keys:
            let grant = try NymGrant(decoding: content)
            guard grant.nym.address == link.address else { return }
            try intake.keyring.take(grant, isNewer: try isMirror(grant.nym.address))
        case .mail:
            let (address, item, mail) = try LinkMessage.readMail(content)
            guard address == link.address else { return }
            _ = try intake.keep(mail, address, item, &report)
            try book.update(address) { $0.synopses.removeAll { $0.item == item } }
        case .results:
            let (address, results) = try LinkMessage.readResults(content)
            guard address == link.address else { return }
            if let nym = intake.keyring.nyms().first(where: { $0.address == address }) {
                try intake.finishRotation(results, nym)
            }
            let consequences = try book.update(address) { $0.apply(results: results, at: intake.now) }
            for case .forget(let request) in consequences ?? [] {
                try NymRequestFiles(intake.places).remove(request, log: SentLog(intake.store.records))
            }
        }
    }

    /// Whether another device of ours looks after the nym, so that its keys count more than those that are here.
    private func isMirror(_ address: String) throws -> Bool {
        try !(NymBook(intake.store.records).state(address)?.isPrimary ?? true)
    }
}
