// A directory on disk as a source: what `nightjar-authority export` writes, a mirror's files, or another program's cache.

internal import Daemon
public import Directory
internal import Foundation
public import WireFormat

/// Files under the names at which an authority serves them.
public struct FolderSource: DirectorySource {
    private let folder: String

    public init(_ folder: String) { self.folder = folder }

    public var name: String { folder }

    public func consensus(newerThan known: ConsensusLink?) async throws(FetchError) -> [UInt8]? {
        let bytes = try read(.consensus, limit: Consensus.maximumSize)
        if let known, let offered = try? UnverifiedConsensus(bytes), offered.link == known { return nil }
        return bytes
    }

    public func descriptors(_ digests: [Digest], outOf total: Int) async throws(FetchError) -> [[UInt8]] {
        do throws(FetchError) {
            return DescriptorBundle.split(try read(.descriptors, limit: DescriptorBundle.maximumSize)).map(Array.init)
        } catch {
            guard error == .notFound else { throw error }
            return digests.compactMap { try? read(.document($0), limit: Descriptor.maximumSize) }
        }
    }

    public func networkFile(_ version: UInt32?) async throws(FetchError) -> [UInt8] {
        try read(version.map(DirectoryRoute.networkVersion) ?? .network, limit: NetworkFile.maximumSize)
    }

    public func document(_ digest: Digest) async throws(FetchError) -> [UInt8] {
        try read(.document(digest), limit: DirectoryLimits.documentSize)
    }

    private func read(_ route: DirectoryRoute, limit: Int) throws(FetchError) -> [UInt8] {
        let path = "\(folder)/\(route.name)"
        guard FileManager.default.fileExists(atPath: path) else { throw .notFound }
        do throws(CommandFailure) {
            return try AtomicFile.read(path, limit: limit)
        } catch {
            throw .unreachable(error.message)
        }
    }
}
