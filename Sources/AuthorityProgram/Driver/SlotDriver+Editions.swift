// Checking a consensus that came from others, which may be of an older edition of the network file than the one in force.

internal import Directory
internal import DirectoryService
internal import Spool
internal import WireFormat

extension SlotDriver {
    /// The consensus, if it is good under its own edition, which is fetched if it is not known.
    nonisolated func checked(_ bytes: [UInt8]) async -> CertifiedConsensus? {
        guard let unverified = await parts.work.run({ try? UnverifiedConsensus(bytes) }),
            unverified.networkName == parts.network.name
        else { return nil }
        await fetchEditions(downTo: unverified.networkVersion)
        let editions = parts.editions
        return await parts.work.run { try? editions.verify(unverified) }
    }

    /// Gets editions of the network file that are older than those known here: a new authority has none of them, and the
    /// consensus that the first one under the new edition follows is of the one before.
    private nonisolated func fetchEditions(downTo version: UInt32) async {
        for _ in 0..<NetworkEditions.longestWalk {
            let oldest = parts.editions.oldest
            guard version < oldest.version, oldest.previous != nil, await fetchEdition(oldest.version - 1) else {
                return
            }
        }
    }

    private nonisolated func fetchEdition(_ version: UInt32) async -> Bool {
        for peer in peers.shuffled() where !Task.isCancelled {
            let found: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                try await source.bytes(.networkVersion(version), limit: NetworkFile.maximumSize)
            }
            guard let found else { continue }
            do throws(AuthorityStoreError) {
                if try parts.editions.take(found) { return true }
            } catch { parts.storeFailed(error) }
        }
        return parts.editions.edition(version) != nil
    }

    /// Whether a consensus that others have may take the place of the newest one here: the edition does not go back. Those
    /// who were replaced by a newer edition decide nothing any more once there is a consensus of it.
    func mayFollow(_ certified: CertifiedConsensus) -> Bool {
        latest.map { $0.consensus.networkVersion <= certified.consensus.networkVersion } ?? true
    }
}
