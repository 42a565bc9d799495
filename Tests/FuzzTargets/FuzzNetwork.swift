import Directory
import MixCrypto
import WireFormat

/// A network of one authority with keys from fixed seeds: fuzzers cannot forge signatures, so what they make is signed
/// here and must come out as it went in.
struct FuzzNetwork {
    static let made = try? FuzzNetwork()

    let file: NetworkFile
    let signer: AuthoritySigner
    let pinger: HybridSigningKey
    let node: SigningKey
    let slot: Slot

    private init() throws {
        let start = Timestamp(seconds: 1_795_242_000)
        guard let name = Nickname("ant") else { throw DocumentError(line: 0, reason: .value) }
        let key = try Self.key(100)
        file = try NetworkFile.draft(
            name: "testing", version: 1, isTest: true, published: start - .days(1),
            authorities: [Authority(name: name, identity: key.verificationKey, urls: ["https://ant.example.org"])]
        ).signed(by: key).verify()
        let signing = try Self.key(150)
        let certificate = try UnverifiedCertificate(
            AuthorityCertificate.make(
                network: file.name, name: name, identity: key, key: signing.verificationKey, published: start,
                validUntil: start + .days(30))
        ).verify(in: file, at: start)
        signer = try AuthoritySigner(certificate: certificate, key: signing)
        pinger = try Self.key(160)
        var seed = [UInt8](repeating: 170, count: 32)
        node = try SigningKey(seed: SecretBytes(moving: &seed))
        slot = file.slots.slot(at: start) ?? Slot(1)
    }

    private static func key(_ number: UInt8) throws -> HybridSigningKey {
        var seed = [UInt8](repeating: number, count: HybridSigningKey.seedSize)
        return try HybridSigningKey(seed: SecretBytes(moving: &seed))
    }

    /// Traps if a vote that says what `vote` says, signed here, says something else. Date, network and slot are the
    /// network's.
    func check(_ vote: UnverifiedVote) {
        var contents = vote.claimed
        contents.authority = signer.name
        contents.slot = slot
        if let previous = contents.previous, previous.slot >= slot { contents.previous = nil }
        guard let made = try? Vote.make(contents, network: file, signer: signer) else {
            preconditionFailure("a vote that was read cannot be written")
        }
        contents.parameters = made.contents.parameters
        precondition(made.contents == contents, "a vote changed on the way")
        let kept: Set<String> = ["parameter", "node", "measured", "broken-link", "report", "software"]
        precondition(
            Self.lines(made.bytes, kept) == Self.lines(vote.bytes, kept), "a vote was read that has a second spelling")
        let votes = [made]
        guard let consensus = try? Tally.consensus(of: votes, slot: slot, network: file) else {
            preconditionFailure("a good vote makes no consensus")
        }
        check(consensus)
        precondition(
            ConsensusAudit.check(consensus, votes: [made.bytes], network: file) == .identical, "an audit fails")
    }

    /// Traps if a report that says what `report` says, signed here, says something else, or does not count.
    func check(_ report: UnverifiedReport) {
        guard let made = try? MeasurementReport.make(report.claimed, network: file, key: pinger) else {
            preconditionFailure("a report that was read cannot be written")
        }
        precondition(made.contents == report.claimed, "a report changed on the way")
        let kept: Set<String> = [
            "pinger", "published", "window", "software", "deadline", "probes", "node", "broken-link",
        ]
        precondition(
            Self.lines(made.bytes, kept) == Self.lines(report.bytes, kept),
            "a report was read that has a second spelling")
        let verdict = ReportTally.judge([made], network: file.name, at: made.published)
        precondition(verdict.used == [made.digest] && verdict.leftOut.isEmpty, "a good report does not count")
        precondition(verdict.unreliable.isSubset(of: verdict.measurements.keys), "unreliable without a measurement")
    }

    /// Traps if a statement that says what `statement` says, signed here, is spelled otherwise.
    func check(_ statement: UnverifiedOptOutStatement, _ bytes: [UInt8]) {
        guard let made = try? self.statement(statement.hashes, published: statement.published) else {
            preconditionFailure("a statement that was read cannot be written")
        }
        precondition(made.hashes == statement.hashes, "a statement changed on the way")
        let kept: Set<String> = ["published", "entries", "no-entries"]
        precondition(
            Self.lines(made.bytes, kept) == Self.lines(bytes, kept), "a statement was read that has a second spelling")
    }

    /// The node's statement of these entries.
    func statement(_ hashes: [OptOutHash], published: Timestamp? = nil) throws -> OptOutStatement {
        try OptOutStatement.make(hashes, network: file.name, published: published ?? file.published, identity: node)
    }

    /// Traps if a consensus, certified here, cannot be read.
    private func check(_ consensus: Consensus) {
        guard let signature = try? ConsensusSignature.make(consensus.link, network: file, signer: signer),
            let certified = try? CertifiedConsensus(consensus, signatures: [signature], network: file),
            let read = try? UnverifiedConsensus(certified.bytes).verify(in: file)
        else { preconditionFailure("a consensus that was made cannot be read") }
        precondition(read.consensus == consensus, "a consensus changed on the way")
    }

    /// Traps if a consensus that says what `claimed` says is spelled otherwise.
    func check(_ claimed: Consensus, _ bytes: [UInt8]) {
        let made = Consensus(
            network: file, slot: claimed.slot, previous: claimed.previous, votes: claimed.votes,
            parameters: claimed.parameters, nodes: claimed.nodes, brokenLinks: claimed.brokenLinks)
        let kept: Set<String> = ["slot", "previous", "vote", "parameter", "node", "broken-link"]
        precondition(
            Self.lines(made.bytes, kept) == Self.lines(bytes, kept), "a consensus was read that has a second spelling")
    }

    /// The lines that open with one of these keywords.
    private static func lines(_ bytes: [UInt8], _ keywords: Set<String>) -> [ArraySlice<UInt8>] {
        bytes.split(separator: 10).filter { line in
            keywords.contains(String(decoding: line.prefix { $0 != 32 }, as: UTF8.self))
        }
    }

    /// A document of each kind that an authority signs, to start from.
    func seeds() throws -> [(ParserTarget, [UInt8])] {
        guard let node = Nickname("node"), let before = slot.advanced(by: -1) else { return [] }
        func entry(_ number: UInt8, _ measurement: NodeMeasurement?) -> VotedNode {
            let bytes = [UInt8](repeating: number, count: 32)
            let digest = Digest.sha256(bytes)
            return VotedNode(
                id: bytes.withUnsafeBytes { NodeID(copying: $0) }, nickname: node, descriptor: digest,
                published: file.published, since: file.published, flags: [.running, .exit], measurement: measurement)
        }
        let nodes = [
            entry(1, NodeMeasurement(reliability: 990, latency: .seconds(5), samples: 10)), entry(2, nil),
            entry(3, NodeMeasurement(reliability: 0, latency: nil, samples: 1)),
        ]
        var contents = VoteContents(
            slot: slot, authority: signer.name, published: file.published,
            previous: ConsensusLink(slot: before, digest: nodes[0].descriptor), parameters: NetworkParameters(),
            nodes: nodes, brokenLinks: [NodeLink(from: nodes[0].id, to: nodes[1].id)],
            reports: [nodes[0].descriptor], software: "nightjar 0.1")
        let vote = try Vote.make(contents, network: file, signer: signer)
        contents.nodes = []
        let other = try Vote.make(contents, network: file, signer: signer)
        let consensus = try Tally.consensus(of: [vote], slot: slot, network: file)
        let report = try MeasurementReport.make(
            ReportContents(
                pinger: node, published: file.published, from: file.published - .days(2), to: file.published,
                deadline: .hours(6), software: "test", counts: ReportedCounts(sent: 9, arrived: 5, lost: 2, void: 1),
                nodes: [
                    ReportedNode(
                        id: nodes[0].id, relay: ReportedEstimate(value: 900, low: 850, high: 950, samples: 40),
                        latency: .seconds(60),
                        within: ReportedArrivals(tenMinutes: 5, hour: 10, sixHours: 900, day: 1000),
                        entry: ReportedShare(value: 5, samples: 1), mailbox: ReportedShare(value: 0, samples: 2),
                        deliveries: ReportedShare(value: 1000, samples: 3),
                        handshakes: ReportedShare(value: 995, samples: 4), duplicates: 1, damaged: 2),
                    ReportedNode(id: nodes[1].id),
                ], brokenLinks: [NodeLink(from: nodes[1].id, to: nodes[0].id)]), network: file, key: pinger)
        let signature = try ConsensusSignature.make(consensus.link, network: file, signer: signer)
        let hashes = [1, 2, 200].map { number in
            [UInt8](repeating: number, count: 16).withUnsafeBytes { OptOutHash(copying: $0) }
        }
        let statements = try [hashes, []].map { try statement($0) }
        let proposal = try Proposal.make(slot: slot, votes: consensus.votes, network: file, signer: signer)
        return [
            (.networkFile, file.bytes), (.certificate, signer.certificate.bytes), (.vote, vote.bytes),
            (.vote, other.bytes), (.proposal, proposal.bytes), (.report, report.bytes),
            (.consensus, try CertifiedConsensus(consensus, signatures: [signature], network: file).bytes),
            (.consensusSignature, SentConsensusSignature(signature, on: consensus.link, network: file).bytes),
            (.evidence, try Evidence.make(.vote, vote.bytes, other.bytes, network: file).bytes),
            (.optOuts, statements[0].bytes), (.optOuts, statements[1].bytes),
            (.directoryRequest, DirectoryRequest(.latest).encoded),
            (
                .directoryRequest,
                DirectoryRequest(.documents(nodes.map(\.descriptor)), block: 2, newest: consensus.link).encoded
            ),
            (.directoryRequest, DirectoryRequest(.consensus(consensus.link)).encoded),
            (.directoryRequest, DirectoryRequest(.networkFile(3)).encoded),
            (.directoryBlock, DirectoryBlock.without(.busy, newest: consensus.link).encoded),
            (
                .directoryBlock,
                DirectoryBlock(consensus.bytes, block: 0, total: consensus.bytes.count, newest: nil)?.encoded ?? []
            ),
        ]
    }
}
