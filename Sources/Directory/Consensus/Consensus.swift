// What the authorities agree on in a slot: which nodes there are, what is known of them, and the parameters. A consensus is a
// pure function of votes (Voting/Tally.swift); signatures stand beside it (CertifiedConsensus.swift).

internal import MixCrypto
public import WireFormat

/// A slot and the digest of what was certified in it.
public struct ConsensusLink: Hashable, Sendable {
    public let slot: Slot
    public let digest: Digest

    public init(slot: Slot, digest: Digest) {
        self.slot = slot
        self.digest = digest
    }
}

/// A node as the consensus lists it.
public struct ConsensusNode: Hashable, Sendable {
    /// Weights are from 1 to this.
    public static let fullWeight = 100

    public var id: NodeID
    public var nickname: Nickname
    /// Digest of its descriptor.
    public var descriptor: Digest
    public var flags: Set<NodeFlag>
    /// How often it is to be chosen, against others: 1 to 100.
    public var weight: Int
    /// Share of packets that it passes on, in thousandths; nil if it is not measured.
    public var reliability: Int?
    /// What it adds to a packet's way besides the delay that the sender asked for; nil if it is not measured.
    public var latency: Interval?

    public init(
        id: NodeID, nickname: Nickname, descriptor: Digest, flags: Set<NodeFlag>, weight: Int, reliability: Int? = nil,
        latency: Interval? = nil
    ) {
        self.id = id
        self.nickname = nickname
        self.descriptor = descriptor
        self.flags = flags
        self.weight = weight
        self.reliability = reliability
        self.latency = latency
    }
}

/// The vote of an authority that a consensus was computed from.
public struct CountedVote: Hashable, Sendable {
    public let name: Nickname
    public let digest: Digest

    public init(name: Nickname, digest: Digest) {
        self.name = name
        self.digest = digest
    }
}

/// The contents of a consensus and their canonical bytes, signed by nobody.
public struct Consensus: Hashable, Sendable {
    /// Most nodes of a network.
    public static let maximumNodes = 2000
    /// Most links that can be marked as broken.
    public static let maximumBrokenLinks = 20_000
    /// Most bytes, signatures included.
    public static let maximumSize = 4 << 20

    public let networkName: String
    /// The edition of the network file, and its digest.
    public let networkVersion: UInt32
    public let networkDigest: Digest
    public let slot: Slot
    /// The certified consensus before this one, as far as the voters knew.
    public let previous: ConsensusLink?
    /// The beginning of the slot.
    public let published: Timestamp
    public let freshUntil: Timestamp
    public let validUntil: Timestamp
    /// Ascending by name.
    public let votes: [CountedVote]
    public internal(set) var parameters: NetworkParameters
    /// Ascending by id.
    public let nodes: [ConsensusNode]
    /// Ascending.
    public let brokenLinks: [NodeLink]
    /// The canonical bytes, without signatures.
    public let bytes: [UInt8]
    /// SHA-256 of `bytes`.
    public let digest: Digest

    public var link: ConsensusLink { ConsensusLink(slot: slot, digest: digest) }

    /// Writes a consensus. Order does not matter: what must be sorted is sorted here.
    public init(
        network: NetworkFile, slot: Slot, previous: ConsensusLink?, votes: [CountedVote],
        parameters: NetworkParameters, nodes: [ConsensusNode], brokenLinks: [NodeLink] = []
    ) {
        var parameters = parameters
        parameters.periodLength = network.parameters.periodLength
        parameters.acceptance = network.parameters.acceptance
        networkName = network.name
        networkVersion = network.version
        networkDigest = network.digest
        self.slot = slot
        self.previous = previous
        published = network.slots.start(of: slot)
        freshUntil = published + network.parameters.freshFor
        validUntil = published + network.parameters.validFor
        self.votes = votes.sorted { $0.name.text < $1.name.text }
        self.parameters = parameters
        self.nodes = nodes.sorted { $0.id < $1.id }
        self.brokenLinks = brokenLinks.sorted()

        var items: [DocumentItem] = [
            DocumentItem(DocumentKind.consensus.rawValue, ["1"]),
            DocumentItem("network", [networkName]),
            DocumentItem("network-version", [String(networkVersion), networkDigest.hex]),
            DocumentItem("slot", [slot.description]),
        ]
        if let previous {
            items.append(DocumentItem("previous", [previous.slot.description, previous.digest.hex]))
        }
        items.append(DocumentItem("published", [published.description]))
        items.append(DocumentItem("fresh-until", [freshUntil.description]))
        items.append(DocumentItem("valid-until", [validUntil.description]))
        items += self.votes.map { DocumentItem("vote", [$0.name.text, $0.digest.hex]) }
        items += parameters.voted.map { DocumentItem("parameter", [$0.name, String($0.value)]) }
        items += self.nodes.map { DocumentItem("node", $0.words) }
        items += self.brokenLinks.map { DocumentItem("broken-link", [$0.from.hex, $0.to.hex]) }
        bytes = Document.write(items)
        digest = .sha256(bytes)
    }
}

extension ConsensusNode {
    /// The words of a `node` item.
    fileprivate var words: [String] {
        var words = [id.hex, nickname.text, descriptor.hex, "weight=\(weight)"]
        if let reliability { words.append("reliability=\(reliability)") }
        if let latency { words.append("latency=\(latency.milliseconds / 1000)") }
        return words + flags.sorted().map(\.rawValue)
    }

    fileprivate init?(words: [String]) {
        guard words.count >= 4, let id = NodeID(hex: words[0]), let nickname = Nickname(words[1]),
            let descriptor = Digest(hex: words[2]),
            let weight = Self.number("weight", words[3], in: 1...Self.fullWeight)
        else { return nil }
        var rest = words[4...]
        let reliability = rest.first.flatMap { Self.number("reliability", $0, in: 0...1000) }
        if reliability != nil { rest.removeFirst() }
        let latency = rest.first.flatMap { Self.number("latency", $0, in: 0...1_000_000) }
        if latency != nil { rest.removeFirst() }
        guard let flags = NodeFlag.parse(rest) else { return nil }
        self.init(
            id: id, nickname: nickname, descriptor: descriptor, flags: flags, weight: weight, reliability: reliability,
            latency: latency.map { .seconds(Int64($0)) })
    }

    /// The value of `name=value`, in its one spelling.
    private static func number(_ name: String, _ word: String, in range: ClosedRange<Int>) -> Int? {
        guard word.hasPrefix(name + "=") else { return nil }
        let text = word.dropFirst(name.utf8.count + 1)
        guard let value = Int(text), String(value) == text, range.contains(value) else { return nil }
        return value
    }
}

extension Consensus {
    /// Takes the items of a consensus; what follows them is left in `reader`. Whether dates and votes fit the network file is
    /// looked at when it is verified.
    init(_ reader: inout DocumentReader, _ bytes: [UInt8]) throws(DocumentError) {
        guard try reader.take(DocumentKind.consensus.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        networkName = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(networkName) else { throw reader.invalid() }
        let version = try reader.take("network-version", arguments: 2).arguments
        guard let number = UInt32(version[0]), String(number) == version[0], let digest = Digest(hex: version[1])
        else { throw reader.invalid() }
        networkVersion = number
        networkDigest = digest
        guard let slot = Slot(try reader.take("slot", arguments: 1).arguments[0]) else { throw reader.invalid() }
        self.slot = slot
        previous = try Self.previous(&reader, before: slot)
        published = try Self.time("published", &reader)
        freshUntil = try Self.time("fresh-until", &reader)
        validUntil = try Self.time("valid-until", &reader)
        votes = try Self.votes(&reader)
        parameters = try Self.parameters(&reader)
        nodes = try Self.nodes(&reader)
        brokenLinks = try Self.brokenLinks(&reader)
        self.bytes = Array(bytes[..<(reader.offset ?? bytes.count)])
        self.digest = .sha256(self.bytes)
    }

    static func previous(_ reader: inout DocumentReader, before slot: Slot) throws(DocumentError) -> ConsensusLink? {
        guard reader.isNext("previous") else { return nil }
        let words = try reader.take("previous", arguments: 2).arguments
        guard let earlier = Slot(words[0]), earlier < slot, let digest = Digest(hex: words[1]) else {
            throw reader.invalid()
        }
        return ConsensusLink(slot: earlier, digest: digest)
    }

    static func time(_ keyword: String, _ reader: inout DocumentReader) throws(DocumentError) -> Timestamp {
        guard let time = Timestamp(try reader.take(keyword, arguments: 1).arguments[0]) else { throw reader.invalid() }
        return time
    }

    static func votes(_ reader: inout DocumentReader) throws(DocumentError) -> [CountedVote] {
        var votes: [CountedVote] = []
        for item in try reader.takeAll("vote", arguments: 2) {
            guard votes.count < Authority.maximumCount, let name = Nickname(item.arguments[0]),
                let digest = Digest(hex: item.arguments[1]), votes.last.map({ $0.name.text < name.text }) ?? true
            else { throw reader.invalid() }
            votes.append(CountedVote(name: name, digest: digest))
        }
        return votes
    }

    /// All voted parameters, in order. Those that the network file fixes keep their defaults until it is known.
    static func parameters(_ reader: inout DocumentReader) throws(DocumentError) -> NetworkParameters {
        var parameters = NetworkParameters()
        var names: [String] = []
        for item in try reader.takeAll("parameter", arguments: 2) {
            let text = item.arguments[1]
            guard let value = Int64(text), String(value) == text, parameters.set(item.arguments[0], to: value) else {
                throw reader.invalid()
            }
            names.append(item.arguments[0])
        }
        guard names == parameters.voted.map(\.name) else { throw reader.invalid() }
        return parameters
    }

    private static func nodes(_ reader: inout DocumentReader) throws(DocumentError) -> [ConsensusNode] {
        var nodes: [ConsensusNode] = []
        var names: Set<String> = []
        for item in try reader.takeAll("node") {
            guard nodes.count < maximumNodes, let node = ConsensusNode(words: item.arguments),
                nodes.last.map({ $0.id < node.id }) ?? true, names.insert(node.nickname.folded).inserted
            else { throw reader.invalid() }
            nodes.append(node)
        }
        return nodes
    }

    static func brokenLinks(_ reader: inout DocumentReader) throws(DocumentError) -> [NodeLink] {
        var links: [NodeLink] = []
        for item in try reader.takeAll("broken-link", arguments: 2) {
            guard links.count < maximumBrokenLinks, let from = NodeID(hex: item.arguments[0]),
                let to = NodeID(hex: item.arguments[1]), from != to
            else { throw reader.invalid() }
            let link = NodeLink(from: from, to: to)
            guard links.last.map({ $0 < link }) ?? true else { throw reader.invalid() }
            links.append(link)
        }
        return links
    }
}
