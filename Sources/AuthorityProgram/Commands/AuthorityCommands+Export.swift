// `export`: everything that an authority serves, as files for any web server, from the database alone.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Spool
internal import WireFormat

extension AuthorityCommands {
    /// `export`: writes the files of a mirror; also while the authority runs, whose pages are then written too.
    /// - Parameter last: how many consensuses, with their votes.
    public func export(_ directory: String, configuration: String, last: Int) async throws {
        guard (1...Self.longestAudit).contains(last) else {
            throw CommandFailure("--last takes 1 to \(Self.longestAudit)", code: .usage)
        }
        let settings = try AuthoritySettings(configuration: configuration)
        let network = try NetworkDocument.installed(settings.networkFile)
        let store = try Self.openForReading(settings)
        defer { store.close() }
        var mirror = MirrorFiles(directory: directory)
        try mirror.write(store, network: network, last: last)
        var hasPages = true
        do {
            for page in HealthPage.mirrored + [DirectoryRoute.slots.name, DirectoryRoute.reports.name] {
                try mirror.write(.page(page), try await Self.ask(settings, page))
            }
        } catch { hasPages = false }
        terminal.message("\(mirror.written) files written to \(directory), \(mirror.kept) were there")
        if !hasPages { terminal.message("without the pages, which only a running authority has") }
    }
}

/// A directory of files under the names at which an authority serves its documents.
struct MirrorFiles {
    let directory: String
    private(set) var written = 0
    private(set) var kept = 0

    init(directory: String) { self.directory = directory }

    /// Writes a file in one step. A document by digest never changes: one that is there stays.
    mutating func write(_ route: DirectoryRoute, _ bytes: [UInt8]) throws {
        let path = "\(directory)/\(route.name)"
        if case .document = route, FileManager.default.fileExists(atPath: path) {
            kept += 1
            return
        }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try AtomicFile.write(bytes, to: path, mode: 0o644)
        written += 1
    }

    /// Everything in a store that is served, with the newest `last` consensuses.
    mutating func write(_ store: AuthorityStore, network: NetworkFile, last: Int) throws {
        try write(.network, network.bytes)
        try write(.networkVersion(network.version), network.bytes)
        for version in 1..<max(network.version, 1) {
            if let old = try store.network(version: version) { try write(.networkVersion(version), old.bytes) }
        }
        let evidence = try store.evidence()
        try write(.evidence, EvidenceList.text(evidence))
        for piece in evidence { try writeDocument(piece.digest, store) }
        let slots = try store.consensusSlots(limit: last)
        for (slot, _) in slots.reversed() { try write(slot: slot, store) }
        // Last, so that whoever reads it finds what it names; not one that has come meanwhile.
        guard let latest = try slots.first.flatMap({ try store.consensus(slot: $0.slot) }) else { return }
        try writeDescriptors(UnverifiedConsensus(latest.bytes).claimed, store)
        for statement in try store.optOuts() { try writeDocument(statement.digest, store) }
        try write(.consensus, latest.bytes)
    }

    private mutating func write(slot: UInt64, _ store: AuthorityStore) throws {
        guard let consensus = try store.consensus(slot: slot) else { return }
        for vote in try UnverifiedConsensus(consensus.bytes).claimed.votes {
            try writeDocument(vote.digest, store)
            guard let stored = try store.document(vote.digest) else { continue }
            for report in try UnverifiedVote(stored.bytes).claimed.reports { try writeDocument(report, store) }
        }
        let votes = try store.documents(.vote, slot: slot)
        try write(
            .votes(slot), Array(votes.map { "vote \($0.authority ?? "?") \($0.digest.hex)\n" }.joined().utf8))
        try write(.signatures(slot), SignatureList.join(try store.signatures(slot: slot)))
        try write(.consensusAt(slot), consensus.bytes)
    }

    private mutating func writeDescriptors(_ consensus: Consensus, _ store: AuthorityStore) throws {
        var bundle: [UInt8] = []
        for node in consensus.nodes {
            guard let descriptor = try store.document(node.descriptor)?.bytes,
                bundle.count + descriptor.count <= DescriptorBundle.maximumSize
            else { continue }
            try write(.document(node.descriptor), descriptor)
            bundle += descriptor
        }
        try write(.descriptors, bundle)
    }

    private mutating func writeDocument(_ digest: Digest, _ store: AuthorityStore) throws {
        if let document = try store.document(digest) { try write(.document(digest), document.bytes) }
    }
}
