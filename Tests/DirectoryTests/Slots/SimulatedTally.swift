// Stands for Voting/Tally.swift in the simulation.

import Directory
import TestSupport
import WireFormat

/// A consensus that is a pure function of votes.
enum SimulatedTally {
    static func digest(_ slot: Slot, _ votes: [VoteReference]) -> Digest {
        var state = slot.number
        for vote in votes.sorted(by: { $0.authority < $1.authority }) {
            for byte in vote.digest.bytes.prefix(8) { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        var random = SeededRandom(seed: state)
        return .random(using: &random)
    }

    /// The newest that more than `faults` name.
    static func previous(_ votes: [SimulatedDocument], faults: Int) -> ConsensusLink? {
        var counts: [ConsensusLink: Int] = [:]
        for case .vote(_, let previous?) in votes { counts[previous, default: 0] += 1 }
        return counts.filter { $0.value > faults }.map(\.key).max { $0.slot < $1.slot }
    }
}
