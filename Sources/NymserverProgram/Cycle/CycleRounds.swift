// Looks for slots whose moment comes, makes their packets a little before it, and gives them to the spool, which lets each
// go at its moment. What there is to do for one account never keeps another waiting: each slot costs the same.

internal import Daemon
internal import Logging
internal import NIOPosix
internal import NymProtocol
internal import Spool
internal import WireFormat

/// Spends slots.
struct CycleRounds: Sendable {
    let parts: NymserverParts
    let packets: PacketSpool

    /// Slots in one go: bounds what a stop waits for.
    static let batch = 256
    /// Packets are made so long before they leave, on the network's clock, and at least so many real seconds.
    static let lead = Interval.seconds(30)
    static let leastLead = 0.3
    /// The longest pause between two looks, real time: a new account's first slot may come at any moment.
    static let longestPause = Duration.milliseconds(500)
    /// A slot that is late by more than this leaves at a random moment before the next one: after a time off the packets of
    /// all accounts would come at once.
    static let lateness = Interval.minutes(2)
    /// How often a slot is begun anew because its account has changed meanwhile.
    private static let attempts = 16

    private var lead: Interval {
        max(Self.lead, .seconds(fraction: Self.leastLead * parts.clock.scale))
    }

    /// Spends slots until the task is cancelled.
    func run() async throws {
        while !Task.isCancelled {
            let now = parts.clock.now()
            let rounds = self
            let (count, next): (Int, Timestamp?)
            do {
                (count, next) = try await NIOThreadPool.singleton.runIfActive { try rounds.round(at: now) }
                parts.noteStore(nil)
            } catch let error as NymStoreError {
                guard error.isTemporary else { throw CommandFailure("\(error)") }
                parts.noteStore(error)
                (count, next) = (0, nil)
            }
            guard count < Self.batch else { continue }
            try await parts.clock.sleep(until: (next ?? now + .hours(1)) - lead, atMost: Self.longestPause)
        }
    }

    /// One batch: how many slots were due, and when the next one is. Blocks.
    func round(at now: Timestamp) throws -> (count: Int, next: Timestamp?) {
        let count = try spendDue(at: now)
        try handOver()
        return (count, try parts.store.nextSlot())
    }

    /// Spends a batch of slots; how many were due. Their packets are rows of the store.
    func spendDue(at now: Timestamp) throws -> Int {
        let due = try parts.store.dueSlots(now + lead, limit: Self.batch)
        if let network = parts.network() {
            var generator = SystemRandomNumberGenerator()
            let maker = PacketMaker(network: network, now: now)
            for slot in due { try spend(slot, maker, at: now, using: &generator) }
        } else {
            // Nothing leaves, for nobody: what waits goes on waiting.
            try skip(due, at: now)
        }
        return due.count
    }

    /// Gives the spool what it does not have yet.
    func handOver() throws {
        while true {
            let rows = try parts.store.packets(limit: Self.batch)
            guard !rows.isEmpty else { return }
            do throws(SpoolError) {
                try packets.take(rows.map(\.packet).filter { !packets.has($0) })
                parts.counters.health.set("spool", trouble: nil)
            } catch {
                // The rows stay, and so does what they are of.
                if parts.counters.health.current["spool"] == nil {
                    parts.logger.error("packets cannot be kept: \(error)")
                }
                parts.counters.health.set("spool", trouble: "packets cannot be kept: \(error)")
                return
            }
            try parts.store.tookPackets(rows.map(\.id))
            guard rows.count == Self.batch else { return }
        }
    }

    private func spend(
        _ slot: NymSlot, _ maker: PacketMaker, at now: Timestamp, using generator: inout some RandomNumberGenerator
    ) throws {
        for _ in 0..<Self.attempts {
            do {
                return try spendOnce(slot, maker, at: now, using: &generator)
            } catch NymStoreError.conflict {
                parts.counters.count("slot_conflicts")
            } catch let error as NymStoreError {
                throw error
            } catch {
                // No path, say. The same for everybody, and for everybody nothing leaves.
                parts.counters.count("slots_missed")
                return try skip([slot], at: now)
            }
        }
        try skip([slot], at: now)
    }

    private func spendOnce(
        _ slot: NymSlot, _ maker: PacketMaker, at now: Timestamp, using generator: inout some RandomNumberGenerator
    ) throws {
        let isLate = now - slot.time > Self.lateness
        guard
            let material = try parts.store.material(
                for: slot.account, blockUntil: now + .minutes(1), sentBefore: now - NymTiming.resend,
                limit: SlotSpending.mostItems)
        else { return }
        let next = next(slot, material.account, at: now)
        let release =
            isLate
            ? now + .milliseconds(.random(in: 0...max(0, (next - now).milliseconds - 1), using: &generator)) : slot.time
        let store = parts.store
        let filling = SlotSpending(
            material: material, maker: maker, limits: parts.limits, release: release, next: next
        ) { (item, kind, range) throws(NymStoreError) in
            try store.bytes(of: item, kind: kind, account: slot.account, in: range)
        }
        let (spending, outcome) = try filling.spend(slot, using: &generator)
        try parts.store.spendSlot(spending)
        parts.counters.count("slots", kind: outcome.rawValue)
    }

    private func next(_ slot: NymSlot, _ account: StoredNym, at now: Timestamp) -> Timestamp {
        let count = (try? NymAccount(decoding: account.content))?.packets.packets ?? NymClass.low.packets
        return parts.slots.next(after: max(slot.time, now), account: UInt64(slot.account), count: count)
    }

    private func skip(_ slots: [NymSlot], at now: Timestamp) throws(NymStoreError) {
        var moved: [NymSlot] = []
        for slot in slots {
            guard let account = try parts.store.account(slot.account) else { continue }
            moved.append(NymSlot(account: slot.account, time: next(slot, account, at: now)))
        }
        try parts.store.moveSlots(moved)
    }
}
