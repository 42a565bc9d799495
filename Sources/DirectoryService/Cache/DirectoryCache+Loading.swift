// What a cache holds, for those who choose paths by it and for those who look at it.

internal import Daemon
public import Directory
public import WireFormat

extension DirectoryCache {
    /// Everything that choosing paths needs. Without a consensus it has no nodes.
    /// - Parameter allowStale: take a consensus that has expired: knowingly, and never by default.
    /// - Throws: `ConsensusError.expired`, `.notYet`; `DirectoryCacheError`, `CommandFailure`.
    public func load(at now: Timestamp, allowStale: Bool = false) throws -> Network {
        try contents(at: now, allowStale: allowStale).network
    }

    /// As `load`, and which nodes are listed and not used.
    public func contents(
        at now: Timestamp, allowStale: Bool = false
    ) throws -> (network: Network, refused: [RefusedDescriptor]) {
        let root = try loadRoot()
        var last: ConsensusLink?
        while true {
            guard let certified = readConsensus(root) else { return (Network(root: root), []) }
            switch certified.age(at: now) {
            case .expired where !allowStale: throw ConsensusError.expired(certified.consensus.validUntil)
            case .notYet: throw ConsensusError.notYet(certified.consensus.published)
            case .expired, .fresh, .old: break
            }
            let listed = ListedDescriptors(certified.consensus, root: root, known: readDescriptors(root))
            // Another process may have replaced both between the two readings; then they are read again.
            if !listed.missing.isEmpty, certified.link != last {
                last = certified.link
                continue
            }
            return (Network(root: root, consensus: certified, descriptors: listed.usable), listed.refused)
        }
    }

    /// The newest certified consensus that was installed, whatever its age.
    public func newest() throws -> CertifiedConsensus? { readConsensus(try loadRoot()) }

    /// Digests of descriptors that a consensus names and that are not here.
    public func missing(_ consensus: Consensus) throws -> [Digest] {
        let root = try loadRoot()
        return ListedDescriptors(consensus, root: root, known: readDescriptors(root)).missing
    }

    /// Every slot for which two certified documents were seen, oldest first. Whoever uses this network is to be told of those
    /// that are not acknowledged, each time.
    public func forks() -> [ForkEvidence] { evidence.forks() }

    /// Remembers that the user knows of all forks.
    /// - Returns: those that were new to him.
    @discardableResult
    public func acknowledgeForks() throws -> [ForkEvidence] {
        try change {
            let open = evidence.forks().filter { !$0.isAcknowledged }
            try evidence.acknowledge(open)
            return open
        }
    }

    /// One line for each time that a source offered what was much older than what was here.
    public func rollbacks() -> [String] { evidence.rollbacks() }

    /// Removes the descriptors that the installed consensus does not name.
    public func prune() throws {
        try change {
            let root = try readRoot()
            guard let certified = readConsensus(root) else { return }
            let known = readDescriptors(root)
            let wanted = Set(certified.consensus.nodes.map(\.descriptor))
            let kept = known.filter { wanted.contains($0.key) }
            guard kept.count < known.count else { return }
            try AtomicFile.write(DescriptorBundle.join(kept.map(\.value)), to: path("descriptors"))
        }
    }
}
