// What one slot of one account becomes: a packet, and what the store notes about it. A packet leaves whatever there is; only
// what is in it depends on that, and nobody but the nym can see it.

internal import NymProtocol
internal import Sphinx
internal import Spool
internal import WireFormat

/// Fills a slot. The store and the network go in, a `NymSpending` comes out.
struct SlotSpending {
    let material: NymSlotMaterial
    let maker: PacketMaker
    let limits: NymLimits
    /// When the packet leaves.
    let release: Timestamp
    /// The slot after this one.
    let next: Timestamp
    /// Bytes of an item's content: number, kind, range.
    let read: (UInt64, UInt8, Range<UInt32>) throws(NymStoreError) -> [UInt8]

    /// How a slot was spent.
    enum Outcome: String {
        /// Through a reply block.
        case block
        /// Without one: cover in its place.
        case noBlock
        /// Its block could not be used: cover in its place.
        case badBlock
    }

    /// Items of each sort that are looked at.
    static let mostItems = 256

    func spend(
        _ slot: NymSlot, using generator: inout some RandomNumberGenerator
    ) throws -> (NymSpending, Outcome) {
        let stored = material.account
        var spending = NymSpending(
            slot: slot, revision: stored.revision, next: next, block: material.block?.id, states: [], packet: nil)
        // Before anything is looked at: where no cover could leave, no packet leaves.
        let cover = try maker.cover(release: release, using: &generator)
        guard let block = material.block else {
            spending.packet = cover
            return (spending, .noBlock)
        }
        do {
            guard let surb = try? SURB(block.content), maker.canUse(surb, at: release) else {
                throw SURBError.malformed
            }
            try fill(&spending, through: surb, of: block.generation)
            return (spending, .block)
        } catch {
            // Whatever is wrong with this block, or with what would go through it: something leaves in its place.
            (spending.packet, spending.states) = (cover, [])
            return (spending, .badBlock)
        }
    }

    private func fill(_ spending: inout NymSpending, through surb: SURB, of generation: UInt32) throws {
        let account = try NymAccount(decoding: material.account.content)
        let load = NymLoad(material.account.load, without: 1)
        guard generation >= account.generation else {
            // Whoever made the block is told that it counts no more. What waits is for whoever made the newer ones.
            let status = account.status(load, at: release, limits: limits, isReplaced: true)
            spending.packet = try maker.packet(
                try NymPacket(status: status, records: []), through: surb, release: release)
            return
        }
        let room = NymPacket.room(beside: account.status(load, at: release, limits: limits))
        let pieces = SlotFilling.fill(material.items.compactMap(Self.waiting), capacity: room)
        let records = try pieces.map { piece in
            try NymRecord(
                item: piece.item, kind: piece.kind, total: piece.total, offset: piece.range.lowerBound,
                bytes: try read(piece.item, piece.kind.rawValue, piece.range))
        }
        spending.states = states(after: pieces)
        let body = try NymPacket(
            status: account.status(left(load, pieces, spending.states), at: release, limits: limits), records: records)
        spending.packet = try maker.packet(body, through: surb, release: release)
    }

    /// What waits of an item; all of one that was sent and not acknowledged for long. Nil for rows that nobody here wrote.
    private static func waiting(_ item: StoredNymItem) -> WaitingItem? {
        guard let kind = NymItemKind(rawValue: item.state.kind),
            let wanted = try? WantedRanges(decoding: item.state.wanted)
        else { return nil }
        let isSentAgain = wanted.isEmpty
        return WaitingItem(
            item: item.state.item, kind: kind, total: item.total,
            wanted: isSentAgain ? WantedRanges(allOf: item.total) : wanted, isResent: isSentAgain || item.state.isResent
        )
    }

    /// The items' states when these pieces have left.
    private func states(after pieces: [NymPiece]) -> [NymItemState] {
        var states: [NymItemState] = []
        for item in material.items {
            let own = pieces.filter { $0.item == item.state.item && $0.kind.rawValue == item.state.kind }
            guard !own.isEmpty, let waiting = Self.waiting(item) else { continue }
            var wanted = waiting.wanted
            for piece in own { wanted.remove(piece.range) }
            var state = item.state
            (state.wanted, state.waiting) = (wanted.encoded, UInt32(clamping: wanted.count))
            state.isResent = waiting.isResent
            if wanted.isEmpty { state.sent = Self.coarse(release) }
            states.append(state)
        }
        return states
    }

    /// No finer than a cycle.
    private static func coarse(_ time: Timestamp) -> Timestamp {
        time - .milliseconds(time.milliseconds % NymTiming.cycle.milliseconds)
    }

    /// What waits behind this packet. Only numbers of fixed length change, so that the status keeps its size.
    private func left(_ load: NymLoad, _ pieces: [NymPiece], _ states: [NymItemState]) -> NymLoad {
        var load = load
        let fresh = pieces.filter { !$0.isResent }
        load.waitingBytes -= min(load.waitingBytes, UInt64(fresh.reduce(0) { $0 + $1.range.count }))
        load.waitingItems -= min(load.waitingItems, states.count { $0.waiting == 0 && !$0.isResent })
        return load
    }
}

extension NymLoad {
    /// What the rows come to.
    /// - Parameter spent: Blocks that are not counted any more.
    init(_ stored: StoredNymLoad, without spent: Int = 0) {
        self.init(
            items: stored.items, bytes: stored.bytes, waitingItems: stored.waitingItems,
            waitingBytes: stored.waitingBytes, heldItems: stored.heldItems, blocks: max(0, stored.blocks - spent),
            blocksUntil: stored.blocks > spent ? stored.blocksUntil : nil)
    }
}
