// What goes from an authority's machine to its offline identity: please certify this key. It is signed by the key itself, so
// that a damaged request, or one for a key that its maker does not have, is found before anything is certified.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import WireFormat

/// A request for a certificate.
///
///     nightjar-certificate-request 1
///     network NAME
///     authority NAME
///     key
///     -----BEGIN NIGHTJAR AUTHORITY KEY----- ...
///     signature
///     -----BEGIN NIGHTJAR SIGNATURE----- ...
struct CertificateRequest {
    static let keyword = "nightjar-certificate-request"
    /// Most bytes of such a document.
    static let maximumSize = 16 << 10

    let network: String
    let name: Nickname
    let key: HybridVerificationKey
    let bytes: [UInt8]

    /// A request for the certification of `key`.
    static func make(network: String, name: Nickname, key: HybridSigningKey) throws -> CertificateRequest {
        let body = Document.write([
            DocumentItem(keyword, ["1"]),
            DocumentItem("network", [network]),
            DocumentItem("authority", [name.text]),
            DocumentItem(
                "key", [], object: DocumentObject(DocumentSignature.hybridKeyLabel, key.verificationKey.bytes)),
        ])
        let signature = try key.sign(message(network: network, body: body))
        return try CertificateRequest(
            body
                + Document.write([
                    DocumentItem("signature", [], object: DocumentObject(DocumentSignature.hybridLabel, signature))
                ]))
    }

    /// Parses the canonical form and checks the signature.
    init(_ bytes: [UInt8]) throws(DocumentError) {
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(Self.keyword, arguments: 1).arguments == ["1"] else { throw reader.invalid() }
        network = try reader.take("network", arguments: 1).arguments[0]
        guard let name = Nickname(try reader.take("authority", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        let item = try reader.take("key", arguments: 0, object: DocumentSignature.hybridKeyLabel)
        guard let key = try? HybridVerificationKey(item.object?.bytes ?? []) else { throw reader.invalid() }
        let signedCount = reader.offset ?? bytes.count
        let signature = try reader.take("signature", arguments: 0, object: DocumentSignature.hybridLabel)
        try reader.end()
        let message = Self.message(network: network, body: Array(bytes[..<signedCount]))
        guard key.isValid(signature.object?.bytes ?? [], over: message) else {
            throw DocumentError(line: 0, reason: .signature)
        }
        self.name = name
        self.key = key
        self.bytes = bytes
    }

    /// Reads the file at `path`.
    init(file path: String) throws(CommandFailure) {
        let bytes = try AtomicFile.read(path, limit: Self.maximumSize)
        do throws(DocumentError) { try self.init(bytes) } catch {
            throw CommandFailure(
                "\(path) is not a certificate request as `nightjar-authority init` writes it: \(error)")
        }
    }

    private static func message(network: String, body: [UInt8]) -> [UInt8] {
        Array("nightjar signature 1\n\(keyword)\n\(network)\n".utf8) + body
    }
}
