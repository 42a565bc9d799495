// TLS towards mail programs. The connection never leaves the machine; what TLS keeps out is other users of it who have
// taken the port before us, and mail programs that refuse to send a password without it.

internal import NIOCore
internal import NIOSSL

/// The certificate that a submission server shows.
public struct SubmissionSecurity: Sendable {
    private let context: NIOSSLContext

    /// - Parameters:
    ///   - certificate: PEM.
    ///   - key: PEM of its private key (PKCS #8).
    /// - Throws: `SubmissionSecurityError` if either does not read, or they do not belong together.
    public init(certificate: [UInt8], key: [UInt8]) throws(SubmissionSecurityError) {
        do {
            var settings = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMBytes(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem)))
            settings.minimumTLSVersion = .tlsv12
            settings.certificateVerification = .none
            settings.shutdownTimeout = .seconds(2)
            context = try NIOSSLContext(configuration: settings)
        } catch {
            throw SubmissionSecurityError()
        }
    }

    /// A handler for one connection.
    func handler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: context) }
}

/// A certificate and a key that cannot be used.
public struct SubmissionSecurityError: Error, Hashable, CustomStringConvertible {
    public var description: String { "the certificate and its key do not read, or do not belong together" }
}
