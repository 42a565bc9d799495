internal import Directory
internal import WireFormat

/// Whether a consensus that follows none may be signed. The chain of consensuses is what shows that nothing was left out
/// between two of them, and without it new nodes are listed as running at once, so that it must not break for nothing.
enum PreviousRule {
    /// What speaks against signing, in words; nil if nothing does.
    /// - Parameters:
    ///   - votes: those from which the consensus follows.
    ///   - held: the newest certified consensus here.
    static func objection(
        to consensus: Consensus, votes: [Vote], held: CertifiedConsensus?, network: NetworkFile, now: Timestamp
    ) -> String? {
        guard consensus.previous == nil, let held, held.slot < consensus.slot, held.age(at: now) != .expired else {
            return nil
        }
        let count = network.authorities.count
        let naming = votes.filter { $0.contents.previous != nil }.count
        guard naming >= max(Quorum.faults(count) + 1, min(2, count)) else { return nil }
        return """
            it follows no consensus, though \(naming) votes name one and that of slot \(held.slot) is here: not all have \
            the same one
            """
    }
}
