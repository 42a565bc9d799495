// What lets an authority's identity stay offline: it signs, once in some months, the keys that sign every slot.

public import MixCrypto
public import WireFormat

/// Why a document of an authority is not its own.
public enum AuthorityDocumentError: Error, Equatable, Sendable, CustomStringConvertible {
    case document(DocumentError)
    case unknownAuthority(String)
    case badCertificate(String)
    /// With the dates between which the certificate is good.
    case certificateExpired(String, from: Timestamp, until: Timestamp)
    case badSignature(String)
    case otherNetwork(String)
    case otherNetworkVersion(have: UInt32, named: UInt32)

    public var description: String {
        switch self {
        case .document(let error): error.description
        case .unknownAuthority(let name): "\(name) is no authority of this network"
        case .badCertificate(let name): "the certificate of authority \(name) is not signed by its identity"
        case .certificateExpired(let name, let from, let until):
            "the certificate of authority \(name) is good from \(from) until \(until) only"
        case .badSignature(let name): "the signature of authority \(name) is wrong: the document was damaged or forged"
        case .otherNetwork(let name): "the document belongs to another network, \(name)"
        case .otherNetworkVersion(let have, let named):
            "the document was made by version \(named) of the network file, version \(have) is installed"
        }
    }
}

/// A signing key for which an authority's identity vouches.
public struct AuthorityCertificate: Hashable, Sendable {
    /// Longest time that a certificate may be good.
    public static let maximumValidity = Interval.days(90)
    /// Most bytes of a certificate.
    public static let maximumSize = 16 << 10
    static let label = "NIGHTJAR CERTIFICATE"

    public let authority: Authority
    public let key: HybridVerificationKey
    public let published: Timestamp
    public let validUntil: Timestamp
    /// The canonical bytes.
    public let bytes: [UInt8]

    /// Signs a certificate with an identity key.
    /// - Throws: `DocumentError` if the dates are wrong or more than 90 days apart, `CryptoError`.
    public static func make(
        network: String, name: Nickname, identity: HybridSigningKey, key: HybridVerificationKey, published: Timestamp,
        validUntil: Timestamp
    ) throws -> [UInt8] {
        let body = Document.write([
            DocumentItem(DocumentKind.certificate.rawValue, ["1"]),
            DocumentItem("network", [network]),
            DocumentItem("authority", [name.text]),
            DocumentItem("published", [published.description]),
            DocumentItem("valid-until", [validUntil.description]),
            DocumentItem("signing-key", [], object: DocumentObject(DocumentSignature.hybridKeyLabel, key.bytes)),
        ])
        let signature = try identity.sign(DocumentSignature.message(.certificate, network: network, body: body))
        let bytes =
            body
            + Document.write([
                DocumentItem("signature", [], object: DocumentObject(DocumentSignature.hybridLabel, signature))
            ])
        _ = try UnverifiedCertificate(bytes)
        return bytes
    }
}

/// A certificate as it came.
public struct UnverifiedCertificate: Sendable {
    public let network: String
    /// The authority that it claims to be of.
    public let name: Nickname
    public let published: Timestamp
    public let validUntil: Timestamp
    public let key: HybridVerificationKey
    public let bytes: [UInt8]
    private let signature: [UInt8]
    private let signedCount: Int

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= AuthorityCertificate.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.certificate.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        network = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(network) else { throw reader.invalid() }
        guard let name = Nickname(try reader.take("authority", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        guard let published = Timestamp(try reader.take("published", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        guard let validUntil = Timestamp(try reader.take("valid-until", arguments: 1).arguments[0]),
            published < validUntil, validUntil - published <= AuthorityCertificate.maximumValidity
        else { throw reader.invalid() }
        let item = try reader.take("signing-key", arguments: 0, object: DocumentSignature.hybridKeyLabel)
        guard let key = try? HybridVerificationKey(item.object?.bytes ?? []) else { throw reader.invalid() }
        signedCount = reader.offset ?? bytes.count
        signature =
            try reader.take("signature", arguments: 0, object: DocumentSignature.hybridLabel).object?.bytes ?? []
        try reader.end()
        self.name = name
        self.published = published
        self.validUntil = validUntil
        self.key = key
        self.bytes = bytes
    }

    /// The one door to an `AuthorityCertificate`.
    /// - Parameter time: when it must be good: the start of a slot, so that all judge alike whatever their clocks say.
    public func verify(
        in file: NetworkFile, at time: Timestamp
    ) throws(AuthorityDocumentError) -> AuthorityCertificate {
        guard network == file.name else { throw .otherNetwork(network) }
        guard let authority = file.authority(named: name) else { throw .unknownAuthority(name.text) }
        let message = DocumentSignature.message(.certificate, network: network, body: bytes[..<signedCount])
        guard authority.identity.isValid(signature, over: message) else { throw .badCertificate(name.text) }
        // A day of tolerance at the beginning: a certificate made on a machine whose clock is fast must not cost slots.
        guard published - .days(1) <= time, time < validUntil else {
            throw .certificateExpired(name.text, from: published, until: validUntil)
        }
        return AuthorityCertificate(
            authority: authority, key: key, published: published, validUntil: validUntil, bytes: bytes)
    }
}
