// Where an audit reads: an authority or a mirror over HTTP, a directory of files as a mirror has them, or the database of an
// authority on this machine. All answer by the names under which an authority serves its documents.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Spool

/// Somebody who has published documents. Nothing that it gives is checked.
protocol AuditSource: Sendable {
    /// For messages.
    var name: String { get }
    /// What is served at `route`.
    func bytes(_ route: DirectoryRoute, limit: Int) async throws(FetchError) -> [UInt8]
}

extension HTTPSource: AuditSource {}

/// Files under the names at which an authority serves them.
struct AuditFolder: AuditSource {
    let name: String

    func bytes(_ route: DirectoryRoute, limit: Int) async throws(FetchError) -> [UInt8] {
        let path = "\(name)/\(route.name)"
        guard FileManager.default.fileExists(atPath: path) else { throw .notFound }
        do throws(CommandFailure) { return try AtomicFile.read(path, limit: limit) } catch {
            throw .unreachable(error.message)
        }
    }
}

/// The database of an authority, running or not.
struct AuditStore: AuditSource {
    let store: AuthorityStore
    var name: String { store.path }

    func bytes(_ route: DirectoryRoute, limit: Int) async throws(FetchError) -> [UInt8] {
        let found: [UInt8]?
        do throws(AuthorityStoreError) {
            switch route {
            case .consensus: found = try store.latestConsensus()?.bytes
            case .consensusAt(let slot): found = try store.consensus(slot: slot)?.bytes
            case .document(let digest): found = try store.document(digest)?.bytes
            case .networkVersion(let version): found = try store.network(version: version)?.bytes
            default: found = nil
            }
        } catch { throw .unreachable(error.description) }
        guard let found else { throw .notFound }
        return found
    }
}
