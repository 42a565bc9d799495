// The consensus of a cache: what may be installed, and how it is replaced.

internal import Daemon
public import Directory
internal import Foundation
public import WireFormat

extension DirectoryCache {
    /// What installing a consensus did.
    public struct Installed: Sendable {
        public let consensus: CertifiedConsensus
        /// Whether it is newer than what was there; else it was there already, and descriptors were added at most.
        public let isNewer: Bool
        /// Digests of descriptors that are still to be fetched.
        public let missing: [Digest]
        /// Nodes that are listed and not used.
        public let refused: [RefusedDescriptor]
        /// What it names as the consensus before it, if another one is kept for that slot: one of them is a lie.
        public let contradicts: ConsensusLink?
    }

    /// Installs a consensus, if it is certified, of this network, of this time, and newer than what is there. A second
    /// certified one for the same slot is saved as evidence, and refused.
    /// - Parameter descriptors: as they came, in any order. What is not well-formed, signed and listed is left out.
    /// - Throws: `ConsensusError`, `DirectoryCacheError`, `CommandFailure`; then nothing has changed but the evidence.
    @discardableResult
    public func install(
        consensus bytes: [UInt8], descriptors: [[UInt8]], now: Timestamp
    ) throws -> Installed {
        let root = try loadRoot()
        let certified = try judge(bytes, root: root, have: readConsensus(root), now: now)
        let fresh = ListedDescriptors.verified(
            descriptors, network: root.name, wanted: Set(certified.consensus.nodes.map(\.descriptor)))
        return try install(certified, descriptors: fresh, now: now)
    }

    /// As `install(consensus:descriptors:now:)`, with descriptors that were verified.
    /// - Parameter editions: of the network file, from the one after that which is installed to that of the consensus: they
    ///   come into force together with it.
    func install(
        _ certified: CertifiedConsensus, descriptors fresh: [Digest: Descriptor], editions: [NetworkFile] = [],
        now: Timestamp
    ) throws -> Installed {
        try change {
            removeTemporaryFiles()
            let installed = try readRoot()
            let have = readConsensus(installed)
            let newer = editions.filter { $0.version > installed.version }
            var root = installed
            for edition in newer { root = try UnverifiedNetworkFile(edition.bytes).verify(succeeding: root) }
            // Once more, as another process may have been faster.
            let certified = try judge(certified.bytes, root: root, have: have, now: now)
            let isNewer = certified.link != have?.link
            var known = readDescriptors(root)
            let before = Set(known.keys)
            known.merge(fresh) { old, _ in old }
            let wanted = Set(certified.consensus.nodes.map(\.descriptor))
            let needed = isNewer ? wanted.union(have?.consensus.nodes.map(\.descriptor) ?? []) : before.union(wanted)
            known = known.filter { needed.contains($0.key) }
            if Set(known.keys) != before { try writeBundle(known, wanted: wanted) }
            for edition in newer { try write(edition) }
            let contradicted = certified.consensus.previous.flatMap { previous in
                kept(previous.slot, have: have, root: root).flatMap { $0.link == previous ? nil : previous }
            }
            if isNewer {
                for document in [have, certified].compactMap(\.self) { try keptConsensuses.keep(document) }
                try AtomicFile.write(certified.bytes, to: path("consensus"))
            }
            let listed = ListedDescriptors(certified.consensus, root: root, known: known)
            return Installed(
                consensus: certified, isNewer: isNewer, missing: listed.missing, refused: listed.refused,
                contradicts: isNewer ? contradicted : nil)
        }
    }

    /// The consensus that is installed, whatever its age; nil if there is none, or if it is damaged: then it is as if there
    /// were none, and the next one that is fetched takes its place.
    func readConsensus(_ current: NetworkFile) -> CertifiedConsensus? {
        guard let bytes = try? AtomicFile.read(path("consensus"), limit: Consensus.maximumSize),
            let parsed = try? UnverifiedConsensus(bytes)
        else { return nil }
        return try? parsed.verify(in: root(parsed.networkVersion, current: current))
    }

    /// The descriptors that are there, by digest, each signed by its node.
    func readDescriptors(_ root: NetworkFile) -> [Digest: Descriptor] {
        let limit = DescriptorBundle.maximumSize
        guard let bytes = try? AtomicFile.read(path("descriptors"), limit: limit) else { return [:] }
        var found: [Digest: Descriptor] = [:]
        for document in DescriptorBundle.split(bytes) {
            guard let descriptor = try? UnverifiedDescriptor(Array(document)).verify(network: root.name) else {
                continue
            }
            found[descriptor.digest] = descriptor
        }
        return found
    }

    /// Writes the bundle; what no longer fits beside what is wanted is left out.
    private func writeBundle(_ known: [Digest: Descriptor], wanted: Set<Digest>) throws {
        let ordered = known.sorted { left, right in
            let (first, second) = (wanted.contains(left.key), wanted.contains(right.key))
            return first == second ? left.key < right.key : first
        }
        var size = 0
        let fitting = ordered.prefix(Consensus.maximumNodes).prefix {
            size += $0.value.bytes.count
            return size <= DescriptorBundle.maximumSize
        }
        try AtomicFile.write(DescriptorBundle.join(fitting.map(\.value)), to: path("descriptors"))
    }

    /// Removes what processes left that were killed while they wrote. Under the lock: nobody writes now.
    private func removeTemporaryFiles() {
        for folder in [directory, path("networks"), path("consensuses"), path("evidence"), path("opt-outs")] {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            where name.contains(".tmp-") {
                try? AtomicFile.remove("\(folder)/\(name)")
            }
        }
    }
}
