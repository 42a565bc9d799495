// A directory on disk as a source: what `nightjar-authority export` writes, a mirror's files, or another program's cache.

internal import Daemon
public import Directory
internal import Foundation
public import WireFormat

/// Files under the names at which an authority serves them.
public struct FolderSource: DirectorySource {
    private let folder: String
    private let consensusFile: String
    private let descriptorsFile: String
    public let name: String

    /// A whole directory.
    public init(_ folder: String) {
        self.folder = folder
        consensusFile = "\(folder)/\(DirectoryRoute.consensus.name)"
        descriptorsFile = "\(folder)/\(DirectoryRoute.descriptors.name)"
        name = folder
    }

    /// A consensus in a file of its own.
    /// - Parameter descriptors: the bundle; the file `descriptors` beside the consensus without it.
    public init(consensus: String, descriptors: String? = nil) {
        folder = consensus.lastIndex(of: "/").map { String(consensus[..<$0]) } ?? "."
        consensusFile = consensus
        descriptorsFile = descriptors ?? "\(folder)/\(DirectoryRoute.descriptors.name)"
        name = consensus
    }

    public func consensus(newerThan known: ConsensusLink?) async throws(FetchError) -> [UInt8]? {
        let bytes = try read(consensusFile, limit: Consensus.maximumSize)
        if let known, let offered = try? UnverifiedConsensus(bytes), offered.link == known { return nil }
        return bytes
    }

    public func descriptors(_ digests: [Digest], outOf total: Int) async throws(FetchError) -> [[UInt8]] {
        do throws(FetchError) {
            return DescriptorBundle.split(try read(descriptorsFile, limit: DescriptorBundle.maximumSize)).map(
                Array.init)
        } catch {
            guard error == .notFound else { throw error }
            return digests.compactMap { try? read(path(.document($0)), limit: Descriptor.maximumSize) }
        }
    }

    public func networkFile(_ version: UInt32?) async throws(FetchError) -> [UInt8] {
        try read(path(version.map(DirectoryRoute.networkVersion) ?? .network), limit: NetworkFile.maximumSize)
    }

    public func document(_ digest: Digest) async throws(FetchError) -> [UInt8] {
        try read(path(.document(digest)), limit: DirectoryLimits.documentSize)
    }

    private func path(_ route: DirectoryRoute) -> String { "\(folder)/\(route.name)" }

    private func read(_ path: String, limit: Int) throws(FetchError) -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else { throw .notFound }
        do throws(CommandFailure) {
            return try AtomicFile.read(path, limit: limit)
        } catch {
            throw .unreachable(error.message)
        }
    }
}
