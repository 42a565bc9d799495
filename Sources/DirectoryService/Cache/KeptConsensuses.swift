// The certified consensuses of the last slots, so that two of one slot are seen though the newer one is installed already.

internal import Daemon
internal import Directory
internal import Foundation

/// The directory `consensuses` of a cache: a file per slot.
struct KeptConsensuses: Sendable {
    let directory: String

    /// Slots that are kept: gossip and `previous` tell of the last few.
    static let maximumCount = 8

    /// The consensus of a slot as it was installed, not verified; nil if none was, or it is damaged.
    func read(_ slot: Slot) -> UnverifiedConsensus? {
        guard let bytes = try? AtomicFile.read(path(slot.number), limit: Consensus.maximumSize),
            let parsed = try? UnverifiedConsensus(bytes), parsed.slot == slot
        else { return nil }
        return parsed
    }

    /// Keeps a consensus; what was first for its slot stays.
    func keep(_ certified: CertifiedConsensus) throws {
        guard read(certified.slot) == nil else { return }
        _ = try PrivateDirectory(directory)
        try AtomicFile.write(certified.bytes, to: path(certified.slot.number))
        for slot in slots().dropLast(Self.maximumCount) { try AtomicFile.remove(path(slot)) }
    }

    private func path(_ slot: UInt64) -> String { "\(directory)/\(slot)" }

    /// Ascending.
    private func slots() -> [UInt64] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.compactMap { name in UInt64(name).flatMap { String($0) == name ? $0 : nil } }.sorted()
    }
}
