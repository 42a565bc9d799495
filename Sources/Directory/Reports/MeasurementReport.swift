// What a pinger found, signed by its own key: what the measurements in votes rest on (doc/DIRECTORY.md, report).

public import MixCrypto
public import WireFormat

/// How many probes there were in the time that a report is about.
public struct ReportedCounts: Hashable, Sendable {
    /// Taken by their entries; of these, those that came back, those that certainly did not, and those of which nobody can
    /// say. The rest is under way.
    public var sent, arrived, lost, void: Int

    public init(sent: Int = 0, arrived: Int = 0, lost: Int = 0, void: Int = 0) {
        self.sent = sent
        self.arrived = arrived
        self.lost = lost
        self.void = void
    }

    var words: [String] { ["sent=\(sent)", "arrived=\(arrived)", "lost=\(lost)", "void=\(void)"] }

    init?(words: [String]) {
        var rest = ReportWords(words)
        let all = ["sent", "arrived", "lost", "void"].flatMap { rest.take($0) ?? [] }
        guard all.count == 4, rest.isEmpty, all.allSatisfy({ (0...NodeMeasurement.maximumSamples).contains($0) }),
            all[1] + all[2] + all[3] <= all[0]
        else { return nil }
        self.init(sent: all[0], arrived: all[1], lost: all[2], void: all[3])
    }
}

/// What stands in a report.
public struct ReportContents: Equatable, Sendable {
    /// Most nodes, and most links, that a report can name.
    public static let maximumEntries = 2000
    /// Longest time that a report can be about.
    public static let maximumWindow = Interval.days(40)
    /// Longest deadline of a probe.
    public static let maximumDeadline = Interval.days(10)

    /// What the pinger calls itself. An authority knows it by its key.
    public var pinger: Nickname
    /// When the report was made; whole seconds in a document, like the others.
    public var published: Timestamp
    /// The time that it is about, `from` to `to`; not after `published`.
    public var from, to: Timestamp
    /// A probe that has not come after this time is lost; whole seconds.
    public var deadline: Interval
    /// Name and version of the software.
    public var software: String
    public var counts: ReportedCounts
    /// Ascending by id in a document.
    public var nodes: [ReportedNode]
    /// Links that carry nothing although their nodes work.
    public var brokenLinks: [NodeLink]

    public init(
        pinger: Nickname, published: Timestamp, from: Timestamp, to: Timestamp, deadline: Interval, software: String,
        counts: ReportedCounts, nodes: [ReportedNode], brokenLinks: [NodeLink] = []
    ) {
        self.pinger = pinger
        self.published = published
        self.from = from
        self.to = to
        self.deadline = deadline
        self.software = software
        self.counts = counts
        self.nodes = nodes
        self.brokenLinks = brokenLinks
    }

    /// As a document has it: rounded and in order.
    var canonical: Self {
        var contents = self
        contents.published = Timestamp(seconds: published.seconds)
        contents.from = Timestamp(seconds: from.seconds)
        contents.to = Timestamp(seconds: to.seconds)
        contents.deadline = .seconds(deadline.milliseconds / 1000)
        contents.nodes = nodes.map(\.rounded).sorted { $0.id < $1.id }
        contents.brokenLinks = brokenLinks.sorted()
        return contents
    }

    fileprivate func items(network: String, key: HybridVerificationKey) -> [DocumentItem] {
        var items = [
            DocumentItem(DocumentKind.report.rawValue, ["1"]),
            DocumentItem("network", [network]),
            DocumentItem("pinger", [pinger.text]),
            DocumentItem("key", [], object: DocumentObject(MeasurementReport.keyLabel, key.bytes)),
            DocumentItem("published", [published.description]),
            DocumentItem("window", [from.description, to.description]),
            DocumentItem("software", software.split(separator: " ").map(String.init)),
            DocumentItem("deadline", [String(deadline.milliseconds / 1000)]),
            DocumentItem("probes", counts.words),
        ]
        items += nodes.map(\.item)
        items += brokenLinks.map { DocumentItem("broken-link", [$0.from.hex, $0.to.hex]) }
        return items
    }
}

/// A report that its pinger signed. Whether to believe that pinger is for each authority to say.
public struct MeasurementReport: Equatable, Sendable {
    /// Most bytes of a report: 2000 nodes and links of the longest lines are nine tenths of it.
    public static let maximumSize = 1 << 20
    /// Most bytes of the name and version of the software.
    public static let maximumSoftware = 128
    /// Label of the pinger's key (1984 bytes: Ed25519, ML-DSA-65).
    static let keyLabel = "NIGHTJAR PINGER KEY"

    public let contents: ReportContents
    /// Name of the network.
    public let network: String
    /// The key that signed it.
    public let key: HybridVerificationKey
    /// The canonical bytes.
    public let bytes: [UInt8]
    /// SHA-256 of what is signed: a report that is signed again is the same report.
    public let digest: Digest

    /// SHA-256 of the key: what authorities name pingers by.
    public var keyDigest: Digest { key.digest }
    public var pinger: Nickname { contents.pinger }
    public var published: Timestamp { contents.published }
    public var nodes: [ReportedNode] { contents.nodes }
    public var brokenLinks: [NodeLink] { contents.brokenLinks }

    /// Rounds, orders and signs.
    /// - Throws: `DocumentError` if a value is not of the form that a report allows, `CryptoError`.
    public static func make(
        _ contents: ReportContents, network: NetworkFile, key: HybridSigningKey
    ) throws -> MeasurementReport {
        let body = Document.write(contents.canonical.items(network: network.name, key: key.verificationKey))
        let signature = try key.sign(DocumentSignature.message(.report, network: network.name, body: body))
        let proof = DocumentItem("signature", [], object: DocumentObject(DocumentSignature.hybridLabel, signature))
        return try UnverifiedReport(body + Document.write([proof])).verify(in: network)
    }

    init(contents: ReportContents, network: String, key: HybridVerificationKey, bytes: [UInt8], digest: Digest) {
        self.contents = contents
        self.network = network
        self.key = key
        self.bytes = bytes
        self.digest = digest
    }
}
