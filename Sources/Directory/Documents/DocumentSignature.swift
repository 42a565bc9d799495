// Signatures over documents. The signed bytes open with what kind of document it is and of which network, so that no
// document can stand for another.

public import MixCrypto
public import WireFormat

/// The kinds of documents that are signed.
public enum DocumentKind: String, Sendable {
    case descriptor = "nightjar-descriptor"
    case network = "nightjar-network"
    case certificate = "nightjar-certificate"
    case vote = "nightjar-vote"
    case proposal = "nightjar-proposal"
    case consensus = "nightjar-consensus"
    case consensusSignature = "nightjar-consensus-signature"
    case evidence = "nightjar-evidence"
    case report = "nightjar-report"
    case optOuts = "nightjar-opt-outs"
}

/// Makes and checks document signatures.
public enum DocumentSignature {
    /// Label of an Ed25519 signature object (64 bytes).
    public static let label = "ED25519 SIGNATURE"
    /// Label of an Ed25519 key object (32 bytes).
    public static let keyLabel = "ED25519 KEY"
    /// Label of an authority's signature (3373 bytes: Ed25519, ML-DSA-65).
    public static let hybridLabel = "NIGHTJAR SIGNATURE"
    /// Label of an authority's key (1984 bytes: Ed25519, ML-DSA-65).
    public static let hybridKeyLabel = "NIGHTJAR AUTHORITY KEY"

    /// What is signed: four lines of context, then the document up to the signature item.
    static func message(_ kind: DocumentKind, network: String, body: some Sequence<UInt8>) -> [UInt8] {
        Array("nightjar signature 1\n\(kind.rawValue)\n\(network)\n".utf8) + body
    }

    /// `body` with the signature item behind it.
    public static func sign(
        _ body: [DocumentItem], kind: DocumentKind, network: String, key: SigningKey
    ) throws(CryptoError) -> [UInt8] {
        let bytes = Document.write(body)
        let signature = try key.sign(message(kind, network: network, body: bytes))
        return bytes + Document.write([DocumentItem("signature", [], object: DocumentObject(label, signature))])
    }
}
