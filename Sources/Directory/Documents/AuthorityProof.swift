// What votes, proposals and reports end with: the certificate of the key that signed, and the signature.

public import MixCrypto
public import WireFormat

/// An authority's online key, with what vouches for it.
public struct AuthoritySigner: Sendable {
    public let certificate: AuthorityCertificate
    private let key: HybridSigningKey

    public var name: Nickname { certificate.authority.name }

    /// - Throws: `CryptoError.malformed` if the certificate is for another key.
    public init(certificate: AuthorityCertificate, key: HybridSigningKey) throws(CryptoError) {
        guard certificate.key == key.verificationKey else { throw .malformed }
        self.certificate = certificate
        self.key = key
    }

    /// The 3373-byte signature over `body` as a document of this kind.
    public func sign(_ kind: DocumentKind, network: String, body: [UInt8]) throws(CryptoError) -> [UInt8] {
        try key.sign(DocumentSignature.message(kind, network: network, body: body))
    }
}

/// Certificate and signature at the end of an authority's document.
public struct AuthorityProof: Sendable {
    private let certificate: UnverifiedCertificate
    private let signature: [UInt8]
    /// Bytes before the proof: what is signed, and what the document's digest is of.
    public let signedCount: Int

    /// Takes the two last items of a document.
    public init(_ reader: inout DocumentReader, _ bytes: [UInt8]) throws(DocumentError) {
        signedCount = reader.offset ?? bytes.count
        let item = try reader.take("certificate", arguments: 0, object: AuthorityCertificate.label)
        certificate = try Self.certificate(item, reader)
        signature =
            try reader.take("signature", arguments: 0, object: DocumentSignature.hybridLabel).object?.bytes ?? []
        try reader.end()
    }

    static func certificate(
        _ item: DocumentItem, _ reader: DocumentReader
    ) throws(DocumentError) -> UnverifiedCertificate {
        // Its own line numbers would mislead: the object begins here.
        guard let found = try? UnverifiedCertificate(item.object?.bytes ?? []) else { throw reader.invalid() }
        return found
    }

    /// Checks that `name` signed the document's first `signedCount` bytes with a key that was good at `time`.
    public func verify(
        _ kind: DocumentKind, of name: Nickname, in file: NetworkFile, at time: Timestamp, bytes: [UInt8]
    ) throws(AuthorityDocumentError) -> AuthorityCertificate {
        guard certificate.name == name else { throw .badCertificate(name.text) }
        let verified = try certificate.verify(in: file, at: time)
        let message = DocumentSignature.message(kind, network: file.name, body: bytes[..<signedCount])
        guard verified.key.isValid(signature, over: message) else { throw .badSignature(name.text) }
        return verified
    }

    /// The document of `items` with the proof behind it.
    public static func sign(
        _ items: [DocumentItem], kind: DocumentKind, network: String, signer: AuthoritySigner
    ) throws(CryptoError) -> [UInt8] {
        let body = Document.write(items)
        let signature = try signer.sign(kind, network: network, body: body)
        return body
            + Document.write([
                DocumentItem(
                    "certificate", [], object: DocumentObject(AuthorityCertificate.label, signer.certificate.bytes)),
                DocumentItem("signature", [], object: DocumentObject(DocumentSignature.hybridLabel, signature)),
            ])
    }
}
