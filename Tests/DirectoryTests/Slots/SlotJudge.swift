// Watches a simulation from above and knows what must never happen.

import Directory
import WireFormat

/// Keeps the books of a run.
struct SlotJudge {
    let plan: SlotPlan
    /// What must not be; empty if all is well.
    private(set) var violations: [String] = []
    private(set) var certified: [Slot: Digest] = [:]
    private var said: [EvidenceFact: Digest] = [:]
    /// By liar, slot and kind: the different documents that honest authorities took.
    private var seen: [EvidenceFact: Set<Digest>] = [:]

    init(_ plan: SlotPlan) { self.plan = plan }

    mutating func fault(_ text: String) { if violations.count < 20 { violations.append(text) } }

    /// An honest authority says something to others.
    mutating func sends(_ kind: SlotDocumentKind, _ authority: Int, _ slot: Slot, _ digest: Digest) {
        let key = EvidenceFact(kind: kind, authority: authority, slot: slot)
        if let before = said[key], before != digest {
            fault("\(authority), which is honest, made two of the kind \(kind) in slot \(slot)")
        }
        said[key] = digest
    }

    /// An honest authority took a document.
    mutating func takes(_ kind: SlotDocumentKind, of authority: Int, _ slot: Slot, _ digest: Digest) {
        guard plan.liars.contains(authority) else { return }
        seen[EvidenceFact(kind: kind, authority: authority, slot: slot), default: []].insert(digest)
    }

    mutating func certifies(_ link: ConsensusLink) {
        if let before = certified[link.slot], before != link.digest { fault("two certified in slot \(link.slot)") }
        certified[link.slot] = link.digest
    }

    mutating func accuses(_ authority: Int) {
        if !plan.liars.contains(authority) { fault("evidence against \(authority), which is honest") }
    }

    mutating func checkSize(_ machine: SlotMachine) {
        // Three slots; of each authority two votes and two signatures; two proposals and an accepted one; what is
        // fetched.
        let bound = 3 * (plan.count * (2 + 2 + 4) + 4) + 3 * 3
        if machine.size > bound { fault("a machine holds \(machine.size) digests, more than \(bound)") }
        if machine.summaries.count > 3 { fault("\(machine.summaries.count) slots are open") }
    }

    /// Liars whose lies two honest authorities could have compared, through `last`.
    func caughtLiars(through last: Slot) -> Set<Int> {
        Set(seen.filter { $0.value.count > 1 && $0.key.slot <= last }.map(\.key.authority))
    }

    /// The longest run of slots without a consensus.
    func longestGap(_ slots: ClosedRange<UInt64>) -> Int {
        var longest = 0
        var gap = 0
        for number in slots {
            gap = certified[Slot(number)] == nil ? gap + 1 : 0
            longest = max(longest, gap)
        }
        return longest
    }
}
