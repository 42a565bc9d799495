// The question in a DIRECTORY frame: one block of the newest consensus, of a certain one, of documents by their digests, or
// of a network file. It fills the frame's body. What is not used is zero and must be: the frame travels inside TLS in records
// of one size, so random padding would hide nothing, and with zeros there is one byte string for each question and room
// for later versions.

public import WireFormat

/// What a DIRECTORY frame asks for. The asker stays anonymous, and nobody needs to tell what he has: the newest consensus'
/// link comes with every answer.
public struct DirectoryRequest: Hashable, Sendable {
    /// What a block is wanted of.
    public enum Subject: Hashable, Sendable {
        /// The newest consensus that the node has.
        case latest
        /// A certain consensus, so that its blocks fit together while a newer one comes.
        case consensus(ConsensusLink)
        /// Documents, one behind the other in this order, those left out that the node does not have. 1 to `maximumDigests`,
        /// ascending.
        case documents([Digest])
        /// A version of the network file; nil for the newest.
        case networkFile(UInt32?)
    }

    /// Bytes of a question.
    public static let size = 32_768
    /// Most documents in a question.
    public static let maximumDigests = 1000
    static let version: UInt8 = 1

    public var subject: Subject
    /// Number of the block, from 0.
    public var block: UInt32
    /// The newest consensus that the asker has: nodes tell it to each other. Clients do not, it would tell them apart.
    public var newest: ConsensusLink?

    /// - Parameter subject: digests are sorted, and cut at `maximumDigests`.
    public init(_ subject: Subject, block: UInt32 = 0, newest: ConsensusLink? = nil) {
        if case .documents(let digests) = subject {
            self.subject = .documents(Array(Set(digests).sorted().prefix(Self.maximumDigests)))
        } else {
            self.subject = subject
        }
        self.block = block
        self.newest = newest
    }

    private enum Kind: UInt8 {
        case latest = 1
        case consensus, documents, networkFile
    }

    /// The frame's body, `size` bytes.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: Self.size)
        writer.integer(Self.version)
        writer.integer(kind.rawValue)
        writer.integer(newest == nil ? 0 : 1 as UInt8)
        writer.integer(0 as UInt8)
        writer.integer(block)
        writer.link(newest)
        switch subject {
        case .latest: break
        case .consensus(let link): writer.link(link)
        case .documents(let digests):
            writer.integer(UInt16(digests.count))
            for digest in digests { writer.fixed(digest) }
        case .networkFile(let version): writer.integer(version ?? 0)
        }
        writer.zeros(Self.size - writer.bytes.count)
        return writer.bytes
    }

    private var kind: Kind {
        switch subject {
        case .latest: .latest
        case .consensus: .consensus
        case .documents: .documents
        case .networkFile: .networkFile
        }
    }

    /// Reads a frame's body. Throws on any other byte string than one that `encoded` gives.
    public init(decoding body: [UInt8]) throws(WireError) {
        guard body.count <= Self.size else { throw .trailingBytes }
        var reader = WireReader(body)
        guard try reader.integer(UInt8.self) == Self.version else { throw .unknownValue }
        guard let kind = Kind(rawValue: try reader.integer()) else { throw .unknownValue }
        let hasLink = try reader.flag()
        try reader.zeros(1)
        block = try reader.integer()
        newest = try reader.link(isPresent: hasLink)
        switch kind {
        case .latest: subject = .latest
        case .consensus: subject = .consensus(try reader.link())
        case .documents: subject = .documents(try Self.digests(&reader))
        case .networkFile:
            let version: UInt32 = try reader.integer()
            subject = .networkFile(version == 0 ? nil : version)
        }
        guard body.count == Self.size else { throw .truncated }
        try reader.zeros(reader.remaining)
    }

    private static func digests(_ reader: inout WireReader) throws(WireError) -> [Digest] {
        let count = Int(try reader.integer(UInt16.self))
        guard (1...maximumDigests).contains(count) else { throw .unknownValue }
        var digests: [Digest] = []
        digests.reserveCapacity(count)
        for _ in 0..<count {
            let digest: Digest = try reader.fixed()
            if let last = digests.last, last >= digest { throw .unknownValue }
            digests.append(digest)
        }
        return digests
    }
}

extension WireWriter {
    /// 40 bytes, zeros for none.
    mutating func link(_ link: ConsensusLink?) {
        guard let link else { return zeros(ConsensusLink.wireSize) }
        integer(link.slot.number)
        fixed(link.digest)
    }
}

extension WireReader {
    mutating func link() throws(WireError) -> ConsensusLink {
        let number: UInt64 = try integer()
        return ConsensusLink(slot: Slot(number), digest: try fixed())
    }

    mutating func link(isPresent: Bool) throws(WireError) -> ConsensusLink? {
        if isPresent { return try link() }
        try zeros(ConsensusLink.wireSize)
        return nil
    }

    /// A byte that is 0 or 1.
    mutating func flag() throws(WireError) -> Bool {
        switch try integer(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .unknownValue
        }
    }
}

extension ConsensusLink {
    /// Slot and digest, in bytes.
    static let wireSize = 8 + Digest.byteCount
}
