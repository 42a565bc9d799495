// The opt-outs that one node holds, signed by its identity key and named by its descriptor (doc/OPTOUT.md).

public import MixCrypto
public import WireFormat

/// A statement as it came: parsed, but signed by nobody in particular yet.
public struct UnverifiedOptOutStatement: Sendable {
    /// Name of the network.
    public let networkName: String
    /// Key of the node that is said to have signed it.
    public let identity: VerificationKey
    /// When it was made.
    public let published: Timestamp
    /// What it says, ascending, each once; not to be believed yet.
    public let hashes: [OptOutHash]
    let signature: [UInt8]
    let bytes: [UInt8]
    let signedCount: Int

    /// The node that is said to have signed it.
    public var node: NodeID { identity.nodeID }
    /// SHA-256 of what is signed.
    public var digest: Digest { .sha256(Array(bytes[..<signedCount])) }

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= OptOutStatement.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.optOuts.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        networkName = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(networkName) else { throw reader.invalid() }
        let key = try reader.take("identity", arguments: 0, object: DocumentSignature.keyLabel)
        guard let identity = try? VerificationKey(key.object?.bytes ?? []) else { throw reader.invalid() }
        self.identity = identity
        guard let published = Timestamp(try reader.take("published", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        self.published = published
        hashes = try Self.hashes(&reader)
        signedCount = reader.offset ?? bytes.count
        signature = try reader.take("signature", arguments: 0, object: DocumentSignature.label).object?.bytes ?? []
        try reader.end()
        self.bytes = bytes
    }

    private static func hashes(_ reader: inout DocumentReader) throws(DocumentError) -> [OptOutHash] {
        // A statement without entries has no object: there is none of no bytes.
        guard reader.isNext("entries") else {
            guard try reader.take("no-entries", arguments: 0).object == nil else { throw reader.invalid() }
            return []
        }
        let item = try reader.take("entries", arguments: 1, object: OptOutStatement.label)
        let bytes = item.object?.bytes ?? []
        let count = bytes.count / OptOutHash.byteCount
        guard (1...OptOutStatement.maximumEntries).contains(count), bytes.count == count * OptOutHash.byteCount,
            item.arguments == [String(count)]
        else { throw reader.invalid() }
        var hashes: [OptOutHash] = []
        hashes.reserveCapacity(count)
        for start in stride(from: 0, to: bytes.count, by: OptOutHash.byteCount) {
            guard let hash = OptOutHash(bytes[start..<(start + OptOutHash.byteCount)]),
                hashes.last.map({ $0 < hash }) ?? true
            else { throw reader.invalid() }
            hashes.append(hash)
        }
        return hashes
    }

    /// The one door to an `OptOutStatement`: signed by the key that it names, for this kind of document and network.
    public func verify(network: String) throws(DocumentError) -> OptOutStatement {
        let message = DocumentSignature.message(.optOuts, network: network, body: bytes[..<signedCount])
        guard networkName == network, identity.isValid(signature, over: message) else {
            throw DocumentError(line: 0, reason: .signature)
        }
        return OptOutStatement(verified: self)
    }
}

/// A statement that the node whose id it has did sign. Whether the network knows that node is for others to say.
public struct OptOutStatement: Sendable {
    /// Most entries of a statement.
    public static let maximumEntries = 16_384
    /// Most bytes of a statement: all entries in base64, and the rest.
    public static let maximumSize = 348 << 10
    /// A node makes a new statement this long after the last, changed or not: its date tells that it still stands for it.
    public static let renewal = Interval.days(30)
    /// So long after its date a statement of a node that no consensus lists any more stays in force: a node that is gone does
    /// not take the wishes of people with it at once.
    public static let outlives = Interval.days(120)
    static let label = "NIGHTJAR OPT OUTS"

    public let network: String
    public let identity: VerificationKey
    public let node: NodeID
    public let published: Timestamp
    /// Ascending, each once.
    public let hashes: [OptOutHash]
    /// The canonical bytes.
    public let bytes: [UInt8]
    /// SHA-256 of what is signed: the name by which a descriptor means this statement.
    public let digest: Digest

    fileprivate init(verified: UnverifiedOptOutStatement) {
        network = verified.networkName
        identity = verified.identity
        node = verified.node
        published = verified.published
        hashes = verified.hashes
        bytes = verified.bytes
        digest = verified.digest
    }

    /// Orders and signs.
    /// - Parameter hashes: in any order, repeated or not.
    /// - Throws: `DocumentError` for more than `maximumEntries`, `CryptoError`.
    public static func make(
        _ hashes: some Sequence<OptOutHash>, network: String, published: Timestamp, identity: SigningKey
    ) throws -> OptOutStatement {
        let sorted = Set(hashes).sorted()
        let entries =
            sorted.isEmpty
            ? DocumentItem("no-entries")
            : DocumentItem("entries", [String(sorted.count)], object: DocumentObject(label, sorted.flatMap(\.bytes)))
        let items = [
            DocumentItem(DocumentKind.optOuts.rawValue, ["1"]),
            DocumentItem("network", [network]),
            DocumentItem(
                "identity", [], object: DocumentObject(DocumentSignature.keyLabel, identity.verificationKey.bytes)),
            DocumentItem("published", [Timestamp(seconds: published.seconds).description]),
            entries,
        ]
        let bytes = try DocumentSignature.sign(items, kind: .optOuts, network: network, key: identity)
        return try UnverifiedOptOutStatement(bytes).verify(network: network)
    }
}
