// What is seen of a slot machine from outside.

extension SlotMachine {
    /// The open slots, oldest first.
    public var summaries: [SlotSummary] {
        open.keys.sorted().compactMap { open[$0]?.summary(quorum: quorum) }
    }

    /// The leader of a slot.
    public func leader(of slot: Slot) -> Int { Int(slot.number % UInt64(authorities)) }

    /// Digests that are held: never more than a bound that depends on the number of authorities alone.
    public var size: Int { open.values.reduce(0) { $0 + $1.size } + documents.pending }
}
