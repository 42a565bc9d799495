// Everything that is served, as files for a web server: under the same names, each replaced in one step.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Logging
internal import Spool
internal import WireFormat

/// Keeps a directory of files up to date.
struct StaticMirror: Sendable {
    let directory: String
    let backend: AuthorityBackend
    let parts: AuthorityParts

    /// Writes once now and whenever something new is published, until it is cancelled.
    func run(_ publication: Publication) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        publication.observe { continuation.yield() }
        continuation.yield()
        for await _ in stream {
            do {
                try await write()
                parts.counters.health.set("publish-directory", trouble: nil)
            } catch {
                parts.counters.count("mirror_failures")
                if parts.counters.health.current["publish-directory"] == nil {
                    parts.logger.error("cannot write the publish-directory: \(error)")
                }
                parts.counters.health.set("publish-directory", trouble: "\(error)")
            }
        }
    }

    /// What is removed when the store has forgotten it; nothing else in the directory is ever touched.
    private static let folders = ["documents", "consensuses", "votes", "signatures"]

    /// Writes all routes that there are for the newest consensus. Documents by digest never change, so those that are there
    /// are left alone; those that the store has forgotten go.
    func write() async throws {
        for route in [DirectoryRoute.network, .networkVersion(parts.network.version), .evidence, .slots, .reports]
            + parts.editions.formerVersions.map(DirectoryRoute.networkVersion)
        {
            try await write(route)
        }
        for page in HealthPage.mirrored { try await write(.page(page)) }
        for piece in try parts.store.evidence() { try await write(.document(piece.digest)) }
        guard let certified = backend.publication.certified else { return }
        let slot = certified.slot.number
        for node in certified.consensus.nodes { try await write(.document(node.descriptor)) }
        for statement in try parts.store.optOuts() { try await write(.document(statement.digest)) }
        for vote in certified.consensus.votes {
            try await write(.document(vote.digest))
            for report in try reports(of: vote.digest) { try await write(.document(report)) }
        }
        for route in [DirectoryRoute.votes(slot), .signatures(slot), .consensusAt(slot), .descriptors] {
            try await write(route)
        }
        // Last, so that whoever reads it finds what it names; and this one, though a newer one may be there by now.
        try write(certified.bytes, to: DirectoryRoute.consensus.name)
        try await parts.work.run { Result { try prune() } }.get()
    }

    /// What a vote rests on.
    private func reports(of vote: Digest) throws(AuthorityStoreError) -> [Digest] {
        guard let stored = try parts.store.document(vote) else { return [] }
        return parts.parsed("vote", stored.bytes) { try UnverifiedVote($0) }?.claimed.reports ?? []
    }

    /// Removes the files of documents and slots that the store has forgotten.
    func prune() throws {
        let slots = Set(try parts.store.consensusSlots(limit: .max).map(\.slot))
        for folder in Self.folders {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(folder)")) ?? []
            let routes = names.compactMap { DirectoryRoute(path: "/\(folder)/\($0)") }
            let digests = routes.compactMap { route -> Digest? in
                if case .document(let digest) = route { digest } else { nil }
            }
            let present = digests.isEmpty ? [] : try parts.store.present(among: digests)
            for route in routes {
                let isKept =
                    switch route {
                    case .document(let digest): present.contains(digest)
                    case .consensusAt(let slot), .votes(let slot), .signatures(let slot): slots.contains(slot)
                    default: true
                    }
                guard !isKept else { continue }
                try FileManager.default.removeItem(atPath: "\(directory)/\(route.name)")
            }
        }
    }

    private func write(_ route: DirectoryRoute) async throws {
        if case .document = route, FileManager.default.fileExists(atPath: "\(directory)/\(route.name)") { return }
        guard let served = try await backend.served(route) else { return }
        try write(served.bytes, to: route.name)
    }

    private func write(_ bytes: [UInt8], to name: String) throws {
        let path = "\(directory)/\(name)"
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try AtomicFile.write(bytes, to: path, mode: 0o644)
    }
}
