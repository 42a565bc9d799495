// Looks for slots whose moment comes, makes their packets a little before it, and gives them to the spool, which lets each
// go at its moment. What there is to do for one account never keeps another waiting: each slot costs the same.

internal import Daemon
internal import Logging
internal import NIOPosix
internal import NymProtocol
internal import Spool
internal import Synchronization
internal import WireFormat

/// Spends slots.
final class CycleRounds: Sendable {
    private let parts: NymserverParts
    private let packets: PacketSpool
    /// Rows whose packets the spool has, but that are not gone yet: they are not given to it again.
    private let handedOver = Mutex<Set<Int64>>([])

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
    /// A clock that goes back by more than this was set.
    private static let backStep = Interval.minutes(1)

    init(parts: NymserverParts, packets: PacketSpool) {
        self.parts = parts
        self.packets = packets
    }

    private var lead: Interval { Self.lead(of: parts.clock) }

    /// How far ahead slots are spent on a clock.
    static func lead(of clock: ScaledClock) -> Interval {
        max(lead, .seconds(fraction: leastLead * clock.scale))
    }

    /// Spends slots until the task is cancelled.
    func run() async throws {
        // What works here waits for no mail: it has a thread of its own.
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        var last: Timestamp?
        while !Task.isCancelled {
            let now = parts.clock.now()
            let wasSet = last.map { now < $0 - Self.backStep } ?? true
            let (count, next): (Int, Timestamp?)
            do {
                (count, next) = try await threads.runIfActive {
                    if wasSet { try self.moveFarSlots(at: now) }
                    return try self.round(at: now)
                }
                last = now
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
        // First what is there already: a slot that cannot be spent now keeps none back.
        try handOver(at: now)
        let count = try spendDue(at: now)
        try handOver(at: now)
        return (count, try parts.store.nextSlot())
    }

    /// Spends a batch of slots; how many were due. Their packets are rows of the store.
    func spendDue(at now: Timestamp) throws -> Int {
        let due = try parts.store.dueSlots(now + lead, limit: Self.batch)
        if let network = parts.network() {
            var generator = SystemRandomNumberGenerator()
            do throws(CommandFailure) { try parts.packetKeys.see(network, at: now) } catch {
                parts.counters.count("directory_problems", kind: "packet-keys")
                parts.logger.error("\(error)")
            }
            let maker = PacketMaker(network: network, keys: parts.packetKeys.keys, now: now)
            for slot in due { try spend(slot, maker, at: now, using: &generator) }
        } else {
            // Nothing leaves, for nobody: what waits goes on waiting.
            try skip(due, at: now)
        }
        return due.count
    }

    /// Gives the spool what it does not have yet.
    func handOver(at now: Timestamp) throws {
        while true {
            let rows = try parts.store.packets(limit: Self.batch)
            guard !rows.isEmpty else { return }
            let known = handedOver.withLock { $0 }
            let new = rows.filter { !known.contains($0.id) && !packets.has($0.packet) }
            var kept: Set<Int64> = []
            do throws(SpoolError) {
                for (row, isHeld) in zip(new, try packets.take(new.map { Self.spread($0.packet, at: now) }))
                where !isHeld { kept.insert(row.id) }
                tell(kept.isEmpty ? nil : "there is no room")
            } catch {
                tell("\(error)")
                return
            }
            let gone = rows.map(\.id).filter { !kept.contains($0) }
            handedOver.withLock { $0.formUnion(gone) }
            try parts.store.tookPackets(gone)
            handedOver.withLock { $0.subtract(gone) }
            // What there is no room for stays here, and is dropped when it is too late.
            guard rows.count == Self.batch, kept.isEmpty else { return }
        }
    }

    /// Packets that could not be kept for a while do not leave all at once.
    private static func spread(_ packet: NewNymPacket, at now: Timestamp) -> NewNymPacket {
        guard now - packet.release > lateness else { return packet }
        var packet = packet
        packet.release = now + .milliseconds(.random(in: 0..<NymTiming.cycle.milliseconds / 4))
        return packet
    }

    private func tell(_ trouble: String?) {
        let trouble = trouble.map { "packets cannot be kept: \($0)" }
        if let trouble, parts.counters.health.current["spool"] == nil { parts.logger.error("\(trouble)") }
        parts.counters.health.set("spool", trouble: trouble)
    }

    /// Slots further away than any can be come from a clock that was ahead: they are moved to where they belong.
    func moveFarSlots(at now: Timestamp) throws {
        let far = now + NymTiming.cycle * 2 + lead
        let slots = try parts.store.dueSlots(Timestamp(milliseconds: .max / 4), limit: .max).filter { $0.time > far }
        try skip(slots, at: now)
        if !slots.isEmpty { parts.logger.notice("slots far ahead were moved: the clock was set back") }
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
        return parts.slots.next(
            after: min(max(slot.time, now), now + lead), account: UInt64(slot.account), count: count)
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
