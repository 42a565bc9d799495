// What a cache says of a consensus that somebody offers, before anything is installed.

public import Directory
internal import WireFormat

extension DirectoryCache {
    /// What a consensus is beside those that are kept.
    public enum Examination: Hashable, Sendable {
        /// The one that is kept for its slot.
        case known
        /// None is kept for its slot that it could be compared with.
        case unrelated
        /// Another one than the one that is kept for its slot; both are saved as evidence.
        case fork(Slot)
    }

    /// Compares a consensus of any slot with what is kept, and saves both as evidence if they contradict each other. Installs
    /// nothing.
    /// - Parameter claimed: what it is said to be.
    /// - Throws: `DirectoryCacheError.notClaimed` if it is something else; `ConsensusError` if it is not certified;
    ///   `DirectoryCacheError`, `CommandFailure`.
    public func examine(_ bytes: [UInt8], claimed: ConsensusLink) throws -> Examination {
        let root = try loadRoot()
        let offered: UnverifiedConsensus
        do throws(DocumentError) { offered = try UnverifiedConsensus(bytes) } catch {
            throw ConsensusError.document(error)
        }
        guard offered.link == claimed else { throw DirectoryCacheError.notClaimed(claimed) }
        let certified = try certify(offered, root: root)
        do {
            return try compare(certified, have: readConsensus(root), root: root) == nil ? .unrelated : .known
        } catch DirectoryCacheError.fork(let slot, _, _, _) {
            return .fork(slot)
        }
    }

    /// Judges a consensus that was offered.
    /// - Parameter root: the edition that is installed, or one that follows it and is verified.
    /// - Returns: it, if it is certified, of this network and time, and not older than what is there.
    func judge(
        _ bytes: [UInt8], root: NetworkFile, have: CertifiedConsensus?, now: Timestamp
    ) throws -> CertifiedConsensus {
        let offered: UnverifiedConsensus
        do throws(DocumentError) { offered = try UnverifiedConsensus(bytes) } catch {
            throw ConsensusError.document(error)
        }
        let certified = try certify(offered, root: root)
        if let kept = try compare(certified, have: have, root: root), let have, kept.link == have.link { return have }
        // An edition is in force from its first consensus on. Until then those of the edition before decide: they may have
        // signed the next one long before it is used.
        if let have, certified.consensus.networkVersion < have.consensus.networkVersion {
            throw ConsensusError.otherNetworkVersion(have: root.version, named: certified.consensus.networkVersion)
        }
        switch certified.age(at: now) {
        case .expired: throw ConsensusError.expired(certified.consensus.validUntil)
        case .notYet: throw ConsensusError.notYet(certified.consensus.published)
        case .fresh, .old: break
        }
        if let have, certified.link.slot < have.link.slot {
            throw ConsensusError.rollback(have: have.link.slot, offered: certified.link.slot)
        }
        return certified
    }

    /// The consensus that is kept for a slot.
    func kept(_ slot: Slot, have: CertifiedConsensus?, root: NetworkFile) -> CertifiedConsensus? {
        if let have, have.slot == slot { return have }
        guard let kept = keptConsensuses.read(slot) else { return nil }
        return try? kept.verify(in: self.root(kept.networkVersion, current: root))
    }

    private func certify(_ offered: UnverifiedConsensus, root: NetworkFile) throws(ConsensusError) -> CertifiedConsensus
    {
        guard offered.networkName == root.name else { throw .otherNetwork(offered.networkName) }
        return try offered.verify(in: self.root(offered.networkVersion, current: root))
    }

    /// Compares with what is kept for the slot.
    /// - Returns: what is kept, if that is the same; nil if there is nothing to compare with.
    /// - Throws: `DirectoryCacheError.fork` when both were saved as evidence.
    private func compare(
        _ certified: CertifiedConsensus, have: CertifiedConsensus?, root: NetworkFile
    ) throws -> CertifiedConsensus? {
        // Authorities that were replaced can still sign, and accuse nobody: once a slot has a consensus of a newer edition,
        // one of an older edition for it says nothing.
        guard let kept = kept(certified.slot, have: have, root: root),
            kept.consensus.networkVersion <= certified.consensus.networkVersion
        else { return nil }
        guard kept.link != certified.link else { return kept }
        try evidence.save([(kept.link, kept.bytes), (certified.link, certified.bytes)])
        throw DirectoryCacheError.fork(
            kept.slot, have: kept.link.digest, offered: certified.link.digest, saved: evidence.directory)
    }
}
