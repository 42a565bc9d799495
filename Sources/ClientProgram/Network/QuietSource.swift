internal import Directory
internal import DirectoryService
internal import WireFormat

/// A server that is not told which consensus there is already: that would say since when this client has been away.
struct QuietSource: DirectorySource {
    let source: any DirectorySource
    var name: String { source.name }

    func consensus(newerThan known: ConsensusLink?) async throws(FetchError) -> [UInt8]? {
        guard let bytes = try await source.consensus(newerThan: nil) else { return nil }
        if let known, let offered = try? UnverifiedConsensus(bytes), offered.link == known { return nil }
        return bytes
    }

    func descriptors(_ digests: [Digest], outOf total: Int) async throws(FetchError) -> [[UInt8]] {
        try await source.descriptors(digests, outOf: total)
    }

    func networkFile(_ version: UInt32?) async throws(FetchError) -> [UInt8] { try await source.networkFile(version) }

    func document(_ digest: Digest) async throws(FetchError) -> [UInt8] { try await source.document(digest) }
}
