// `nightjar network update` and `nightjar network evidence`.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import WireFormat

extension Client {
    /// Gets what is newer of a network, now.
    /// - Parameters:
    ///   - place: the only place to ask: a URL, a directory, a consensus or a network file.
    ///   - proxy: in place of that of the settings.
    /// - Throws: `CommandFailure` if no source has anything that can be used.
    public func updateNetwork(_ name: String?, from place: String?, proxy: String?) async throws {
        let proxy = try proxy.map { text throws(FetchError) in try ProxySettings(text) }
        if let place, !place.contains("://"), !ClientPlaces.isThere(place) {
            throw CommandFailure("there is no file and no directory \(Printable.text(place))", code: .usage)
        }
        if let place, Self.isNetworkFile(place) {
            let (name, _) = try installRoot(place)
            try tell(await refresh(name, proxy: proxy), isAsked: false)
            return
        }
        let name = try named(name, command: "update")
        guard place != nil || !RunLock.isHeld(places, network: name) else {
            throw CommandFailure(
                "`nightjar run` keeps the network \(name) new, at times of its own that tell nobody what you do; "
                    + "see `nightjar status`, or name a source with --from", code: .refused)
        }
        try tell(await refresh(name, from: place, proxy: proxy), isAsked: true)
    }

    private static func isNetworkFile(_ path: String) -> Bool {
        guard let bytes = try? AtomicFile.read(path, limit: NetworkFile.maximumSize) else { return false }
        return bytes.starts(with: "\(DocumentKind.network.rawValue) ".utf8)
    }

    /// Shows what proves that authorities of a network lied, and what sources offered that was too old.
    /// - Parameter acknowledge: the user has taken note; it is not told at every use any more.
    public func showEvidence(_ name: String?, acknowledge: Bool, json: Bool) throws {
        struct Fork: Encodable {
            var slot: UInt64
            var digests: [String]
            var files: [String]
            var isAcknowledged: Bool
        }
        struct Answer: Encodable {
            var forks: [Fork]
            var rollbacks: [String]
        }
        let name = try named(name, command: "evidence")
        let cache = store.cache(of: name)
        let acknowledged = acknowledge ? try cache.acknowledgeForks() : []
        let forks = cache.forks()
        let rollbacks = cache.rollbacks()
        if json {
            let entries = forks.map {
                Fork(
                    slot: $0.slot.number, digests: $0.digests.map(\.hex), files: $0.files,
                    isAcknowledged: $0.isAcknowledged)
            }
            try terminal.print(JSONText.encode(Answer(forks: entries, rollbacks: rollbacks)))
            return
        }
        for fork in forks {
            let state = fork.isAcknowledged ? "acknowledged" : "new"
            try terminal.print("slot \(fork.slot): \(fork.digests.count) certified consensuses (\(state))")
            for (digest, file) in zip(fork.digests, fork.files) {
                try terminal.print("  \(digest.hex.prefix(16))  \(file)")
            }
        }
        for line in rollbacks { try terminal.print(Printable.line("too old: \(line)")) }
        if forks.isEmpty, rollbacks.isEmpty {
            note("there is no evidence against anybody of the network \(name)")
        } else if !acknowledged.isEmpty {
            note("it stays here, and is not told at every use any more")
        } else if forks.contains(where: { !$0.isAcknowledged }) {
            note(
                "show these files to the people who run the network and to others who use it; when you know what happened: "
                    + "nightjar network evidence \(name) --acknowledge")
        }
    }
}
