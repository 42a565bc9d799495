// TLS as MMTP wants it: version 1.3 only, key exchange X25519MLKEM768 only (recorded traffic must stay closed to a
// later quantum computer), ALPN `mmtp/1`, no certificate from the dialer. What it does not hide: that a connection is
// TLS with this ALPN and this rare choice of one group.

internal import NIOCore
internal import NIOSSL

/// The TLS settings of both sides.
enum LinkTLS {
    /// ALPN name; mandatory on both sides.
    static let protocolName = "mmtp/1"
    /// How long an orderly end of TLS may take before the socket is closed regardless.
    static let shutdownTimeout = TimeAmount.seconds(2)

    /// The listener's settings for `certificate`.
    static func listenerContext(_ certificate: LinkCertificate) throws -> NIOSSLContext {
        var settings = TLSConfiguration.makeServerConfiguration(
            certificateChain: [
                .certificate(try NIOSSLCertificate(bytes: certificate.leaf, format: .der)),
                .certificate(try NIOSSLCertificate(bytes: certificate.identity, format: .der)),
            ],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: certificate.leafKey, format: .pem)))
        settings.certificateVerification = .none
        return try context(&settings)
    }

    /// The dialer's settings. The verification here is replaced by `LinkCertificate.verify`, but it must not be
    /// `.none`, or that would not be called; the empty list of roots keeps the system's from being loaded.
    static func dialerContext() throws -> NIOSSLContext {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateVerification = .noHostnameVerification
        settings.trustRoots = .certificates([])
        settings.verifySignatureAlgorithms = [.ecdsaSecp256R1Sha256]
        return try context(&settings)
    }

    private static func context(_ settings: inout TLSConfiguration) throws -> NIOSSLContext {
        settings.minimumTLSVersion = .tlsv13
        settings.maximumTLSVersion = .tlsv13
        settings.curves = [.x25519_MLKEM768]
        settings.applicationProtocols = [protocolName]
        settings.shutdownTimeout = shutdownTimeout
        return try NIOSSLContext(configuration: settings)
    }
}
