// Where documents of the directory come from: an authority or a mirror over HTTP, or a node over its link. Nothing that
// a source gives is checked yet; whoever asks verifies it.

public import Directory
public import WireFormat

/// Somebody who may have documents of the directory.
public protocol DirectorySource: Sendable {
    /// The source's address, as shown to people.
    var name: String { get }

    /// The latest consensus, not verified; nil if it is the one that the asker names. It may be older than that.
    func consensus(newerThan known: ConsensusLink?) async throws(FetchError) -> [UInt8]?

    /// Those of the descriptors that the source has, not verified, in any order, possibly with others among them.
    /// `total` is the number of nodes in the consensus: when many are missing, all of them may be fetched in one piece.
    func descriptors(_ digests: [Digest], outOf total: Int) async throws(FetchError) -> [[UInt8]]

    /// The network file of that version, or without one the latest, not verified.
    func networkFile(_ version: UInt32?) async throws(FetchError) -> [UInt8]

    /// A document by the digest of its signed part, not verified.
    func document(_ digest: Digest) async throws(FetchError) -> [UInt8]
}
