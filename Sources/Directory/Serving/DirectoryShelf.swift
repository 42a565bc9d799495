// What a node has of the directory, ready to be given out block by block. A value: the node replaces it when something new
// comes and answers from a copy.

public import WireFormat

/// The last few consensuses with their documents, and the network files.
public struct DirectoryShelf: Sendable {
    /// Consensuses that are kept, so that who is in the middle of one can finish it.
    public static let editions = 3
    /// Versions of the network file that are kept; whoever is further behind asks an authority.
    public static let networkFiles = 32

    private struct Edition {
        var link: ConsensusLink
        var bytes: [UInt8]
        var documents: Set<Digest>
    }
    /// Newest first.
    private var held: [Edition] = []
    private var documents: [Digest: [UInt8]] = [:]
    private var files: [UInt32: [UInt8]] = [:]

    public init() {}

    /// The newest consensus here.
    public var newest: ConsensusLink? { held.first?.link }

    /// The consensus of a slot here.
    public func link(at slot: Slot) -> ConsensusLink? { held.first { $0.link.slot == slot }?.link }

    /// Puts a verified consensus on the shelf with the documents that it names. One that is there keeps its bytes, so that
    /// blocks that were given out fit to those to come; its documents are added to.
    public mutating func put(_ link: ConsensusLink, bytes: [UInt8], documents named: [(digest: Digest, bytes: [UInt8])])
    {
        if let place = held.firstIndex(where: { $0.link == link }) {
            held[place].documents.formUnion(named.map(\.digest))
        } else {
            held.append(Edition(link: link, bytes: bytes, documents: Set(named.map(\.digest))))
            held.sort { $0.link.slot > $1.link.slot }
            held.removeLast(max(0, held.count - Self.editions))
        }
        for document in named { documents[document.digest] = document.bytes }
        let needed = held.reduce(into: Set<Digest>()) { $0.formUnion($1.documents) }
        documents = documents.filter { needed.contains($0.key) }
    }

    /// Puts a verified network file on the shelf.
    public mutating func put(networkFile version: UInt32, bytes: [UInt8]) {
        files[version] = bytes
        if files.count > Self.networkFiles, let oldest = files.keys.min() { files[oldest] = nil }
    }

    /// The answer to a question. Costs a copy of 32 KiB and a look-up for each digest.
    public func answer(_ request: DirectoryRequest) -> DirectoryBlock {
        let pieces: [[UInt8]]
        switch request.subject {
        case .latest: pieces = held.first.map { [$0.bytes] } ?? []
        case .consensus(let link): pieces = held.first { $0.link == link }.map { [$0.bytes] } ?? []
        case .documents(let digests): pieces = digests.compactMap(document)
        case .networkFile(let version): pieces = (version ?? files.keys.max()).flatMap { files[$0] }.map { [$0] } ?? []
        }
        let total = pieces.reduce(0) { $0 + $1.count }
        guard let range = DirectoryBlock.range(of: request.block, total: total),
            let block = DirectoryBlock(
                Self.cut(pieces, range), block: request.block, total: total, newest: newest)
        else { return .without(.unknown, newest: newest) }
        return block
    }

    /// A document, or a consensus by its digest.
    private func document(_ digest: Digest) -> [UInt8]? {
        documents[digest] ?? held.first { $0.link.digest == digest }?.bytes
    }

    /// The bytes in `range` of all pieces together.
    private static func cut(_ pieces: [[UInt8]], _ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var start = 0
        for piece in pieces {
            let end = start + piece.count
            if end > range.lowerBound, start < range.upperBound {
                bytes += piece[max(0, range.lowerBound - start)..<min(piece.count, range.upperBound - start)]
            }
            start = end
        }
        return bytes
    }
}
