// Sends through reply blocks what a node has to say itself: receipts, and answers that came as ordinary mail. Such a node
// needs no anonymity of its own, so the packet is made and sent directly.

internal import Directory
internal import Messages
internal import Mixing
internal import Sphinx
internal import Spool
internal import WireFormat

/// Makes packets of parts and reply blocks and gives them to the spool.
struct ReplyCourier: Sendable {
    let spool: Spool
    let budget: TimeBudget
    let calendar: KeyPeriodCalendar
    let ledger: NodeLedger
    /// Told of packets that the spool holds.
    let forward: @Sendable ([WaitingPacket]) -> Void

    /// One packet, ready for the spool.
    struct Shipment: Sendable {
        let destination: NodeID
        let release: Timestamp
        let deadline: Timestamp
        let packet: [UInt8]

        var operation: SpoolOperation {
            .enqueuePacket(destination: destination, release: release, deadline: deadline, body: packet)
        }
    }

    /// The packet that takes `part` through `block`, made now. `SURBError.expired` if the block is, or could not be
    /// handed on any more.
    func shipment(_ part: Part, through block: SURB, at now: Timestamp) throws -> Shipment {
        let period = KeyPeriod(UInt16(block.header[2]) << 8 | UInt16(block.header[3]))
        let deadline = min(budget.deadline(release: now, period: period, calendar: calendar), block.expiry)
        guard now < deadline else { throw SURBError.expired(block.expiry) }
        let packet = try block.makePacket(content: PayloadContent.part(part).encoded(), at: now)
        return Shipment(destination: block.first, release: now, deadline: deadline, packet: packet)
    }

    /// Books and sends on what the spool has taken of `shipments`; whether that is all.
    func settle(_ shipments: [Shipment], _ results: some Collection<SpoolResult>) -> Bool {
        var packets: [WaitingPacket] = []
        for (shipment, result) in zip(shipments, results) {
            guard case .stored(let id) = result else { continue }
            packets.append(
                WaitingPacket(
                    id: id, destination: shipment.destination, release: shipment.release, deadline: shipment.deadline))
        }
        guard !packets.isEmpty else { return false }
        ledger.book { entry in for _ in packets { entry.createdAndHeld() } }
        forward(packets)
        return packets.count == shipments.count
    }

    /// The one part of a receipt.
    static func part(of receipt: Receipt, using generator: inout some RandomNumberGenerator) throws -> Part {
        let envelope = try Envelope(recipients: [.drop], bodyKind: .receipt)
        let encoded = try MessageEncoder.encode(envelope, body: receipt.encoded)
        let parts = try MessageEncoder.parts(of: encoded, using: &generator).parts(ofGroup: 0)
        guard parts.count == 1, let part = parts.first else { throw PayloadError.messageLength }
        return part
    }
}
