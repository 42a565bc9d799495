// What proves that authorities lied to somebody: two certified documents for one slot. Both are kept until the user has
// taken note, and longer: they are what the authorities are to be shown.

internal import Daemon
public import Directory
internal import Foundation
public import WireFormat

/// Two or more certified consensuses of one slot.
public struct ForkEvidence: Hashable, Sendable {
    public let slot: Slot
    /// What the documents say different things under, sorted.
    public let digests: [Digest]
    /// The documents, in the order of the digests.
    public let files: [String]
    /// Whether the user has taken note.
    public let isAcknowledged: Bool
}

/// The directory `evidence` of a cache.
struct EvidenceStore: Sendable {
    let directory: String

    /// Most documents kept: each of them takes a quorum of authorities to make.
    static let maximumDocuments = 32
    /// Most bytes of the list of rollbacks.
    static let maximumNotes = 16 << 10
    private static let suffix = ".consensus"
    private static let acknowledged = ".acknowledged"
    private var notes: String { "\(directory)/rollbacks" }

    /// Saves certified documents of one slot: all of them or none. If there is no room, what is oldest of that which the user
    /// has taken note of makes room; while he has taken note of nothing he is told anyway.
    func save(_ documents: [(link: ConsensusLink, bytes: [UInt8])]) throws {
        _ = try PrivateDirectory(directory)
        let there = Set(names())
        let fresh = documents.filter { !there.contains(name($0.link)) }
        guard !fresh.isEmpty else { return }
        var excess = there.count { $0.hasSuffix(Self.suffix) } + fresh.count - Self.maximumDocuments
        let slots = Set(documents.map(\.link.slot))
        for fork in forks() where excess > 0 && fork.isAcknowledged && !slots.contains(fork.slot) {
            for file in fork.files + [acknowledgement(fork.slot.number)] { try AtomicFile.remove(file) }
            excess -= fork.files.count
        }
        guard excess <= 0 else { return }
        for document in fresh { try AtomicFile.write(document.bytes, to: "\(directory)/\(name(document.link))") }
    }

    private func name(_ link: ConsensusLink) -> String { "\(link.slot.number)-\(link.digest.hex)\(Self.suffix)" }

    /// All forks that were seen, oldest first.
    func forks() -> [ForkEvidence] {
        let names = names()
        var slots: [UInt64: [Digest]] = [:]
        for name in names where name.hasSuffix(Self.suffix) {
            let parts = name.dropLast(Self.suffix.utf8.count).split(separator: "-")
            guard parts.count == 2, let slot = UInt64(parts[0]), let digest = Digest(hex: parts[1]) else { continue }
            slots[slot, default: []].append(digest)
        }
        return slots.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.map { slot, digests in
            let sorted = digests.sorted()
            let files = sorted.map { "\(directory)/\(slot)-\($0.hex)\(Self.suffix)" }
            // A document that comes later has not been taken note of.
            let known = (try? AtomicFile.read(acknowledgement(slot), limit: 1 << 12)) ?? []
            let isAcknowledged = known == Self.text(sorted)
            return ForkEvidence(slot: Slot(slot), digests: sorted, files: files, isAcknowledged: isAcknowledged)
        }
    }

    /// Remembers that the user has taken note of all forks.
    func acknowledge(_ forks: [ForkEvidence]) throws {
        for fork in forks where !fork.isAcknowledged {
            try AtomicFile.write(Self.text(fork.digests), to: acknowledgement(fork.slot.number))
        }
    }

    /// Notes that `source` offered what is much older than what there is: no proof, as nobody signs what he hands out, but
    /// worth knowing when it happens again and again.
    func noteRollback(_ offered: Slot, have: Slot, source: String, now: Timestamp) throws {
        _ = try PrivateDirectory(directory)
        let old = (try? AtomicFile.read(notes, limit: Self.maximumNotes * 2)) ?? []
        var lines = String(decoding: old, as: UTF8.self).split(separator: "\n").map(String.init)
        lines.append("\(now) \(source) offered \(offered.number) have \(have.number)")
        while lines.count > 1, lines.reduce(0, { $0 + $1.utf8.count + 1 }) > Self.maximumNotes { lines.removeFirst() }
        try AtomicFile.write(text: lines.joined(separator: "\n") + "\n", to: notes)
    }

    /// The lines of `noteRollback`, oldest first.
    func rollbacks() -> [String] {
        let bytes = (try? AtomicFile.read(notes, limit: Self.maximumNotes * 2)) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func acknowledgement(_ slot: UInt64) -> String { "\(directory)/\(slot)\(Self.acknowledged)" }

    private static func text(_ digests: [Digest]) -> [UInt8] {
        Array(digests.map { $0.hex + "\n" }.joined().utf8)
    }

    private func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] }
}
