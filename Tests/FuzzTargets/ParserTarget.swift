import Directory
import Sphinx
import WireFormat

/// The parsers of what peers, operators and mails bring. The first byte of an input says which one reads the rest.
public enum ParserTarget: UInt8, CaseIterable, Sendable {
    case document
    case descriptor
    case networkFile
    case surb
    case replyInfo
    case armor
    case words
    case certificate
    case vote
    case proposal
    case evidence
    case consensus
    case consensusSignature
    case directoryRequest
    case directoryBlock
    case bundle
    case report
    case optOuts

    /// Gives `input` to its parser and traps if what was read does not give the same bytes again.
    public static func run(_ input: [UInt8]) {
        guard let first = input.first, let target = ParserTarget(rawValue: first % UInt8(allCases.count)) else {
            return
        }
        target.read(Array(input.dropFirst()))
    }

    private func read(_ bytes: [UInt8]) {
        switch self {
        case .document:
            guard let items = try? Document.parse(bytes) else { return }
            precondition(Document.write(items.map(\.item)) == bytes, "a document that is not canonical was read")
        case .descriptor:
            guard let descriptor = try? UnverifiedDescriptor(bytes) else { return }
            if let verified = try? descriptor.verify(network: "testing") {
                precondition(
                    verified.bytes == bytes && !verified.fields.addresses.isEmpty, "a descriptor lost its bytes")
            }
        case .networkFile:
            guard let file = try? UnverifiedNetworkFile(bytes) else { return }
            if let verified = try? file.verify() {
                precondition(verified.bytes == bytes && !verified.authorities.isEmpty, "a network file lost its bytes")
                _ = try? file.verify(succeeding: verified)
            }
            if let network = FuzzNetwork.made { _ = try? file.verify(succeeding: network.file) }
        case .surb:
            guard let surb = try? SURB(bytes) else { return }
            // A time of expiry beyond what milliseconds can hold saturates; all others come back as they were.
            if surb.expiry.milliseconds != .max { precondition(surb.encoded == bytes, "a SURB changed on the way") }
        case .replyInfo:
            guard let info = try? ReplyInfo(bytes) else { return }
            precondition(info.id.bytes + info.sealedKeys + Array(info.address.utf8) == bytes, "info changed on the way")
        case .armor: readArmor(bytes)
        case .words: readWords(bytes)
        case .directoryRequest:
            guard let request = try? DirectoryRequest(decoding: bytes) else { return }
            precondition(request.encoded == bytes, "a question changed on the way")
            _ = DirectoryShelf().answer(request)
        case .directoryBlock:
            guard let block = try? DirectoryBlock(decoding: bytes) else { return }
            precondition(block.encoded == bytes, "a block changed on the way")
        case .bundle:
            let pieces = DescriptorBundle.split(bytes)
            precondition(pieces.reduce(0) { $0 + $1.count } <= bytes.count, "a bundle grew")
            for piece in pieces { precondition(piece.first == UInt8(ascii: "n"), "a piece without its first line") }
        case .certificate, .vote, .proposal, .evidence, .consensus, .consensusSignature, .report, .optOuts:
            if let network = FuzzNetwork.made { readSigned(bytes, network) }
        }
    }

    /// What authorities and pingers sign.
    private func readSigned(_ bytes: [UInt8], _ network: FuzzNetwork) {
        switch self {
        case .certificate:
            guard let certificate = try? UnverifiedCertificate(bytes) else { return }
            precondition(certificate.bytes == bytes, "a certificate lost its bytes")
            _ = try? certificate.verify(in: network.file, at: certificate.published)
        case .vote:
            guard let vote = try? UnverifiedVote(bytes) else { return }
            _ = try? vote.verify(in: network.file)
            network.check(vote)
        case .proposal:
            guard let proposal = try? UnverifiedProposal(bytes) else { return }
            if let verified = try? proposal.verify(in: network.file) {
                precondition(verified.fact(in: network.file) != nil, "a proposal of a stranger")
            }
        case .evidence:
            guard let evidence = try? UnverifiedEvidence(bytes) else { return }
            if let verified = try? evidence.verify(in: network.file) {
                precondition(Set(verified.digests).count == 2, "evidence of nothing")
            }
        case .consensus:
            guard let consensus = try? UnverifiedConsensus(bytes) else { return }
            network.check(consensus.claimed, bytes)
            _ = try? consensus.verify(in: network.file)
        case .consensusSignature:
            guard let sent = try? SentConsensusSignature(bytes) else { return }
            precondition(sent.bytes == bytes, "a signature of a second spelling")
            _ = try? sent.verify(in: network.file)
        case .report:
            guard let report = try? UnverifiedReport(bytes) else { return }
            _ = try? report.verify(in: network.file)
            network.check(report)
        case .optOuts:
            guard let statement = try? UnverifiedOptOutStatement(bytes) else { return }
            _ = try? statement.verify(network: network.file.name)
            network.check(statement, bytes)
        default: break
        }
    }

    private func readArmor(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        for kind in ArmorKind.allCases {
            for block in Armor.decode(text, kind: kind).blocks {
                precondition(
                    Armor.decode(Armor.encode(block, kind: kind), kind: kind).blocks == [block],
                    "armor changed a block")
            }
        }
    }

    private func readWords(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        if let address = NodeAddress(text) {
            _ = address.isPublic
            precondition(NodeAddress(address.description) == address, "an address changed on the way")
        }
        if let path = try? PathSpecification(text) {
            precondition(!path.elements.isEmpty, "a path without elements")
        }
        if let time = Timestamp(text) { precondition(time.description == text, "a time changed on the way") }
        if let decoded = Base64.decode(text) {
            precondition(Base64.encode(decoded) == text, "base64 of a second spelling")
        }
        if let decoded = Hex.decode(text) {
            precondition(Hex.encode(decoded) == text, "digits of a second spelling")
        }
        if let name = Nickname(text) { precondition(name.text.utf8.count <= 24, "a long nickname") }
        precondition(!Authority.isURL(text) || text.utf8.count <= 255, "a long URL")
    }

    /// Inputs of each parser to start from.
    /// - Parameter documents: the golden files of Tests/DirectoryTests, with the parser that reads each.
    public static func seeds(
        _ documents: [(target: ParserTarget, bytes: [UInt8])]
    ) throws -> [(name: String, bytes: [UInt8])] {
        let surb = [1, 0, 0, 0] + [UInt8](repeating: 1, count: Geometry.suite1.surbSize - 4)
        let block = Array(Armor.encode([UInt8](0..<100), kind: .replyBlock).utf8)
        var list: [(ParserTarget, [UInt8])] = [
            (.surb, surb), (.replyInfo, [UInt8](repeating: 65, count: 270)), (.armor, block),
            (.armor, block + Array("> text\r\n".utf8) + block),
            (.document, Array("a b c\nd\n-----BEGIN K-----\nAAAA\n-----END K-----\n".utf8)),
        ]
        for word in [
            "8.8.4.4:1", "[2a00:1450::8]:7", "mix.example.org", "?,*2,a,~3,{b|c}", "2026-11-21T06:30:00Z", "Zm9vYg==",
            "00ff", "https://ant.example.org:80/x",
        ] {
            list.append((.words, Array(word.utf8)))
        }
        for document in documents {
            list += [(.document, document.bytes), (document.target, document.bytes)]
            if document.target == .descriptor { list.append((.bundle, document.bytes + document.bytes)) }
        }
        list += try FuzzNetwork.made?.seeds() ?? []
        return list.enumerated().map { ("\($0.element.0)-\($0.offset)", [$0.element.0.rawValue] + $0.element.1) }
    }
}
