// Keeping what is known of a network new, without telling anybody when the user does something: a command fetches only what
// is so old that any use of it would be late, and `nightjar run` at times of its own.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import WireFormat

extension Client {
    /// What commands begin with that use a network: what the user must know of it is told, and a consensus that is older than
    /// half its validity, or not there at all, is fetched if that is allowed and `nightjar run` does not see to it. What is
    /// wrong is left to the command to say, which will meet it.
    /// - Parameter name: as the command has it.
    public func prepareNetwork(_ name: String?) async {
        guard let name = try? store.resolve(name ?? config.network), let root = try? store.cache(of: name).loadRoot(),
            (try? time.check(root)) != nil
        else { return }
        let cache = store.cache(of: name)
        for line in Self.warnings(of: cache.forks(), network: name) { note(line) }
        var newest = try? cache.newest()
        let now = time.clock.now()
        let missing = newest.flatMap { try? cache.missing($0.consensus).count } ?? 0
        if config.directory.refreshes, Self.isRefreshDue(newest, missing: missing, root: root, now: now),
            !RunLock.isHeld(places, network: name)
        {
            note("fetching the consensus of the network \(name)")
            let outcome = await refreshInTime(name)
            if outcome.result != .updated { for line in outcome.warnings { note(line) } }
            newest = outcome.consensus ?? newest
        }
        if let newest, let line = Self.warning(of: newest, network: name, now: now, isStaleAllowed: allowsStale) {
            note(line)
        }
    }

    /// Whether what there is is so old that a command fetches before it uses it: never because of what the command does.
    /// - Parameter missing: how many of its descriptors are not there, or damaged.
    static func isRefreshDue(
        _ newest: CertifiedConsensus?, missing: Int = 0, root: NetworkFile, now: Timestamp
    ) -> Bool {
        guard let newest, !DirectoryRefresh.lacksTooMany(missing, of: newest.consensus.nodes.count) else { return true }
        return now - newest.consensus.published > .milliseconds(root.parameters.validFor.milliseconds / 2)
    }

    /// What is to be said of a consensus's age; nil while it is fresh, or when it cannot be used anyway.
    static func warning(
        of consensus: CertifiedConsensus, network name: String, now: Timestamp, isStaleAllowed: Bool
    ) -> String? {
        let age = (now - consensus.consensus.published).shortWords
        switch consensus.age(at: now) {
        case .fresh, .notYet: return nil
        case .old:
            return
                "warning: what is known of the network \(name) is \(age) old; get a newer consensus with `nightjar network "
                + "update \(name)`"
        case .expired where isStaleAllowed:
            return "WARNING: what is known of the network \(name) is \(age) old and EXPIRED on "
                + "\(consensus.consensus.validUntil). Nodes may be gone or in other hands, and whoever keeps newer ones from you "
                + "knows your paths better than you do. It is used because you said --stale"
        case .expired: return nil
        }
    }

    /// What is to be said at every use of a network whose authorities lied, until the user has taken note.
    static func warnings(of forks: [ForkEvidence], network name: String) -> [String] {
        forks.filter { !$0.isAcknowledged }.map { fork in
            "WARNING: there are \(fork.digests.count) different certified consensuses of slot \(fork.slot) of the network \(name): "
                + "authorities lied, or their keys were stolen. See `nightjar network evidence \(name)`, and show it to the people "
                + "who run the network"
        }
    }

    /// Asks sources for something newer.
    /// - Parameters:
    ///   - place: the only one to ask: a URL, a file or a directory; all that are known without it.
    ///   - proxy: in place of that of the settings.
    func refresh(_ name: String, from place: String? = nil, proxy: ProxySettings? = nil) async throws -> RefreshOutcome
    {
        let cache = store.cache(of: name)
        let root = try cache.loadRoot()
        try time.check(root)
        let now = time.clock.now()
        let sources = NetworkSources(self, proxy: proxy)
        let chosen =
            try place.map { try [sources.one($0)] }
            ?? sources.all(root, try? cache.load(at: now, allowStale: true))
        return await DirectoryRefresh.run(cache, sources: chosen, now: now)
    }

    /// As `refresh`, for no longer than a command may take.
    private func refreshInTime(_ name: String) async -> RefreshOutcome {
        await withTaskGroup(of: RefreshOutcome?.self) { tasks in
            tasks.addTask { try? await refresh(name) }
            tasks.addTask {
                try? await Task.sleep(for: .milliseconds(config.timeout.milliseconds))
                return nil
            }
            let first = await tasks.next() ?? nil
            tasks.cancelAll()
            if let first { return first }
            // Cancelled, it ends with what it has found out so far.
            return await tasks.next().flatMap(\.self) ?? RefreshOutcome()
        }
    }
}

extension Interval {
    /// In whole days, hours or minutes: `2 days`.
    var shortWords: String {
        let minutes = max(0, milliseconds / 60_000)
        if minutes >= 2 * 1440 { return "\(minutes / 1440) days" }
        return minutes >= 120 ? "\(minutes / 60) hours" : Count.text(Int(minutes), "minute")
    }
}
