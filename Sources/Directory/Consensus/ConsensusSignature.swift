// An authority's signature on a consensus. It covers slot and digest, so that it can be checked, and held against another
// one for the same slot, without the consensus itself.

internal import MixCrypto
public import WireFormat

/// One signature on a consensus.
public struct ConsensusSignature: Hashable, Sendable {
    /// Most bytes of the document that carries one.
    public static let maximumSize = 32 << 10

    public let authority: Nickname
    /// The canonical bytes of the certificate of the key that signed.
    public let certificate: [UInt8]
    /// 3373 bytes.
    public let signature: [UInt8]

    /// What is signed, behind the context that all signatures have.
    private static func statement(_ link: ConsensusLink) -> [UInt8] {
        Array("slot \(link.slot)\nconsensus \(link.digest.hex)\n".utf8)
    }

    init(authority: Nickname, certificate: [UInt8], signature: [UInt8]) {
        self.authority = authority
        self.certificate = certificate
        self.signature = signature
    }

    /// Signs. Whoever calls this has recorded before that it signs this and nothing else for the slot.
    public static func make(
        _ link: ConsensusLink, network: NetworkFile, signer: AuthoritySigner
    ) throws -> ConsensusSignature {
        ConsensusSignature(
            authority: signer.name, certificate: signer.certificate.bytes,
            signature: try signer.sign(.consensus, network: network.name, body: statement(link)))
    }

    /// Checks certificate (at the start of the slot) and signature.
    public func verify(_ link: ConsensusLink, in file: NetworkFile) throws(AuthorityDocumentError) {
        let unverified: UnverifiedCertificate
        do throws(DocumentError) { unverified = try UnverifiedCertificate(certificate) } catch {
            throw .document(error)
        }
        guard unverified.name == authority else { throw .badCertificate(authority.text) }
        let verified = try unverified.verify(in: file, at: file.slots.start(of: link.slot))
        let message = DocumentSignature.message(.consensus, network: file.name, body: Self.statement(link))
        guard verified.key.isValid(signature, over: message) else { throw .badSignature(authority.text) }
    }

    /// The two items that stand behind a consensus.
    var items: [DocumentItem] {
        [
            DocumentItem("certificate", [], object: DocumentObject(AuthorityCertificate.label, certificate)),
            DocumentItem(
                "signature", [authority.text], object: DocumentObject(DocumentSignature.hybridLabel, signature)),
        ]
    }

    init(_ reader: inout DocumentReader) throws(DocumentError) {
        let item = try reader.take("certificate", arguments: 0, object: AuthorityCertificate.label)
        certificate = try AuthorityProof.certificate(item, reader).bytes
        let signed = try reader.take("signature", arguments: 1, object: DocumentSignature.hybridLabel)
        guard let name = Nickname(signed.arguments[0]) else { throw reader.invalid() }
        authority = name
        signature = signed.object?.bytes ?? []
    }
}

/// A signature on its way between authorities, with what it signs: the document `nightjar-consensus-signature`.
public struct SentConsensusSignature: Hashable, Sendable {
    public let network: String
    public let networkVersion: UInt32
    public let link: ConsensusLink
    public let signature: ConsensusSignature

    public init(_ signature: ConsensusSignature, on link: ConsensusLink, network: NetworkFile) {
        self.network = network.name
        networkVersion = network.version
        self.link = link
        self.signature = signature
    }

    /// The canonical bytes.
    public var bytes: [UInt8] {
        Document.write(
            [
                DocumentItem(DocumentKind.consensusSignature.rawValue, ["1"]),
                DocumentItem("network", [network]),
                DocumentItem("network-version", [String(networkVersion)]),
                DocumentItem("slot", [link.slot.description]),
                DocumentItem("consensus", [link.digest.hex]),
            ] + signature.items)
    }

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= ConsensusSignature.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.consensusSignature.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        network = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(network) else { throw reader.invalid() }
        let text = try reader.take("network-version", arguments: 1).arguments[0]
        guard let version = UInt32(text), String(version) == text else { throw reader.invalid() }
        networkVersion = version
        guard let slot = Slot(try reader.take("slot", arguments: 1).arguments[0]) else { throw reader.invalid() }
        guard let digest = Digest(hex: try reader.take("consensus", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        link = ConsensusLink(slot: slot, digest: digest)
        signature = try ConsensusSignature(&reader)
        try reader.end()
    }

    /// Checks network, certificate and signature.
    public func verify(in file: NetworkFile) throws(AuthorityDocumentError) {
        guard network == file.name else { throw .otherNetwork(network) }
        guard networkVersion == file.version else {
            throw .otherNetworkVersion(have: file.version, named: networkVersion)
        }
        try signature.verify(link, in: file)
    }
}
