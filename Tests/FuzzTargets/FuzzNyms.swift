import Messages
import MixCrypto
import NymProtocol
import WireFormat

/// A nymserver and a nym with keys from fixed seeds: fuzzers cannot seal or sign, so what they make is sealed and signed here.
struct FuzzNyms {
    static let made = try? FuzzNyms()

    static let domain = "nym.example"
    static let start = Timestamp(seconds: 1_800_000_000)

    /// The nym's, which signs.
    let key: SigningKey
    let server: KEMPrivateKey
    let name: NymName
    let creation: NymCreation
    /// Opened by a first request.
    let account: NymAccount
    let limits: NymLimits

    private init() throws {
        var signing = [UInt8](repeating: 180, count: 32)
        var sealing = [UInt8](repeating: 181, count: 32)
        var own = [UInt8](repeating: 182, count: 32)
        key = try SigningKey(seed: SecretBytes(moving: &signing))
        server = try KEMPrivateKey(seed: SecretBytes(moving: &sealing))
        guard let name = NymName("alice") else { throw NymError.malformed }
        self.name = name
        var limits = NymLimits()
        limits.workBits = 0
        self.limits = limits
        creation = NymCreation(
            signing: key.verificationKey, sealing: try KEMPrivateKey(seed: SecretBytes(moving: &own)).publicKey,
            work: ProofOfWork(nonce: 0))
        let request = try NymRequest(account: name, device: 1, number: 1, commands: [.create(creation)])
        let facts = NymFacts(domain: Self.domain)
        guard
            case .created(let account, _) = NymAccount.create(request, at: Self.start, facts: facts, limits: limits)
        else { throw NymError.malformed }
        self.account = account
    }

    func read(_ bytes: [UInt8], as target: PeerTarget) {
        switch target {
        case .nymRequest:
            guard let request = try? NymRequest(decoding: bytes[...]) else { return }
            precondition(request.encoded == bytes, "a request of a second spelling")
            execute(request)
            send(request)
        case .nymOpening:
            let step = NymRequest.sizeStep
            let plain = PeerTarget.padded(bytes, (bytes.count + step - 1) / step * step)
            guard let sealed = try? MailSeal.seal(plain, to: server.publicKey, label: "nightjar/1 nym request"),
                let request = try? UnverifiedNymRequest(opening: sealed, domain: Self.domain, with: server)
            else { return }
            precondition(NymName(request.account.text) == request.account, "a request of nobody")
        case .nymPacket:
            let whole = PeerTarget.padded(bytes, NymPacket.size)
            guard let packet = try? NymPacket(decoding: whole) else { return }
            precondition(packet.encoded == whole, "a packet of a second spelling")
            precondition(packet.status.encoded.count <= NymStatus.largest, "a status is larger than any")
        case .nymSynopsis:
            let whole = PeerTarget.padded(bytes, NymSynopsis.size)
            if let synopsis = try? NymSynopsis(decoding: whole) {
                precondition(synopsis.encoded == whole, "a synopsis of a second spelling")
            }
            let made = NymSynopsis(of: bytes, day: 20_000)
            precondition((try? NymSynopsis(decoding: made.encoded)) == made, "a synopsis changed on the way")
        case .nymMail:
            guard let mail = try? NymMail(decoding: bytes) else { return }
            precondition(mail.encoded == bytes, "a mail of a second spelling")
        case .nymAccount:
            guard let account = try? NymAccount(decoding: bytes) else { return }
            precondition(account.encoded == bytes, "an account of a second spelling")
        case .nymRanges:
            guard var ranges = try? WantedRanges(decoding: bytes) else { return }
            precondition(ranges.encoded == bytes, "ranges of a second spelling")
            for range in ranges.ranges.prefix(3) { ranges.remove(range) }
            ranges.insert(5..<100)
            precondition((try? WantedRanges(decoding: ranges.encoded)) == ranges, "ranges changed on the way")
        case .nymText:
            guard let sealed = NymRequestText.find(in: bytes) else { return }
            precondition(NymRequestText.find(in: NymRequestText.text(sealed)) == sealed, "a sealed request changed")
        default: break
        }
    }

    /// What the server does with a request that is the owner's.
    private func execute(_ request: NymRequest) {
        let items = Set(request.wantedItems.filter { $0 % 2 == 0 })
        let facts = NymFacts(domain: Self.domain, knownItems: items, blocks: 3, accounts: 1)
        var account = account
        for effect in account.execute(request, at: Self.start + .hours(1), facts: facts, limits: limits) {
            switch effect {
            case .want(let ranges): precondition(ranges.allSatisfy { items.contains($0.item) }, "an unknown item")
            case .sendMail(let mail):
                precondition((1...NymMail.mostRecipients).contains(mail.recipients.count), "a mail to nobody")
            default: break
            }
        }
        let again = account.execute(request, at: Self.start + .hours(2), facts: facts, limits: limits)
        precondition(again.isEmpty, "a request was executed twice")
        check(account)
        if case .created(let account, _) = NymAccount.create(request, at: Self.start, facts: facts, limits: limits) {
            check(account)
        }
    }

    /// That a store can keep the account, and a packet carry its status.
    private func check(_ account: NymAccount) {
        precondition((try? NymAccount(decoding: account.encoded)) == account, "an account changed on the way")
        var load = NymLoad()
        load.items = 3
        let status = account.status(load, at: Self.start + .days(1), limits: limits)
        guard let packet = try? NymPacket(status: status, records: []) else {
            preconditionFailure("a status that no packet carries")
        }
        precondition((try? NymPacket(decoding: packet.encoded)) == packet, "a status changed on the way")
        _ = account.arrive(size: 1000, load: load, limits: limits)
    }

    /// The way of a request from its owner to the server.
    private func send(_ request: NymRequest) {
        guard let sealed = try? request.sealed(for: Self.domain, key: key, to: server.publicKey),
            let opened = try? UnverifiedNymRequest(opening: sealed, domain: Self.domain, with: server)
        else { preconditionFailure("a request that was read cannot be sent") }
        let isProven = request.commands.allSatisfy { command in
            guard case .rotate(let rotation) = command else { return true }
            return rotation.isProven(account: request.account, domain: Self.domain)
        }
        let verified = try? opened.verify(key.verificationKey)
        precondition(verified == (isProven ? request : nil), "a request changed on the way")
    }
}
