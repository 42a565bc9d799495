// What an authority tells the others of its identity: the public key, as a text document that goes by mail or on paper.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import WireFormat

/// The public half of an identity key.
///
///     nightjar-authority-identity 1
///     fingerprint HEX
///     key
///     -----BEGIN NIGHTJAR AUTHORITY KEY----- ...
struct IdentityDocument {
    static let keyword = "nightjar-authority-identity"
    /// Most bytes of such a document.
    static let maximumSize = 8 << 10

    let key: HybridVerificationKey

    init(key: HybridVerificationKey) { self.key = key }

    /// Parses the canonical form.
    init(_ bytes: [UInt8]) throws(DocumentError) {
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(Self.keyword, arguments: 1).arguments == ["1"] else { throw reader.invalid() }
        let fingerprint = try reader.take("fingerprint", arguments: 1).arguments[0]
        let item = try reader.take("key", arguments: 0, object: DocumentSignature.hybridKeyLabel)
        guard let key = try? HybridVerificationKey(item.object?.bytes ?? []), key.digest.hex == fingerprint else {
            throw reader.invalid()
        }
        try reader.end()
        self.key = key
    }

    /// Reads the file at `path`.
    init(file path: String) throws(CommandFailure) {
        let bytes = try AtomicFile.read(path, limit: Self.maximumSize)
        do throws(DocumentError) { try self.init(bytes) } catch {
            throw CommandFailure(
                "\(path) is not the identity of an authority as `nightjar-authority identity new` prints it: \(error)")
        }
    }

    var bytes: [UInt8] {
        Document.write([
            DocumentItem(Self.keyword, ["1"]),
            DocumentItem("fingerprint", [key.digest.hex]),
            DocumentItem("key", [], object: DocumentObject(DocumentSignature.hybridKeyLabel, key.bytes)),
        ])
    }
}

/// Digests as people compare them.
enum Fingerprint {
    /// 64 hexadecimal digits in groups of four, for reading aloud.
    static func text(_ digest: Digest) -> String {
        let digits = Array(digest.hex)
        return stride(from: 0, to: digits.count, by: 4).map { String(digits[$0..<min($0 + 4, digits.count)]) }
            .joined(separator: " ")
    }
}
