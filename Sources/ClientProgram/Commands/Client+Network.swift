// `nightjar network`: adding, showing and removing networks.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import MixCrypto
internal import WireFormat

/// What `nightjar network add` is asked for.
public struct NetworkAddRequest: Sendable {
    /// The network file.
    public var file: String
    /// The fingerprint that it must have, if the user knows it from elsewhere.
    public var digest: String?
    /// A file with a consensus to begin with.
    public var consensus: String?
    /// A file with its descriptors.
    public var descriptors: String?
    /// A proxy in place of that of the settings.
    public var proxy: String?

    public init(file: String) { self.file = file }
}

extension Client {
    /// Installs a network file, or the next edition of one that is installed, and gets its consensus.
    /// - Throws: if the network file is not to be trusted, or the consensus that was named is not. That none can be fetched now
    ///   is told, and no error.
    public func addNetwork(_ request: NetworkAddRequest) async throws {
        let digest = try Self.fingerprint(request.digest)
        let proxy = try request.proxy.map { text throws(FetchError) in try ProxySettings(text) }
        if let file = request.descriptors, request.consensus == nil {
            throw CommandFailure("--descriptors \(Printable.text(file)) needs --consensus FILE", code: .usage)
        }
        let (name, change) = try installRoot(request.file, expecting: digest)
        if let file = request.consensus {
            let source = FolderSource(consensus: file, descriptors: request.descriptors)
            try tell(
                await DirectoryRefresh.run(store.cache(of: name), sources: [source], now: time.clock.now()),
                isAsked: true)
        } else if config.directory.refreshes, !RunLock.isHeld(places, network: name),
            try change != .unchanged || store.cache(of: name).newest() == nil
        {
            try tell(await refresh(name, proxy: proxy), isAsked: false)
        }
        if change == .added, RunLock.isHeld(places) {
            note("`nightjar run` serves this network after it was started again")
        }
    }

    /// Installs a network file.
    func installRoot(
        _ file: String, expecting digest: Digest? = nil
    ) throws -> (name: String, change: DirectoryCache.RootChange) {
        let bytes = try AtomicFile.read(file, limit: NetworkFile.maximumSize)
        let offered: UnverifiedNetworkFile
        do throws(DocumentError) { offered = try UnverifiedNetworkFile(bytes) } catch {
            throw CommandFailure("\(file) is not a network file: \(error)")
        }
        guard !time.isScaled || offered.isTest else { throw NetworkStoreError.scaledTime(offered.name) }
        _ = try PrivateDirectory(places.data)
        _ = try PrivateDirectory(places.networks)
        let cache = store.cache(of: offered.name)
        let wasThere = cache.isInstalled
        let (root, change) = try cache.install(root: bytes, expecting: digest)
        let words =
            switch change {
            case .added: "added"
            case .updated(let old): "takes the place of version \(old)"
            case .unchanged: "was installed already"
            }
        note("network \(root.name) version \(root.version) \(words)")
        if !wasThere {
            let names = root.authorities.map(\.name.text)
            let who = names.count == 1 ? names[0] : "\(root.quorum) of \(names.joined(separator: ", "))"
            note("it trusts \(who) to say which nodes you use")
            if digest == nil {
                note("its fingerprint is \(root.digest.hex); compare it with one from another source")
            }
        }
        return (root.name, change)
    }

    /// Tells what came of fetching.
    /// - Parameter isAsked: the user wanted it; then that it failed is an error.
    func tell(_ outcome: RefreshOutcome, isAsked: Bool) throws {
        if outcome.result == .updated || !outcome.editions.isEmpty { note(outcome.summary) }
        if outcome.result == .current, isAsked { note(outcome.summary) }
        for line in outcome.warnings where outcome.result != .failed || !isAsked { note(line) }
        guard outcome.result == .failed else { return }
        guard isAsked else {
            note("\(outcome.summary); try again later with `nightjar network update`")
            return
        }
        let reasons = outcome.failures.map(\.description)
        let temporary: [RefreshProblem] = [.unreachable, .notFound, .behind, .untimely, .incomplete]
        let isTemporary = outcome.failures.allSatisfy { temporary.contains($0.problem) }
        throw CommandFailure(
            (reasons + [outcome.summary]).joined(separator: "\n"), code: isTemporary ? .temporary : .refused)
    }

    private static func fingerprint(_ text: String?) throws(NetworkStoreError) -> Digest? {
        guard let text else { return nil }
        guard let digest = Digest(hex: text.lowercased()) else { throw .fingerprint }
        return digest
    }

    /// Shows the networks that are installed.
    public func listNetworks(json: Bool) throws {
        struct Entry: Encodable {
            var name: String
            var problem: String?
            var version: UInt32?
            var height: UInt64?
            var nodes: Int?
            var validUntil: String?
        }
        let entries = try store.names().map { name in
            let version = try? store.cache(of: name).loadRoot().version
            do {
                let network = try store.load(name)
                return Entry(
                    name: name, version: version, height: network.height, nodes: network.nodes.count,
                    validUntil: network.validUntil.description)
            } catch {
                return Entry(name: name, problem: CommandFailure(client: error).message, version: version)
            }
        }
        if json {
            try terminal.print(JSONText.encode(entries))
            return
        }
        guard !entries.isEmpty else { throw NetworkStoreError.none }
        var table = TextTable(["NETWORK", "VERSION", "HEIGHT", "NODES", "VALID UNTIL"])
        for entry in entries {
            table.add([
                entry.name, entry.version.map { "\($0)" } ?? "-", entry.height.map { "\($0)" } ?? "-",
                entry.nodes.map { "\($0)" } ?? "-", entry.validUntil ?? entry.problem ?? "-",
            ])
        }
        for line in table.lines { try terminal.print(line) }
        for entry in entries {
            for line in Self.warnings(of: store.cache(of: entry.name).forks(), network: entry.name) { note(line) }
        }
    }

    /// The network that a command is about, whose argument is its name.
    func named(_ name: String?, command: String) throws -> String {
        do { return try store.resolve(name ?? config.network) } catch NetworkStoreError.several(let names) {
            throw CommandFailure(
                "several networks are installed (\(names.joined(separator: ", "))); say which, for example "
                    + "`nightjar network \(command) \(names[0])`", code: .usage)
        }
    }

    /// Shows one network, whatever its age.
    public func showNetwork(_ name: String?, json: Bool) throws {
        let name = try named(name, command: "show")
        let cache = store.cache(of: name)
        let now = time.clock.now()
        let network: Network
        do { network = try cache.load(at: now, allowStale: true) } catch let error as ConsensusError {
            note(error.description)
            network = Network(root: try cache.loadRoot())
        }
        let report = NetworkReport(network, cache: cache, now: now)
        if json {
            try terminal.print(JSONText.encode(report))
        } else {
            for line in report.lines { try terminal.print(Printable.line(line)) }
        }
        for line in Self.warnings(of: cache.forks(), network: name) { note(line) }
    }

    /// Forgets a network.
    public func removeNetwork(_ name: String, isConfirmed: Bool) throws {
        let name = try store.resolve(name)
        guard !RunLock.isHeld(places, network: name) else {
            throw CommandFailure(
                "`nightjar run` serves the network \(name); stop it first, or let it serve others only",
                code: .temporary)
        }
        guard isConfirmed else {
            throw CommandFailure(
                "with the network \(name) goes what protects you from being shown an old state of it, and all evidence; "
                    + "add --yes if that is meant", code: .usage)
        }
        try store.remove(name)
        note("network \(name) is removed; its queue, mailboxes and reply blocks are still there")
    }
}
