// What the store has to do for a request, from what the account's rules say. Pure but for two looks at what there is.

internal import MixCrypto
internal import NymProtocol
internal import Sphinx
internal import Spool
internal import WireFormat

/// Turns effects into changes of rows.
struct RequestChanges {
    let request: NymRequest
    let now: Timestamp
    let limits: NymLimits
    /// How long a mail is tried.
    let lifetime: Interval
    /// Makes Message-IDs.
    let messageKey: SymmetricSecret
    /// States of the mails that the request asks for, and of all held synopses if it asks for these.
    let items: [StoredNymItem]
    /// Blocks that are none, or have expired.
    private(set) var badBlocks = 0

    init(
        _ request: NymRequest, now: Timestamp, limits: NymLimits, lifetime: Interval, messageKey: SymmetricSecret,
        items: [StoredNymItem]
    ) {
        self.request = request
        self.now = now
        self.limits = limits
        self.lifetime = lifetime
        self.messageKey = messageKey
        self.items = items
    }

    /// The rows of `account` as it is now, and of its effects.
    mutating func changes(_ account: NymAccount, _ effects: [NymEffect]) -> NymChanges {
        var changes = NymChanges(content: account.encoded, closesOn: account.closesOn(limits: limits))
        var states: [String: NymItemState] = [:]
        func want(_ item: StoredNymItem, _ ranges: [Range<UInt32>]) {
            let key = "\(item.state.item) \(item.state.kind)"
            var state = states[key] ?? item.state
            var wanted = (try? WantedRanges(decoding: state.wanted)) ?? WantedRanges()
            for range in ranges { wanted.insert(range) }
            guard !wanted.isEmpty else { return }
            (state.wanted, state.waiting) = (wanted.encoded, UInt32(clamping: wanted.count))
            (state.isHeld, state.isResent) = (false, false)
            states[key] = state
        }
        // The hour is as fine as anybody needs to know it.
        let hour = now - .milliseconds(now.milliseconds % 3_600_000)
        for (place, effect) in effects.enumerated() {
            switch effect {
            case .wipeBlocks(let generation):
                changes.wipeBlocksBefore = generation
                // The next slot is not further away.
                changes.keepsBlockUntil = now + NymTiming.cycle * 3
                changes.addBlocks = []
            case .addBlocks(let generation, let blocks):
                changes.addBlocks += blocks.compactMap { block($0, generation) }
            case .forget(let numbers): changes.forget += numbers
            case .want(let ranges):
                for item in items where item.state.kind != NymItemKind.synopsis.rawValue {
                    want(item, ranges.filter { $0.item == item.state.item }.compactMap { $0.range(of: item.total) })
                }
            case .wantSynopses:
                for item in items where item.state.kind == NymItemKind.synopsis.rawValue && item.state.isHeld {
                    want(item, [0..<item.total])
                }
            case .sendMail(let mail):
                let waiting = WaitingMail(mail, accepted: hour, token: token(place))
                changes.mails.append(NewNymMail(content: waiting.encoded, next: hour, deadline: hour + lifetime))
            case .addAlias(let name): changes.addNames.append(name.text)
            case .removeAlias(let name): changes.removeNames.append(name.text)
            case .wipeItems: changes.wipesItems = true
            }
        }
        // A name that came and went within one request was never in force.
        let passing = Set(changes.addNames).intersection(changes.removeNames)
        changes.addNames.removeAll { passing.contains($0) }
        changes.removeNames.removeAll { passing.contains($0) }
        changes.states = states.values.sorted { ($0.item, $0.kind) < ($1.item, $1.kind) }
        return changes
    }

    /// Nil for what is no block, or one that has expired. One that says that it lives for ever is kept no longer than any.
    private mutating func block(_ bytes: [UInt8], _ generation: UInt32) -> NewNymBlock? {
        guard let surb = try? SURB(bytes), surb.expiry > now else {
            badBlocks += 1
            return nil
        }
        return NewNymBlock(
            generation: generation, expiry: min(surb.expiry, now + NymTiming.stockBound), content: bytes)
    }

    /// The same for the same command of the same request, however often it is executed.
    private func token(_ place: Int) -> Digest {
        Array("\(request.account) \(request.device) \(request.number) \(place)".utf8).withUnsafeBytes {
            messageKey.mac($0)
        }
    }
}
