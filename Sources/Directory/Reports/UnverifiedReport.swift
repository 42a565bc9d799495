internal import MixCrypto
public import WireFormat

/// Why a measurement report is not what it claims to be.
public enum ReportError: Error, Equatable, Sendable, CustomStringConvertible {
    case otherNetwork(String)
    case badSignature(String)

    public var description: String {
        switch self {
        case .otherNetwork(let name): "the report belongs to another network, \(name)"
        case .badSignature(let name):
            "the report of pinger \(name) is not signed by the key in it: it was damaged or forged"
        }
    }
}

/// A measurement report as it came.
public struct UnverifiedReport: Sendable {
    public let networkName: String
    /// What the pinger calls itself.
    public var pinger: Nickname { claimed.pinger }
    public var published: Timestamp { claimed.published }
    /// SHA-256 of the key that it says has signed it: what authorities name pingers by.
    public let keyDigest: Digest
    /// What it says, to be believed by nobody yet.
    public let claimed: ReportContents
    public let bytes: [UInt8]
    /// SHA-256 of what is signed.
    public let digest: Digest
    private let key: HybridVerificationKey
    private let signature: [UInt8]
    private let signedCount: Int

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= MeasurementReport.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.report.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        networkName = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(networkName) else { throw reader.invalid() }
        guard let pinger = Nickname(try reader.take("pinger", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        let item = try reader.take("key", arguments: 0, object: MeasurementReport.keyLabel)
        guard let key = try? HybridVerificationKey(item.object?.bytes ?? []) else { throw reader.invalid() }
        guard let published = Timestamp(try reader.take("published", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        let window = try reader.take("window", arguments: 2).arguments
        guard let from = Timestamp(window[0]), let to = Timestamp(window[1]), from <= to, to <= published,
            to - from <= ReportContents.maximumWindow
        else { throw reader.invalid() }
        let software = try reader.take("software").arguments.joined(separator: " ")
        guard (1...MeasurementReport.maximumSoftware).contains(software.utf8.count) else { throw reader.invalid() }
        let deadline = try reader.take("deadline", arguments: 1).arguments[0]
        guard let seconds = Int64(deadline), String(seconds) == deadline,
            (1...ReportContents.maximumDeadline.milliseconds / 1000).contains(seconds)
        else { throw reader.invalid() }
        guard let counts = ReportedCounts(words: try reader.take("probes", arguments: 4).arguments) else {
            throw reader.invalid()
        }
        var nodes: [ReportedNode] = []
        while reader.isNext("node") {
            let words = try reader.take("node").arguments
            guard nodes.count < ReportContents.maximumEntries, let node = ReportedNode(words: words),
                nodes.last.map({ $0.id < node.id }) ?? true
            else { throw reader.invalid() }
            nodes.append(node)
        }
        let links = try Consensus.brokenLinks(&reader)
        guard links.count <= ReportContents.maximumEntries else { throw reader.invalid() }
        signedCount = reader.offset ?? bytes.count
        signature =
            try reader.take("signature", arguments: 0, object: DocumentSignature.hybridLabel).object?.bytes ?? []
        try reader.end()
        self.bytes = bytes
        self.key = key
        keyDigest = key.digest
        digest = .sha256(Array(bytes[..<signedCount]))
        claimed = ReportContents(
            pinger: pinger, published: published, from: from, to: to, deadline: .seconds(seconds), software: software,
            counts: counts, nodes: nodes, brokenLinks: links)
    }

    /// The one door to a `MeasurementReport`: the key that it carries signed it, as a report in `network`.
    public func verify(in network: NetworkFile) throws(ReportError) -> MeasurementReport {
        guard networkName == network.name else { throw .otherNetwork(networkName) }
        let message = DocumentSignature.message(.report, network: networkName, body: bytes[..<signedCount])
        guard key.isValid(signature, over: message) else { throw .badSignature(pinger.text) }
        return MeasurementReport(contents: claimed, network: networkName, key: key, bytes: bytes, digest: digest)
    }
}
