// The certificate of a server that mail programs of this machine connect to, signed by itself: nobody vouches for
// `localhost`. People compare its fingerprint once, as they do with any certificate that their mail program does not know.

internal import Crypto
internal import FoundationEssentials
internal import MixCrypto
internal import SwiftASN1
public import WireFormat
internal import X509

/// A certificate for `localhost`, 127.0.0.1 and ::1.
public struct LocalCertificate: Sendable {
    /// PEM.
    public let certificate: [UInt8]
    /// SHA-256 of the certificate's DER, as mail programs show it.
    public let fingerprint: WireFormat.Digest
    /// From then on mail programs refuse it.
    public let expiry: Timestamp

    /// How long one is valid: programs of Apple take no server's certificate for more than 825 days.
    public static let validity = Interval.days(820)

    /// Makes a certificate that begins a day before `now`, and its private key (PEM, PKCS #8).
    public static func make(now: Timestamp) throws -> (certificate: LocalCertificate, key: [UInt8]) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName {
            CommonName("localhost")
            OrganizationName("Nightjar gateway")
        }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: (now - .days(1)).date, notValidAfter: (now - .days(1) + validity).date, issuer: name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                KeyUsage(digitalSignature: true)
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([
                    .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                    .ipAddress(ASN1OctetString(contentBytes: [UInt8](repeating: 0, count: 15) + [1])),
                ])
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        return (try LocalCertificate(certificate), Array(key.pemRepresentation.utf8))
    }

    /// Reads PEM; nil if it is no certificate.
    public init?(pem: [UInt8]) {
        guard let certificate = try? Certificate(pemEncoded: String(decoding: pem, as: UTF8.self)),
            let read = try? LocalCertificate(certificate)
        else { return nil }
        self = read
    }

    private init(_ certificate: Certificate) throws {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        fingerprint = WireFormat.Digest.sha256(serializer.serializedBytes)
        self.certificate = Array(try certificate.serializeAsPEM().pemString.utf8) + [0x0A]
        expiry = Timestamp(
            seconds: Int64(exactly: certificate.notValidAfter.timeIntervalSince1970.rounded()) ?? .max)
    }

    /// The fingerprint as 32 pairs of hexadecimal digits with colons.
    public var fingerprintText: String {
        fingerprint.bytes.map { Hex.encode([$0]).uppercased() }.joined(separator: ":")
    }
}

extension Timestamp {
    /// The same moment, to the second, for X.509.
    fileprivate var date: Date { Date(timeIntervalSince1970: Double(seconds)) }
}
