// The statements of opt-outs that nodes post: the last few of each in the store, where everybody can fetch them by the digest
// that the node's descriptor names. What they say is nothing to an authority: it neither reads nor votes on it.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Spool
internal import WireFormat

/// Takes statements. It runs on a thread of its own and waits there for the disk.
actor OptOutDesk {
    private struct Known {
        var digest: Digest
        var published: Timestamp
        /// Sizes of those that are stored, oldest first.
        var sizes: [Int]
        var uploads: TokenBucket
    }

    private let executor = WorkExecutor("opt-outs")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let parts: AuthorityParts
    private let registry: NodeRegistry
    private let rules: OptOutRules
    private let intake = IntakeLimit(8)
    private var known: [NodeID: Known] = [:]

    init(parts: AuthorityParts, registry: NodeRegistry, limit: Int = OptOutRules.maximumBytes)
        throws(AuthorityStoreError)
    {
        self.parts = parts
        self.registry = registry
        rules = OptOutRules(network: parts.network.name, limit: limit)
        let now = parts.clock.now()
        for entry in try parts.store.optOuts() {
            var sizes = known[entry.node]?.sizes ?? []
            sizes.append(entry.size)
            // Oldest first, so that the newest is what remains.
            known[entry.node] = Known(
                digest: entry.digest, published: Timestamp(seconds: 0), sizes: sizes,
                uploads: TokenBucket(perHour: OptOutRules.uploadsPerHour, now: now))
        }
        for (node, entry) in known {
            guard let stored = try parts.store.document(entry.digest) else { continue }
            let statement = parts.parsed("opt-outs", stored.bytes) { try UnverifiedOptOutStatement($0) }
            // Its own date is lost. It was not after it came, or not by much: what is older does not come back.
            known[node]?.published = statement?.published ?? stored.received
        }
    }

    /// Bytes of all statements.
    var bytes: Int { known.values.reduce(0) { $0 + $1.sizes.reduce(0, +) } }
    /// Nodes whose statements are here.
    var count: Int { known.count }

    /// Takes a statement that was posted.
    nonisolated func receive(_ bytes: [UInt8]) async -> UploadVerdict {
        guard intake.enter() else { return .busy(retryAfter: .seconds(2)) }
        defer { intake.leave() }
        let parsed = await parts.work.run {
            Result { () throws(DocumentError) in try UnverifiedOptOutStatement(bytes) }
        }
        let statement: UnverifiedOptOutStatement
        switch parsed {
        case .success(let read): statement = read
        case .failure(let error):
            parts.counters.count("opt_outs", kind: "malformed")
            return .malformed("not a statement of opt-outs: \(error)")
        }
        let isRegistered = await registry.entry(statement.node) != nil
        if let verdict = await verdict(on: statement, bytes.count, isRegistered) { return verdict }
        let network = parts.network.name
        guard await parts.work.run({ (try? statement.verify(network: network)) != nil }) else {
            return refused(.badSignature)
        }
        return await take(statement, bytes, isRegistered)
    }

    /// Bytes of the statement that makes way for the next one of its node.
    private func replaced(_ entry: Known?) -> Int {
        guard let sizes = entry?.sizes, sizes.count >= AuthorityStore.statementsPerNode else { return 0 }
        return sizes.first ?? 0
    }

    /// What is said of a statement that need not be checked; nil for one that must be.
    private func verdict(
        on statement: UnverifiedOptOutStatement, _ size: Int, _ isRegistered: Bool
    ) -> UploadVerdict? {
        let now = parts.clock.now()
        let entry = known[statement.node]
        let decision = rules.decide(
            statement, size: size, isRegistered: isRegistered, newest: entry.map { ($0.digest, $0.published) },
            bytes: bytes - replaced(entry), now: now)
        switch decision {
        case .take: break
        case .known:
            parts.counters.count("opt_outs", kind: "known")
            return .known
        case .refused(let refusal): return refused(refusal)
        }
        if var uploads = entry?.uploads, case let wait = uploads.wait(at: now), wait > .zero {
            parts.counters.count("opt_outs", kind: "busy")
            // Others wait by their own clocks, in real time.
            return .busy(retryAfter: max(.seconds(1), .seconds(fraction: wait.inSeconds / parts.clock.scale)))
        }
        return nil
    }

    private nonisolated func refused(_ refusal: OptOutRefusal) -> UploadVerdict {
        parts.counters.count("opt_outs", kind: refusal.label)
        return .refused(refusal.words)
    }

    private func take(
        _ statement: UnverifiedOptOutStatement, _ bytes: [UInt8], _ isRegistered: Bool
    ) -> UploadVerdict {
        // Another one may have come meanwhile.
        if let verdict = verdict(on: statement, bytes.count, isRegistered) { return verdict }
        let now = parts.clock.now()
        let digest = statement.digest
        do throws(AuthorityStoreError) {
            try parts.store.keep(optOuts: bytes, digest: digest, of: statement.node, at: now)
            parts.storeWorks()
        } catch {
            parts.storeFailed(error)
            return .busy(retryAfter: .seconds(30))
        }
        var entry =
            known[statement.node]
            ?? Known(
                digest: digest, published: statement.published, sizes: [],
                uploads: TokenBucket(perHour: OptOutRules.uploadsPerHour, now: now))
        _ = entry.uploads.take(at: now)
        (entry.digest, entry.published) = (digest, statement.published)
        entry.sizes = Array((entry.sizes + [bytes.count]).suffix(AuthorityStore.statementsPerNode))
        known[statement.node] = entry
        parts.counters.count("opt_outs", kind: "stored")
        return .stored
    }

    /// Forgets the statements of nodes that are not in the register any more.
    func maintain() async {
        var gone: [NodeID] = []
        for node in known.keys where await registry.entry(node) == nil { gone.append(node) }
        guard !gone.isEmpty else { return }
        do throws(AuthorityStoreError) {
            try parts.store.forgetOptOuts(of: gone)
            for node in gone { known[node] = nil }
        } catch { parts.storeFailed(error) }
    }
}
