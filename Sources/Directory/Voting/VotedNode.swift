// What one authority says of one node, and how a vote spells it (doc/DIRECTORY.md, vote).

public import WireFormat

/// How well a node passed packets on, as the pingers that an authority trusts found it.
public struct NodeMeasurement: Hashable, Sendable {
    /// All of 1000 packets arrived.
    public static let fullReliability = 1000
    /// Longest latency that a vote can name; what takes longer did not arrive.
    public static let maximumLatency = Interval.days(10)
    /// Most packets that a measurement can rest on.
    public static let maximumSamples = 1_000_000_000

    /// Packets that it passed on, of 1000.
    public var reliability: Int
    /// What it adds to a packet's journey, in whole seconds; nil if nothing arrived that could tell.
    public var latency: Interval?
    /// Packets that the measurement rests on, at least 1.
    public var samples: Int

    public init(reliability: Int, latency: Interval?, samples: Int) {
        self.reliability = reliability
        self.latency = latency
        self.samples = samples
    }

    /// Words of the item `measured`, behind the node's id.
    var words: [String] {
        var words = ["reliability=\(reliability)"]
        if let latency { words.append("latency=\(latency.milliseconds / 1000)") }
        return words + ["samples=\(samples)"]
    }

    /// Reads what `words` writes; nil for anything else.
    init?(words: ArraySlice<String>) {
        var rest = words
        guard let reliability = Self.number("reliability=", &rest, in: 0...Self.fullReliability) else { return nil }
        let latest = Int(Self.maximumLatency.milliseconds / 1000)
        let latency = rest.count > 1 ? Self.number("latency=", &rest, in: 0...latest) : nil
        guard let samples = Self.number("samples=", &rest, in: 1...Self.maximumSamples), rest.isEmpty else {
            return nil
        }
        self.init(reliability: reliability, latency: latency.map { .seconds(Int64($0)) }, samples: samples)
    }

    private static func number(_ name: String, _ words: inout ArraySlice<String>, in range: ClosedRange<Int>) -> Int? {
        guard let word = words.first, word.hasPrefix(name) else { return nil }
        let text = word.dropFirst(name.utf8.count)
        guard let value = Int(text), String(value) == text, range.contains(value) else { return nil }
        words.removeFirst()
        return value
    }
}

/// One node as one authority sees it.
public struct VotedNode: Hashable, Sendable {
    public var id: NodeID
    /// As the descriptor says it.
    public var nickname: Nickname
    /// Digest of the newest descriptor that the authority has.
    public var descriptor: Digest
    /// When that descriptor was made, as it says itself; whole seconds.
    public var published: Timestamp
    /// When the authority first saw the node; whole seconds.
    public var since: Timestamp
    /// What it says of the node. `Unmeasured` is no matter of a vote: the tally finds it out, so it is left out.
    public var flags: Set<NodeFlag>
    public var measurement: NodeMeasurement?

    public init(
        id: NodeID, nickname: Nickname, descriptor: Digest, published: Timestamp, since: Timestamp,
        flags: Set<NodeFlag>, measurement: NodeMeasurement? = nil
    ) {
        self.id = id
        self.nickname = nickname
        self.descriptor = descriptor
        self.published = published
        self.since = since
        self.flags = flags
        self.measurement = measurement
    }

    /// The item `node`, and `measured` if there is a measurement.
    var items: [DocumentItem] {
        let said = flags.subtracting([.unmeasured]).sorted().map(\.rawValue)
        let words = [id.hex, nickname.text, descriptor.hex, published.description, since.description] + said
        let node = DocumentItem("node", words)
        guard let measurement else { return [node] }
        return [node, DocumentItem("measured", [id.hex] + measurement.words)]
    }

    /// Reads the items that `items` writes.
    init(_ reader: inout DocumentReader) throws(DocumentError) {
        let words = try reader.take("node").arguments
        guard words.count >= 5, let id = NodeID(hex: words[0]),
            let nickname = Nickname(words[1]), let descriptor = Digest(hex: words[2]),
            let published = Timestamp(words[3]), let since = Timestamp(words[4])
        else { throw reader.invalid() }
        guard let flags = NodeFlag.parse(words[5...]), !flags.contains(.unmeasured) else { throw reader.invalid() }
        self.init(
            id: id, nickname: nickname, descriptor: descriptor, published: published, since: since, flags: flags)
        guard reader.isNext("measured") else { return }
        let measured = try reader.take("measured").arguments
        guard measured.first == words[0], let found = NodeMeasurement(words: measured.dropFirst()) else {
            throw reader.invalid()
        }
        measurement = found
    }
}
