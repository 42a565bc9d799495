// Packets of which this node is itself the next hop go back in without a socket. As between two nodes, the row of the
// packet goes only after what becomes of it is durable: after a crash between the two its tag is known.

internal import MMTP
internal import Mixing
internal import Sphinx
internal import Spool
internal import WireFormat

extension PacketIntake {
    /// How long a packet waits that the spool had no room or no time for.
    static let reentryPause = Interval.seconds(10)

    /// Takes packets of the spool that are for this node.
    func reenter(_ ids: [PacketRowID]) {
        let unwrapper = Unwrapper(node: node)
        let keys = self.keys.current
        let now = clock()
        for (id, body) in zip(ids, spool.readPackets(ids)) {
            switch body {
            case .success(let packet): reenter(packet, id, unwrapper, keys: keys, now: now)
            // The next start finds it.
            case .failure(.closed): break
            // Gone because its time was over, and booked then.
            case .failure where !spool.holds(id): break
            case .failure: remove(id) { $0.heldAndDropped(.storage) }
            }
        }
    }

    private func reenter(
        _ packet: [UInt8], _ id: PacketRowID, _ unwrapper: borrowing Unwrapper, keys: AcceptedKeys, now: Timestamp
    ) {
        switch decide(packet, unwrapper, keys: keys, now: now) {
        case .refuse(let reason, _):
            remove(id) { entry in
                entry.forwarded(1)
                entry.receivedAndDropped(reason)
            }
        case .store(let decision, let operation):
            do throws(SpoolError) {
                try spool.submit([operation]) { results in
                    guard let result = results.first else { return }
                    var accepted: [WaitingPacket] = []
                    var answer = Answer.received
                    self.ledger.book { answer = self.settle(decision, result, &$0, &accepted) }
                    guard answer == .received else { return self.giveBack(id) }
                    self.remove(id) { $0.forwarded(1) }
                    if !accepted.isEmpty { self.outcomes.accepted(accepted) }
                }
            } catch {
                // `closed` leaves the packet in the spool for the next start.
                if error != .closed { giveBack(id) }
            }
        }
    }

    /// Removes a row and books `fill`, unless the row was removed and booked before because its time was over.
    private func remove(_ id: PacketRowID, booking fill: @escaping @Sendable (inout NodeLedger.Entry) -> Void) {
        try? spool.submit([.removePackets([id])]) { [ledger] results in
            if results.first == .removed(1) { ledger.book(fill) }
        }
    }

    /// Has the forwarder bring a packet once more. Its true deadline is the spool's, which removes it then.
    private func giveBack(_ id: PacketRowID) {
        let release = clock() + Self.reentryPause
        outcomes.accepted([
            WaitingPacket(id: id, destination: node, release: release, deadline: release + budget.retryDeadline)
        ])
    }
}
