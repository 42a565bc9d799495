import Directory
import MixCrypto
import WireFormat

/// Votes of a full set of authorities on a network of given size, and what becomes of them.
struct TallyBench {
    private let network: NetworkFile
    private let slot: Slot
    private let votes: [[UInt8]]
    private let nodes: Int

    /// Makes keys and votes. All authorities have measured all nodes and disagree about some of them, so that nothing
    /// can be taken as said by all.
    init(nodes: Int, authorities: Int) throws {
        var random = SystemRandomNumberGenerator()
        let begin = Timestamp(seconds: 1_795_242_000)
        var members: [(name: Nickname, key: HybridSigningKey)] = []
        for index in 0..<authorities {
            guard let name = Nickname("authority-\(index)") else { continue }
            members.append((name, try HybridSigningKey.generate()))
        }
        var draft = try NetworkFile.draft(
            name: "bench", version: 1, isTest: false, published: begin,
            authorities: members.map { Authority(name: $0.name, identity: $0.key.verificationKey, urls: []) })
        for member in members { draft = try draft.signed(by: member.key) }
        network = try draft.verify()
        slot = network.slots.slot(at: begin) ?? Slot(0)
        self.nodes = nodes

        var listed: [VotedNode] = []
        for index in 0..<nodes {
            guard let nickname = Nickname("node-\(index)") else { continue }
            listed.append(
                VotedNode(
                    id: .random(using: &random), nickname: nickname, descriptor: .random(using: &random),
                    published: begin - .hours(Int64.random(in: 1...12, using: &random)),
                    since: begin - .days(Int64.random(in: 0...100, using: &random)),
                    flags: [.running, .stable, .exit, .mailbox]))
        }
        var votes: [[UInt8]] = []
        for member in members {
            let certificate = try UnverifiedCertificate(
                AuthorityCertificate.make(
                    network: network.name, name: member.name, identity: member.key, key: member.key.verificationKey,
                    published: begin, validUntil: begin + .days(30))
            ).verify(in: network, at: begin)
            var seen = listed
            for index in seen.indices {
                if UInt8.random(in: 0..<20, using: &random) == 0 { seen[index].flags = [.running] }
                seen[index].measurement = NodeMeasurement(
                    reliability: .random(in: 900...1000, using: &random),
                    latency: .seconds(.random(in: 1...600, using: &random)), samples: 1000)
            }
            let contents = VoteContents(
                slot: slot, authority: member.name, published: begin, previous: nil, parameters: NetworkParameters(),
                nodes: seen,
                brokenLinks: zip(listed, listed.dropFirst(7)).prefix(nodes / 10).map {
                    NodeLink(from: $0.id, to: $1.id)
                },
                software: "nightjar-bench")
            let signer = try AuthoritySigner(certificate: certificate, key: member.key)
            votes.append(try Vote.make(contents, network: network, signer: signer).bytes)
        }
        self.votes = votes
    }

    /// From the bytes of the votes to those of the consensus, `rounds` times.
    func measure(rounds: Int) throws -> TallyFigures {
        var parse = Samples()
        var verify = Samples()
        var tally = Samples()
        var write = Samples()
        var size = 0
        for _ in 0..<rounds {
            var unverified: [UnverifiedVote] = []
            try parse.time(count: 1) { unverified = try votes.map { try UnverifiedVote($0) } }
            var verified: [Vote] = []
            try verify.time(count: 1) { verified = try unverified.map { try $0.verify(in: network) } }
            var made: Consensus?
            try tally.time(count: 1) { made = try Tally.consensus(of: verified, slot: slot, network: network) }
            guard let made else { continue }
            write.time(count: 1) {
                size =
                    Consensus(
                        network: network, slot: slot, previous: nil, votes: made.votes, parameters: made.parameters,
                        nodes: made.nodes, brokenLinks: made.brokenLinks
                    ).bytes.count
            }
        }
        return TallyFigures(
            nodes: nodes, authorities: network.authorities.count, voteBytes: votes.map(\.count).max() ?? 0,
            consensusBytes: size, parseMilliseconds: parse.median / 1000, verifyMilliseconds: verify.median / 1000,
            tallyMilliseconds: tally.median / 1000, writeMilliseconds: write.median / 1000,
            totalMilliseconds: (parse.median + verify.median + tally.median) / 1000,
            limitMilliseconds: TallyFigures.limit(nodes))
    }
}

/// What a consensus costs. Times are medians in milliseconds, on one core.
struct TallyFigures: Encodable {
    var nodes: Int
    var authorities: Int
    var voteBytes: Int
    var consensusBytes: Int
    /// All votes from bytes to what they say.
    var parseMilliseconds: Double
    /// All certificates and signatures.
    var verifyMilliseconds: Double
    /// The consensus of them, written.
    var tallyMilliseconds: Double
    /// The writing alone.
    var writeMilliseconds: Double
    /// Parse, verify and tally.
    var totalMilliseconds: Double
    /// What it may cost.
    var limitMilliseconds: Double

    /// A second for 200 nodes, ten for 2000.
    static func limit(_ nodes: Int) -> Double { nodes <= 200 ? 1000 : 10_000 }
}
