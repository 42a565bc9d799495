internal import Directory
internal import WireFormat

/// What the status pages show of the slots.
struct SlotDriverStatus: Sendable {
    /// Newest first.
    var summaries: [SlotSummary]
    /// Slots that were certified after their end, or brought from others.
    var late: Set<Slot>
    /// By authority: what its newest vote said of the time, and when it came.
    var clocks: [Int: (slot: Slot, published: Timestamp, received: Timestamp)]
    /// The votes of the newest slot of which there is more than one.
    var votes: [Vote]
    /// By authority: in which slots its votes are dropped, last.
    var exclusions: [Int: ClosedRange<Slot>]
    /// By authority: until when the key that it signs with is certified, as far as it is known.
    var certifiedUntil: [Int: Timestamp]
}

extension SlotDriver {
    /// The state at this moment.
    func status() -> SlotDriverStatus {
        step()
        let votes = Dictionary(grouping: documents.votes.values, by: \.contents.slot)
        let newest = votes.filter { $0.value.count > 1 }.keys.max()
        return SlotDriverStatus(
            summaries: summaries, late: lateSlots, clocks: clocks, votes: newest.flatMap { votes[$0] } ?? [],
            exclusions: machine.memory.exclusions.compactMapValues(\.last), certifiedUntil: certificates())
    }

    /// From the signatures on the newest consensus, which have been checked, and the own certificate.
    private func certificates() -> [Int: Timestamp] {
        var dates: [Int: Timestamp] = [:]
        for signature in latest?.signatures ?? [] {
            guard let index = parts.network.index(of: signature.authority),
                let certificate = try? UnverifiedCertificate(signature.certificate)
            else { continue }
            dates[index] = certificate.validUntil
        }
        dates[parts.own] = signer.certificate.validUntil
        return dates
    }
}
