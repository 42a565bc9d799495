// The inner works of `DestinationQueues`: who gets a connection, what is sent on it, when it ends.

internal import DequeModule
internal import HeapModule
internal import WireFormat

/// A time at which to look at a destination. One that no longer holds is passed over.
struct QueueTimer: Comparable, Sendable {
    var at: Timestamp
    var slot: Int

    static func < (left: Self, right: Self) -> Bool { left.at < right.at }
}

extension DestinationQueues {
    // MARK: Slots

    mutating func slot(for node: NodeID, now: Timestamp) -> Int {
        if let slot = slotOf[node] { return slot }
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            slots[slot] = Destination(node: node, now: now)
        } else {
            slot = slots.count
            slots.append(Destination(node: node, now: now))
        }
        slotOf[node] = slot
        return slot
    }

    func slotIsUsed(_ slot: Int) -> Bool { slotOf[slots[slot].node] == slot }

    /// The only place where a phase changes, so that the counts hold.
    mutating func setPhase(_ slot: Int, _ phase: LinkPhase) {
        func count(_ phase: LinkPhase, by step: Int) {
            if phase.holdsConnection { usedConnections += step }
            if phase.isEnding { endingConnections += step }
            if phase == .waiting { waitingDestinations += step }
            if phase == .connecting, slots[slot].link.isRecovery { suspectsConnecting += step }
        }
        count(slots[slot].phase, by: -1)
        slots[slot].phase = phase
        count(phase, by: 1)
        if phase != .open, slots[slot].isListedIdle {
            slots[slot].isListedIdle = false
            idleConnections.removeAll { $0 == slot }
        }
    }

    /// After every event: forget what is done with, give out free connections, set the timer.
    mutating func finish(_ slot: Int, now: Timestamp, into actions: inout [QueueAction]) {
        assignConnections(now: now, into: &actions)
        guard slotIsUsed(slot) else { return }
        if slots[slot].phase == .none, slots[slot].queue.isEmpty {
            slotOf[slots[slot].node] = nil
            freeSlots.append(slot)
        } else {
            schedule(slot)
        }
    }

    mutating func schedule(_ slot: Int) {
        guard let wish = slots[slot].nextWake(settings) else { return }
        if let scheduled = slots[slot].scheduled, scheduled <= wish { return }
        slots[slot].scheduled = wish
        timers.insert(QueueTimer(at: wish, slot: slot))
        // Timers that were overtaken by earlier ones stay behind; now and then they are cleared out.
        guard timers.count > 4 * slots.count + 64 else { return }
        timers = Heap()
        for slot in slotOf.values {
            slots[slot].scheduled = slots[slot].nextWake(settings)
            if let at = slots[slot].scheduled { timers.insert(QueueTimer(at: at, slot: slot)) }
        }
    }

    // MARK: Giving out connections

    /// A destination without connection: it is listed for one if something waits for it.
    mutating func settle(_ slot: Int, now: Timestamp, into actions: inout [QueueAction]) {
        guard !slots[slot].queue.isEmpty, !isShuttingDown else {
            setPhase(slot, .none)
            return
        }
        setPhase(slot, .waiting)
        if slots[slot].failures > 0 { suspectLane.append(slot) } else { readyLane.append(slot) }
    }

    mutating func assignConnections(now: Timestamp, into actions: inout [QueueAction]) {
        guard !isShuttingDown, waitingDestinations > 0 else { return }
        while usedConnections < settings.maximumConnections, let slot = nextWaiting() {
            guard !slots[slot].queue.isEmpty else {
                setPhase(slot, .none)
                finish(slot, now: now, into: &actions)
                continue
            }
            let isRecovery = slots[slot].failures > 0
            let window = isRecovery ? 1 : settings.window
            slots[slot].link = LinkState(
                lastProgress: now, openedAt: now, isRecovery: isRecovery, window: window, answersUntilGrowth: window)
            setPhase(slot, .connecting)
            schedule(slot)
            actions.append(.connect(slots[slot].node))
        }
        // Nothing free: connections without traffic give way, one for each that waits.
        while waitingDestinations > endingConnections, usedConnections >= settings.maximumConnections,
            let slot = idleConnections.popFirst()
        {
            slots[slot].isListedIdle = false
            if slots[slot].link.unanswered == 0 { close(slot, into: &actions) }
        }
    }

    /// Takes turns between destinations in good standing and those that failed; the latter are never more than a quarter
    /// of all connections while they are being tried, so that dead ones cannot take up all of them.
    private mutating func nextWaiting() -> Int? {
        let suspectsAllowed = max(1, settings.maximumConnections / 4)
        let mayTakeSuspect = !suspectLane.isEmpty && suspectsConnecting < suspectsAllowed
        let takesSuspect = mayTakeSuspect && (servedReadyLast || readyLane.isEmpty)
        servedReadyLast = !takesSuspect
        return takesSuspect ? suspectLane.popFirst() : readyLane.popFirst()
    }

    // MARK: Traffic

    /// Sends what the window allows, pads, and ends a connection whose time has come.
    mutating func pump(_ slot: Int, now: Timestamp, into actions: inout [QueueAction]) {
        guard slots[slot].phase == .open || slots[slot].phase == .draining else { return }
        if slots[slot].phase == .open, isOver(slot, now: now) { setPhase(slot, .draining) }
        if slots[slot].phase == .open {
            send(slot, now: now, into: &actions)
            if slots[slot].link.sent >= settings.packetsPerConnection { setPhase(slot, .draining) }
            if slots[slot].queue.isEmpty { pad(slot, into: &actions) }
        }
        guard slots[slot].link.unanswered == 0 else { return }
        if slots[slot].phase == .draining {
            close(slot, into: &actions)
        } else if !slots[slot].isListedIdle {
            slots[slot].isListedIdle = true
            idleConnections.append(slot)
        }
    }

    private mutating func send(_ slot: Int, now: Timestamp, into actions: inout [QueueAction]) {
        var ids: [Int64] = []
        var expired: [Int64] = []
        let wasQuiet = slots[slot].link.unanswered == 0
        while slots[slot].link.unanswered < slots[slot].link.window,
            slots[slot].link.sent < settings.packetsPerConnection,
            let packet = slots[slot].queue.popFirst()
        {
            queuedCount -= 1
            guard packet.deadline > now else {
                expired.append(packet.id)
                continue
            }
            ids.append(packet.id)
            slots[slot].link.inFlight.append(packet)
            slots[slot].link.sent += 1
            inFlightCount += 1
        }
        if slots[slot].queue.isEmpty { slots[slot].earliestDeadline = Timestamp(milliseconds: .max) }
        if !expired.isEmpty { actions.append(.drop(expired, .deadline)) }
        guard !ids.isEmpty else { return }
        if wasQuiet { slots[slot].link.lastProgress = now }
        slots[slot].link.groupFill = (slots[slot].link.groupFill + ids.count) % max(settings.burst, 1)
        actions.append(.send(slots[slot].node, ids))
    }

    private mutating func pad(_ slot: Int, into actions: inout [QueueAction]) {
        let missing = slots[slot].link.groupFill == 0 ? 0 : settings.burst - slots[slot].link.groupFill
        let count = min(missing, slots[slot].link.window - slots[slot].link.unanswered)
        guard count > 0 else { return }
        slots[slot].link.groupFill = (slots[slot].link.groupFill + count) % settings.burst
        slots[slot].link.paddingInFlight += count
        actions.append(.pad(slots[slot].node, count))
    }

    /// Whether a connection has had its share.
    private func isOver(_ slot: Int, now: Timestamp) -> Bool {
        if isShuttingDown || slots[slot].link.sent >= settings.packetsPerConnection { return true }
        let othersNeedIt = waitingDestinations > endingConnections && usedConnections >= settings.maximumConnections
        guard othersNeedIt else { return false }
        return slots[slot].link.sent >= settings.packetsPerTurn
            || now - slots[slot].link.openedAt >= settings.turnLength
    }

    mutating func take(_ id: Int64, from slot: Int) -> QueuedPacket? {
        guard let index = slots[slot].link.inFlight.firstIndex(where: { $0.id == id }) else { return nil }
        inFlightCount -= 1
        return slots[slot].link.inFlight.remove(at: index)
    }

    /// Slow start: the window doubles each time a windowful has been answered.
    mutating func answered(_ slot: Int, frames: Int, now: Timestamp) {
        guard frames > 0 else { return }
        slots[slot].link.lastProgress = now
        slots[slot].link.answersUntilGrowth -= frames
        guard slots[slot].link.answersUntilGrowth <= 0, slots[slot].link.window < settings.window else { return }
        slots[slot].link.window = min(slots[slot].link.window * 2, settings.window)
        slots[slot].link.answersUntilGrowth = slots[slot].link.window
    }

    // MARK: Ends

    mutating func close(_ slot: Int, into actions: inout [QueueAction]) {
        setPhase(slot, .closing)
        actions.append(.close(slots[slot].node))
    }

    /// A connection, or the attempt to make one, is over.
    mutating func end(
        _ slot: Int, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> [QueueAction] {
        var actions: [QueueAction] = []
        let unanswered = slots[slot].link.inFlight
        slots[slot].link.inFlight = []
        slots[slot].link.paddingInFlight = 0
        inFlightCount -= unanswered.count
        queuedCount += unanswered.count
        for packet in unanswered { slots[slot].append(packet) }
        if let failure = slots[slot].link.failure {
            slots[slot].failures += 1
            slots[slot].lastFailure = failure
            let wait = settings.backOff.wait(failures: slots[slot].failures, using: &generator)
            setPhase(slot, .backingOff(until: now + wait))
        } else {
            settle(slot, now: now, into: &actions)
        }
        finish(slot, now: now, into: &actions)
        return actions
    }

    /// What is due at a destination by its timer.
    mutating func look(_ slot: Int, now: Timestamp, into actions: inout [QueueAction]) {
        if !slots[slot].queue.isEmpty, slots[slot].earliestDeadline <= now,
            slots[slot].lastSweep + settings.sweepSpacing <= now
        {
            let expired = slots[slot].sweep(now: now)
            queuedCount -= expired.count
            if !expired.isEmpty { actions.append(.drop(expired, .deadline)) }
        }
        switch slots[slot].phase {
        case .none, .waiting, .closing: break
        case .backingOff(let until):
            if until <= now { settle(slot, now: now, into: &actions) }
        case .connecting:
            guard slots[slot].link.lastProgress + settings.connectTimeout <= now else { return }
            slots[slot].link.failure = .timeout
            close(slot, into: &actions)
        case .open, .draining:
            if slots[slot].link.unanswered > 0 {
                guard slots[slot].link.lastProgress + settings.answerTimeout <= now else { return }
                slots[slot].link.failure = .timeout
                close(slot, into: &actions)
            } else if slots[slot].link.lastProgress + settings.idleTimeout <= now {
                close(slot, into: &actions)
            }
        }
    }

    /// Ends a destination's back-off.
    mutating func retry(_ slot: Int, now: Timestamp) -> [QueueAction] {
        guard case .backingOff = slots[slot].phase else { return [] }
        var actions: [QueueAction] = []
        settle(slot, now: now, into: &actions)
        finish(slot, now: now, into: &actions)
        return actions
    }
}
