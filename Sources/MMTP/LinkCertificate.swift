// The certificates of a link: a P-256 leaf made in memory, signed by a certificate of the node's Ed25519 identity key.
// TLS stacks do not commonly take Ed25519 leaves, hence two. The only thing a dialer wants to know is whether the
// identity key is the one that the network file names; subjects, issuers, extensions and authorities play no part.

internal import Crypto
internal import FoundationEssentials
internal import MixCrypto
internal import SwiftASN1
internal import WireFormat
internal import X509

/// Why a listener's certificates were not accepted.
enum CertificateFailure: Error, Hashable, Sendable {
    /// Not two certificates, or not in the form of ours, or a signature that does not verify.
    case malformed
    /// Good certificates of another node.
    case wrongIdentity
    /// The leaf is valid from `from` to `until`, and the clock here says `now`.
    case dates(from: Timestamp, until: Timestamp, now: Timestamp)
}

/// A leaf with its private key, and the certificate that signed it.
struct LinkCertificate: Sendable {
    /// DER of the leaf.
    let leaf: [UInt8]
    /// DER of the certificate of the identity key.
    let identity: [UInt8]
    /// PEM of the leaf's private key (PKCS #8).
    let leafKey: [UInt8]

    /// How far before and after the moment of making a leaf is valid: wide, so that a wrong clock is noticed by its
    /// message long before it breaks a link.
    static let halfValidity = Interval.days(2)

    /// Makes a fresh leaf around `now`, signed by `key`.
    init(signedBy key: SigningKey, now: Timestamp) throws {
        let identityKey = try key.withSeed { try Curve25519.Signing.PrivateKey(rawRepresentation: $0) }
        let leafKey = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("mmtp") }
        func certificate(of publicKey: Certificate.PublicKey, extensions: Certificate.Extensions) throws -> [UInt8] {
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: (now - Self.halfValidity).date, notValidAfter: (now + Self.halfValidity).date,
                issuer: name, subject: name, signatureAlgorithm: .ed25519, extensions: extensions,
                issuerPrivateKey: Certificate.PrivateKey(identityKey))
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        }
        leaf = try certificate(
            of: Certificate.PublicKey(leafKey.publicKey),
            extensions: Certificate.Extensions { Critical(BasicConstraints.notCertificateAuthority) })
        identity = try certificate(
            of: Certificate.PublicKey(identityKey.publicKey),
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            })
        self.leafKey = Array(leafKey.pemRepresentation.utf8)
    }

    /// Checks the chain (DER, leaf first) that a listener presented. That the listener holds the leaf's key is for TLS
    /// to prove.
    static func verify(_ chain: [[UInt8]], wanted: NodeID, now: Timestamp) throws(CertificateFailure) {
        guard chain.count == 2, let leaf = try? Certificate(derEncoded: chain[0]),
            let identity = try? Certificate(derEncoded: chain[1]),
            let identityKey = Curve25519.Signing.PublicKey(identity.publicKey),
            let verificationKey = try? VerificationKey(identityKey.rawRepresentation)
        else { throw .malformed }
        guard verificationKey.nodeID == wanted else { throw .wrongIdentity }
        guard P256.Signing.PublicKey(leaf.publicKey) != nil,
            identity.publicKey.isValidSignature(identity.signature, for: identity),
            identity.publicKey.isValidSignature(leaf.signature, for: leaf)
        else { throw .malformed }
        let from = Timestamp(leaf.notValidBefore)
        let until = Timestamp(leaf.notValidAfter)
        guard from <= now, now <= until else { throw .dates(from: from, until: until, now: now) }
    }
}

extension Timestamp {
    /// The same moment, to the second, for X.509.
    fileprivate var date: Date { Date(timeIntervalSince1970: Double(seconds)) }

    /// The nearest millisecond; a date beyond all reason becomes the end of time.
    fileprivate init(_ date: Date) {
        let seconds = date.timeIntervalSince1970
        self.init(seconds: Int64(exactly: seconds.rounded()) ?? (seconds > 0 ? .max : .min))
    }
}
